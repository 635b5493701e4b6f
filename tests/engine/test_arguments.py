"""Options of a run: pools, workers, imports, and what is refused."""

from __future__ import annotations

import concurrent.futures
import threading
import warnings

import pytest

import ewoksppf_core
from ewoksppf_core import execute_graph, open_pool
from ewoksppf_core.errors import (
    GraphError,
    OptionError,
    UnknownOptionError,
    UnknownPoolTypeError,
)


def many(make_graph, count=6):
    return make_graph({f"n{number}": "pid" for number in range(count)})


def pids(graph, **options):
    result = execute_graph(graph, outputs=[{"all": True}], merge_outputs=False, **options)
    return {values["return_value"] for values in result.values()}


# Pools


def test_workers_of_an_open_pool_are_used_by_all_runs(make_graph, process_type):
    graph = make_graph({"a": "pid"})
    with open_pool(process_type, scaling_workers=False, max_workers=1) as pool:
        first = pids(graph, pool=pool)
        assert first == pids(graph, pool=pool)


def test_open_pool_stays_usable_after_a_run_that_failed(make_graph, warm_pool):
    with pytest.raises(RuntimeError, match="on purpose"):
        execute_graph(make_graph({"a": "fail"}), pool=warm_pool)
    assert execute_graph(make_graph({"a": "add"}), pool=warm_pool) == {"return_value": 0}


@pytest.mark.parametrize("workers", [1, 2])
def test_number_of_workers_is_fixed_without_scaling(make_graph, process_type, workers):
    options = {"pool_type": process_type, "scaling_workers": False, "max_workers": workers}
    assert 1 <= len(pids(many(make_graph), **options)) <= workers


@pytest.mark.parametrize("context", ["fork", "spawn", "forkserver"])
def test_every_start_method_runs_a_graph(make_graph, context):
    graph = make_graph({"a": {"task": "add", "inputs": {"a": 1}}})
    result = execute_graph(graph, pool_type="process", context=context)
    assert result == {"return_value": 1}


@pytest.mark.parametrize("workers", [0, -1])
def test_zero_workers_means_one_per_node(make_graph, workers):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = execute_graph(
            make_graph({"a": "add"}), pool_type="thread", scaling_workers=False, max_workers=workers
        )
    assert result == {"return_value": 0}


def test_max_workers_has_no_effect_while_scaling_and_a_warning_says_so(make_graph, pool_type):
    with pytest.warns(UserWarning, match="max_workers=3 has no effect.*scaling_workers=False"):
        execute_graph(make_graph({"a": "add"}), pool_type=pool_type, max_workers=3)


def test_warning_of_a_run_points_at_its_caller(make_graph):
    with pytest.warns(UserWarning, match="max_workers=3") as caught:
        execute_graph(make_graph({"a": "add"}), pool_type="thread", max_workers=3)
    with pytest.warns(DeprecationWarning, match="wait_on_exit") as deprecated:
        execute_graph(make_graph({"a": "add"}), pool_type="thread", wait_on_exit=True)
    assert [warning.filename for warning in (*caught, *deprecated)] == [__file__] * 2


def test_warning_of_an_open_pool_points_at_its_caller():
    with (
        pytest.warns(UserWarning, match="max_workers=3") as caught,
        open_pool("thread", max_workers=3),
    ):
        pass
    assert [warning.filename for warning in caught] == [__file__]


def test_any_executor_is_a_pool_and_stays_open(make_graph):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert execute_graph(make_graph({"a": "add"}), pool=pool) == {"return_value": 0}
        assert pool.submit(int).result() == 0


def test_executor_of_processes_is_a_pool(make_graph):
    with concurrent.futures.ProcessPoolExecutor(1) as pool:
        graph = make_graph(
            {"a": {"task": "add", "inputs": {"a": 1}}, "b": "same"}, [("a", "b", {})]
        )
        assert execute_graph(graph, pool=pool) == {"return_value": None}


def test_pool_type_can_be_chosen_by_environment_variable(make_graph, monkeypatch):
    monkeypatch.setenv("EWOKSPPF_POOL_TYPE", "thread")
    events = []
    execute_graph(make_graph({"a": "add"}), observers=[events.append])
    assert events[0].pool_type == "thread"


def test_runs_in_several_threads_do_not_disturb_each_other(make_graph, pool_type):
    results = {}

    def run(number):
        graph = make_graph({"a": {"task": "add", "inputs": {"a": number}}}, id=f"graph{number}")
        results[number] = execute_graph(graph, pool_type=pool_type)["return_value"]

    threads = [threading.Thread(target=run, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: number for number in range(3)}


def test_runs_in_several_threads_can_share_a_pool(make_graph, warm_pool):
    results = {}

    def run(number):
        graph = make_graph({"a": {"task": "add", "inputs": {"a": number}}}, id=f"graph{number}")
        results[number] = execute_graph(graph, pool=warm_pool)["return_value"]

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: number for number in range(4)}


# Imports


def test_pre_import_imports_the_tasks_in_this_process(make_graph, importable):
    import sys

    importable("tasks_to_import_first.py", "def compute():\n    return 1\n")
    node = {"task_type": "method", "task_identifier": "tasks_to_import_first.compute"}
    graph = make_graph({"a": node})
    execute_graph(graph, pool_type="process")
    assert "tasks_to_import_first" not in sys.modules
    assert execute_graph(graph, pool_type="process", pre_import=True) == {"return_value": 1}
    assert "tasks_to_import_first" in sys.modules


@pytest.mark.parametrize("pre_import", [True, False])
@pytest.mark.parametrize("context", ["spawn", "forkserver"])
def test_workers_that_are_not_forked_import_tasks_before_they_are_needed(
    make_graph, importable, context, pre_import
):
    importable("needed_later.py", "def task(value): return value")
    importable("needed_now.py", "import sys\ndef task(): return 'needed_later' in sys.modules")
    nodes = {
        name: {"task_type": "method", "task_identifier": f"needed_{name}.task"}
        for name in ("now", "later")
    }
    mapping = [{"source_output": "return_value", "target_input": "value"}]
    graph = make_graph(nodes, [("now", "later", {"data_mapping": mapping})])
    options = {"pool_type": "process", "context": context, "pre_import": pre_import}
    assert execute_graph(graph, **options) == {"return_value": pre_import}


def test_pre_import_that_fails_names_node_and_task(make_graph, importable):
    importable("tasks_that_break.py", "def compute(): ...\nraise RuntimeError('broken module')\n")
    node = {"task_type": "method", "task_identifier": "tasks_that_break.compute", "label": "Bad"}
    with pytest.raises(GraphError, match=r"node 'Bad'.*tasks_that_break.*broken module"):
        execute_graph(make_graph({"a": node}), pool_type="thread", pre_import=True)


def test_pre_import_knows_every_task_type(make_graph):
    generated = {
        "task_type": "generated",
        "task_identifier": "another.generated.task",
        "task_generator": "engine_tasks.generate",
    }
    graph = make_graph(
        {
            "a": "add",
            "b": "Half",
            "c": "ppf_add",
            "d": {"task_type": "ppfport"},
            "e": {"task_type": "script", "task_identifier": "true"},
            "f": generated,
        }
    )
    execute_graph(graph, pool_type="thread", pre_import=True)


# What is refused


@pytest.mark.parametrize(
    ("option", "closest"), [("pool_tipe", "pool_type"), ("max_worker", "max_workers")]
)
def test_unknown_option_is_refused_with_a_suggestion(make_graph, option, closest):
    with pytest.raises(UnknownOptionError, match=f"'{option}'.*did you mean '{closest}'"):
        execute_graph(make_graph({"a": "add"}), **{option: 1})


def test_unknown_pool_option_is_refused_with_a_suggestion(make_graph):
    with pytest.raises(UnknownOptionError, match="wait_on_exitt"):
        execute_graph(make_graph({"a": "add"}), pool_options={"wait_on_exitt": True})


def test_unknown_mishap_is_refused_with_a_suggestion(make_graph):
    with pytest.raises(
        UnknownOptionError, match=r"retries\['worker_lots'\] .did you mean 'worker_lost'"
    ):
        execute_graph(make_graph({"a": "add"}), retries={"worker_lots": 1})


def test_unknown_pool_type_is_refused_with_a_suggestion(make_graph):
    with pytest.raises(UnknownPoolTypeError, match="did you mean 'process'"):
        execute_graph(make_graph({"a": "add"}), pool_type="proces")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("db_options", {"db": "x"}),
        ("timeout", "soon"),
        ("timeout", -1),
        ("startargs", [1]),
        ("varinfo", "path"),
        ("task_options", 5),
        ("execinfo", 5),
        ("pool", "process"),
        ("pool_options", 5),
        ("max_workers", 1.5),
        ("scaling_workers", "no"),
        ("context", "spoon"),
        ("pool_type", 5),
        ("load_options", 5),
        ("observers", print),
        ("observers", [5]),
        ("observers", None),
        ("stop_on_signals", "SIGTERM"),
        ("stop_on_signals", 1),
        ("forced_interruption", "yes"),
        ("stop_signals", ["SIGNOPE"]),
        ("stop_signals", "SIGTERM"),
    ],
)
def test_bad_value_of_an_option_is_shown(make_graph, option, value):
    with pytest.raises(OptionError, match=option):
        execute_graph(make_graph({"a": "add"}), **{option: value})


@pytest.mark.parametrize("option", ["timeout", "task_timeout"])
@pytest.mark.parametrize("value", [float("inf"), float("nan"), 1e11, 10**400])
def test_limit_that_nobody_can_wait_for_is_refused_with_the_cure(make_graph, option, value):
    with pytest.raises(OptionError, match=f"{option}=.* None for no limit"):
        execute_graph(make_graph({"a": "add"}), **{option: value})


def test_task_timeout_of_zero_is_refused(make_graph):
    with pytest.raises(OptionError, match="task_timeout=0: a number of seconds above 0"):
        execute_graph(make_graph({"a": "add"}), task_timeout=0)


def test_longest_limits_can_be_waited_for(make_graph, make):
    longest = threading.TIMEOUT_MAX
    options = {"timeout": longest, "task_timeout": longest}
    options["pool_options"] = {"wait_on_exit_timeout": longest}
    assert execute_graph(make_graph({"a": "add"}), pool_type=make, **options) == {"return_value": 0}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("pool_type", "process"),
        ("max_workers", 0),
        ("scaling_workers", False),
        ("context", "spawn"),
        ("pool_options", {"wait_on_exit": True}),
    ],
)
def test_options_of_a_pool_are_refused_with_a_pool(make_graph, option, value):
    with (
        concurrent.futures.ThreadPoolExecutor(1) as pool,
        pytest.raises(OptionError, match=f"{option}=.*: it belongs to open_pool"),
    ):
        execute_graph(make_graph({"a": "add"}), pool=pool, **{option: value})


@pytest.mark.filterwarnings("ignore:pass wait_on_exit inside:DeprecationWarning")
def test_deprecated_options_of_a_pool_are_refused_with_a_pool(make_graph):
    with (
        concurrent.futures.ThreadPoolExecutor(1) as pool,
        pytest.raises(OptionError, match=r"wait_on_exit.*: it belongs to open_pool"),
    ):
        execute_graph(make_graph({"a": "add"}), pool=pool, wait_on_exit=True)


def test_defaults_of_pool_options_may_be_given_with_a_pool(make_graph):
    options = {"pool_type": None, "max_workers": None, "scaling_workers": True, "pool_options": {}}
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        result = execute_graph(make_graph({"a": "add"}), pool=pool, **options)
    assert result == {"return_value": 0}


def test_bad_stop_signal_is_shown(make_graph):
    with pytest.raises(OptionError, match="stop_signals='SIGNOPE'"):
        execute_graph(make_graph({"a": "add"}), stop_on_signals=True, stop_signals=["SIGNOPE"])


@pytest.mark.parametrize(
    ("option", "value"), [("stop_signals", ["SIGHUP"]), ("forced_interruption", True)]
)
def test_option_without_effect_warns_when_signals_do_not_stop_the_run(make_graph, option, value):
    with pytest.warns(UserWarning, match=f"{option}=.* has no effect") as caught:
        execute_graph(make_graph({"a": "add"}), pool_type="thread", **{option: value})
    assert [warning.filename for warning in caught] == [__file__]


def test_observers_may_be_any_iterable(make_graph):
    events = []
    execute_graph(
        make_graph({"a": "add"}), pool_type="thread", observers=iter([events.append, print])
    )
    assert events


def test_databases_are_refused_with_a_way_out(make_graph):
    with pytest.raises(OptionError, match="execinfo"):
        execute_graph(make_graph({"a": "add"}), db_options={"db": "x"})


def test_option_of_the_pool_is_accepted_with_a_deprecation_warning(make_graph):
    with pytest.warns(DeprecationWarning, match="wait_on_exit inside pool_options"):
        execute_graph(make_graph({"a": "add"}), pool_type="thread", wait_on_exit=True)


def test_option_of_the_run_that_cannot_be_pickled_is_named(make_graph, process_type):
    options = {"bad": lambda: None}
    with pytest.raises(OptionError, match="task_options"):
        execute_graph(make_graph({"a": "add"}), pool_type=process_type, task_options=options)


def test_public_names_exist():
    for name in ewoksppf_core.__all__:
        assert hasattr(ewoksppf_core, name)
