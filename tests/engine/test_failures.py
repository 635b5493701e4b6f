"""What becomes of tasks that fail, and of those that come after them."""

from __future__ import annotations

import pytest
from ewoksutils.exceptions import TaskExecutionError, TaskInputError

from ewoksppf_core import execute_graph, open_pool
from ewoksppf_core.errors import (
    LinkError,
    PoolUnavailableError,
    RemoteTaskError,
    TransferError,
    WorkerLostError,
)
from ewoksppf_core.pool.worker_process import WorkerProcess

ALL = {"map_all_data": True}
ON_ERROR = {"on_error": True, **ALL}


def mapped(*pairs, **attrs):
    items = [{"source_output": output, "target_input": name} for output, name in pairs]
    return {"data_mapping": items, **attrs}


# Without handler


def test_error_reaches_the_caller_with_type_message_and_cause(warm_pool, make_graph):
    graph = make_graph({"a": {"task": "fail_from_cause", "label": "My node"}})
    with pytest.raises(TaskExecutionError, match=r"'My node'.*on purpose") as info:
        execute_graph(graph, pool=warm_pool)
    cause = info.value.__cause__
    assert type(cause) is ValueError
    assert cause.args == ("on purpose",)
    assert repr(cause.__cause__) == "KeyError('the cause')"


def test_error_from_another_process_shows_the_traceback_of_the_worker(make_graph, process_type):
    with pytest.raises(TaskExecutionError) as info:
        execute_graph(make_graph({"a": "fail"}), pool_type=process_type)
    (note,) = info.value.__notes__
    assert note.startswith("Traceback in worker ")
    assert "engine_tasks.py" in note


def test_missing_required_input_is_an_error(one_of_each, make_graph):
    with pytest.raises(TaskInputError, match=r"Missing inputs.*'x'"):
        execute_graph(make_graph({"a": "Two"}), pool_type=one_of_each)


def test_import_that_fails_in_a_task_is_an_error(one_of_each, make_graph):
    graph = make_graph({"a": {"task": "fail_with", "inputs": {"name": "import"}}})
    with pytest.raises(TaskExecutionError) as info:
        execute_graph(graph, pool_type=one_of_each)
    assert isinstance(info.value.__cause__, ModuleNotFoundError)


@pytest.mark.parametrize(("name", "type"), [("exit", SystemExit), ("interrupt", KeyboardInterrupt)])
def test_system_exit_and_keyboard_interrupt_of_a_task_are_failures_of_that_task(
    warm_pool, make_graph, name, type
):
    graph = make_graph(
        {
            "a": {"task": "fail_with", "inputs": {"name": name}},
            "h": {"task": "same", "inputs": {"value": "handled"}},
        },
        [("a", "h", {"on_error": True})],
    )
    assert execute_graph(graph, pool=warm_pool) == {"return_value": "handled"}


@pytest.mark.parametrize(
    ("name", "message"), [("stuck", "stuck message"), ("picky", "this and that")]
)
def test_exception_that_cannot_travel_is_replaced_by_one_that_says_the_same(
    process_type, make_graph, name, message
):
    graph = make_graph({"a": {"task": "fail_with", "inputs": {"name": name}}})
    with pytest.raises(TaskExecutionError, match=message) as info:
        execute_graph(graph, pool_type=process_type)
    cause = info.value.__cause__
    assert isinstance(cause, RemoteTaskError)
    assert name.capitalize() in cause.type_name


def test_other_branches_go_on_to_their_end(warm_pool, make_graph, tmp_path):
    log = tmp_path / "log"
    last = {"task": "append", "inputs": {"path": str(log), "text": "reached"}}
    graph = make_graph(
        {"a": "fail", "b": "add", "c": "add", "end": last, "never": "add"},
        [("b", "c", {}), ("c", "end", {}), ("a", "never", {})],
    )
    with pytest.raises(TaskExecutionError, match="'a'"):
        execute_graph(graph, pool=warm_pool)
    assert log.read_text() == "reached"


def test_further_errors_are_notes_of_the_first(one_of_each, make_graph):
    graph = make_graph({"a": "fail", "b": "fail", "c": "add"})
    with pytest.raises(TaskExecutionError) as info:
        execute_graph(graph, pool_type=one_of_each)
    others = [note for note in info.value.__notes__ if note.startswith("Another node failed too")]
    assert len(others) == 1
    assert "on purpose" in others[0]


def test_errors_are_returned_on_demand_beside_the_outputs_that_exist(one_of_each, make_graph):
    graph = make_graph({"a": "fail", "b": {"task": "add", "inputs": {"a": 1}}})
    result = execute_graph(graph, pool_type=one_of_each, raise_on_error=False)
    assert result.keys() == {"return_value", "WorkflowException", "WorkflowExceptionInstance"}
    assert result["return_value"] == 1
    assert "on purpose" in result["WorkflowException"]["errorMessage"]
    assert any("ValueError" in line for line in result["WorkflowException"]["traceBack"])
    assert isinstance(result["WorkflowExceptionInstance"], TaskExecutionError)


def test_success_elsewhere_never_hides_an_error(one_of_each, make_graph):
    graph = make_graph({"a": "fail", "b": "add"})
    with pytest.raises(TaskExecutionError):
        execute_graph(graph, pool_type=one_of_each)


def test_node_that_first_lacks_inputs_and_then_succeeds_does_not_fail_the_run(
    one_of_each, make_graph
):
    # c starts at once because of b, without the x that comes from a later.
    graph = make_graph(
        {"a": {"task": "add", "inputs": {"a": 1}}, "wait": "add", "b": "add", "c": "Two"},
        [
            ("b", "c", {}),
            ("b", "a", {}),
            ("a", "wait", {}),
            ("wait", "c", mapped(("return_value", "x"), required=False)),
        ],
    )
    assert execute_graph(graph, pool_type=one_of_each) == {"left": 0, "right": 0}


# With handler


@pytest.mark.parametrize("scheme", [None, "json"])
def test_handler_gets_error_instance_cause_and_inputs(warm_pool, make_graph, tmp_path, scheme):
    varinfo = {"root_uri": str(tmp_path), "scheme": scheme} if scheme else None
    graph = make_graph(
        {
            "s": {"task": "add", "inputs": {"a": 5}},
            "a": {"task": "Failing", "inputs": {"y": "default"}},
            "h": "Handler",
        },
        [("s", "a", mapped(("return_value", "x"))), ("a", "h", ON_ERROR)],
    )
    result = execute_graph(graph, pool=warm_pool, varinfo=varinfo)
    assert "on purpose" in result["message"]
    assert "engine_tasks.py" in result["traceback"]
    assert result["type"] == "TaskExecutionError"
    assert result["cause"] == "ValueError('on purpose')"
    assert result["x"] == 5
    assert result["y"] == "missing"  # default inputs are not passed on


def test_data_mapping_of_an_error_link_picks_from_the_payload(one_of_each, make_graph):
    link = mapped(("WorkflowException", "value"), on_error=True)
    graph = make_graph({"a": "fail", "h": "same"}, [("a", "h", link)])
    result = execute_graph(graph, pool_type=one_of_each)["return_value"]
    assert result.keys() == {"errorMessage", "traceBack"}


def test_error_link_without_data_is_a_trigger(one_of_each, make_graph):
    graph = make_graph({"a": "fail", "h": "everything"}, [("a", "h", {"on_error": True})])
    assert execute_graph(graph, pool_type=one_of_each) == {"return_value": ((), {})}


def test_error_link_that_wants_what_is_not_there_leaves_the_error_unhandled(
    one_of_each, make_graph
):
    link = mapped(("nope", "value"), on_error=True)
    graph = make_graph({"a": "fail", "h": "same"}, [("a", "h", link)])
    with pytest.raises(TaskExecutionError, match="on purpose"):
        execute_graph(graph, pool_type=one_of_each)


def test_handler_does_not_run_after_success(one_of_each, make_graph):
    graph = make_graph({"a": "add", "h": "fail"}, [("a", "h", ON_ERROR)])
    assert execute_graph(graph, pool_type=one_of_each) == {"return_value": 0}


def test_handler_that_fails_is_an_error(one_of_each, make_graph):
    graph = make_graph({"a": "fail", "h": "fail"}, [("a", "h", {"on_error": True})])
    with pytest.raises(TaskExecutionError, match="'h'"):
        execute_graph(graph, pool_type=one_of_each)


def test_default_error_node_handles_every_node(warm_pool, make_graph):
    graph = make_graph(
        {
            "a": "add",
            "b": {"task": "Failing", "inputs": {"x": 1}},
            "h": {"task": "Handler", "default_error_node": True},
        },
        [("a", "b", {})],
    )
    outputs = [{"id": "h", "name": "message"}]
    assert "on purpose" in execute_graph(graph, pool=warm_pool, outputs=outputs)["message"]


def test_ppf_task_that_fails_is_handled_by_a_ppf_task(one_of_each, make_graph):
    graph = make_graph(
        {"a": {"task": "ppf_add", "inputs": {"a": 1}}, "b": "ppf_fail", "h": "ppf_describe"},
        [("a", "b", ALL), ("b", "h", ON_ERROR)],
    )
    result = execute_graph(graph, pool_type=one_of_each)["_ppfdict"]
    assert "on purpose" in result["message"]
    assert "a" in result["seen"]


# Data that cannot travel


def test_unpicklable_output_names_node_and_output(process_type, make_graph):
    graph = make_graph(
        {"a": {"task": "unpicklable", "label": "My node"}, "b": "same"},
        [("a", "b", mapped(("return_value", "value")))],
    )
    with pytest.raises(TransferError, match="output 'return_value' of node 'My node'"):
        execute_graph(graph, pool_type=process_type)


def test_unpicklable_output_that_nobody_wants_does_no_harm(process_type, make_graph):
    graph = make_graph({"a": "unpicklable", "b": "add"}, [("a", "b", {})])
    assert execute_graph(graph, pool_type=process_type) == {"return_value": 0}


def test_unpicklable_output_triggers_the_handler(process_type, make_graph):
    graph = make_graph(
        {"a": "unpicklable", "b": "same", "h": "Handler"},
        [("a", "b", mapped(("return_value", "value"))), ("a", "h", ON_ERROR)],
    )
    outputs = [{"id": "h", "name": "type"}]
    assert execute_graph(graph, pool_type=process_type, outputs=outputs) == {
        "type": "TransferError"
    }


def test_unpicklable_values_are_fine_in_this_process(make_graph):
    graph = make_graph({"a": "unpicklable"})
    assert execute_graph(graph, pool_type="thread")["return_value"].acquire()


def test_output_that_cannot_be_unpickled_names_node_and_input(process_type, make_graph):
    graph = make_graph(
        {"a": "unloadable", "b": {"task": "same", "label": "Target"}},
        [("a", "b", mapped(("return_value", "value")))],
    )
    with pytest.raises(TransferError, match="input 'value' of node 'Target'"):
        execute_graph(graph, pool_type=process_type)


def test_output_that_cannot_be_unpickled_for_a_condition_names_node_and_output(
    process_type, make_graph
):
    graph = make_graph(
        {"a": {"task": "unloadable", "label": "Source"}, "b": "add"},
        [("a", "b", {"conditions": [{"source_output": "return_value", "value": 1}]})],
    )
    with pytest.raises(TransferError, match="output 'return_value' of node 'Source'"):
        execute_graph(graph, pool_type=process_type)


def test_output_that_cannot_be_unpickled_for_the_result_names_node_and_output(
    process_type, make_graph
):
    graph = make_graph({"a": {"task": "unloadable", "label": "Source"}})
    with pytest.raises(TransferError, match="output 'return_value' of node 'Source'"):
        execute_graph(graph, pool_type=process_type)


def test_unpicklable_default_input_names_node_and_input(process_type, make_graph):
    inputs = {"good": 1, "bad": lambda: None}
    graph = make_graph({"a": {"task": "everything", "label": "My node", "inputs": inputs}})
    with pytest.raises(TransferError, match="input 'bad' of node 'My node'"):
        execute_graph(graph, pool_type=process_type)


def test_unpicklable_startarg_is_named(process_type, make_graph):
    graph = make_graph({"a": "everything"})
    with pytest.raises(TransferError, match="input 'bad' of node 'startargs'"):
        execute_graph(graph, pool_type=process_type, startargs={"bad": lambda: None})


# Outputs that do not fit


def test_output_that_does_not_exist_is_a_failure_of_the_source(one_of_each, make_graph):
    graph = make_graph({"a": "add", "b": "same"}, [("a", "b", mapped(("nope", "value")))])
    with pytest.raises(LinkError, match="link 'a' -> 'b': output 'nope'"):
        execute_graph(graph, pool_type=one_of_each)


def test_output_that_does_not_exist_triggers_the_handler_of_the_source(one_of_each, make_graph):
    graph = make_graph(
        {"a": "add", "b": "same", "h": "Handler"},
        [("a", "b", mapped(("nope", "value"))), ("a", "h", ON_ERROR)],
    )
    outputs = [{"id": "h", "name": "type"}]
    assert execute_graph(graph, pool_type=one_of_each, outputs=outputs) == {"type": "LinkError"}


def test_condition_that_cannot_be_compared_is_a_failure_of_the_source(one_of_each, make_graph):
    numpy = pytest.importorskip("numpy", reason="needs numpy")
    graph = make_graph(
        {"a": {"task": "same", "inputs": {"value": numpy.zeros(3)}}, "b": "add"},
        [("a", "b", {"conditions": [{"source_output": "return_value", "value": 1}]})],
    )
    with pytest.raises(LinkError, match="'a' -> 'b': output 'return_value' cannot be compared"):
        execute_graph(graph, pool_type=one_of_each)


# Lost workers


@pytest.mark.parametrize(
    ("task", "exitcode", "message"),
    [("kill_worker", -9, "SIGKILL"), ("exit_worker", 7, "exit code 7")],
)
def test_lost_worker_is_an_error_of_its_node(process_type, make_graph, task, exitcode, message):
    graph = make_graph({"a": {"task": task, "label": "My node"}})
    with pytest.raises(WorkerLostError, match=f"ran node 'My node': {message}") as info:
        execute_graph(graph, pool_type=process_type)
    assert info.value.node == "My node"
    assert info.value.exitcode == exitcode
    assert info.value.pid


def test_lost_worker_triggers_the_handler(process_type, make_graph):
    graph = make_graph(
        {"a": {"task": "kill_worker", "inputs": {"value": 1}}, "h": "Handler"},
        [("a", "h", ON_ERROR)],
    )
    outputs = [{"id": "h", "name": "type"}]
    assert execute_graph(graph, pool_type=process_type, outputs=outputs) == {
        "type": "WorkerLostError"
    }


def test_lost_worker_fails_only_its_own_task(process_type, make_graph):
    nodes = {f"good{n}": {"task": "add", "inputs": {"a": n}} for n in range(10)}
    graph = make_graph({"a": "kill_worker", **nodes})
    with open_pool(process_type, scaling_workers=False, max_workers=2) as pool:
        result = execute_graph(graph, pool=pool, raise_on_error=False, merge_outputs=False)
        error = result.pop("WorkflowExceptionInstance")
        del result["WorkflowException"]
        assert isinstance(error, WorkerLostError)
        assert result == {f"good{n}": {"return_value": n} for n in range(10)}
        assert execute_graph(make_graph({"b": "add"}), pool=pool) == {"return_value": 0}


def test_lost_worker_can_be_retried(process_type, make_graph, tmp_path):
    graph = make_graph({"a": {"task": "die_once", "inputs": {"path": str(tmp_path / "died")}}})
    result = execute_graph(graph, pool_type=process_type, retries={"worker_lost": 1})
    assert result == {"return_value": "survived"}


def test_result_that_cannot_be_loaded_is_an_error_of_the_run(make_graph):
    """It is returned on demand like any other, and observers are told."""
    events = []
    result = execute_graph(
        make_graph({"a": "unloadable"}),
        pool_type="process",
        raise_on_error=False,
        observers=[events.append],
    )
    assert isinstance(result["WorkflowExceptionInstance"], TransferError)
    assert events[-1].error is result["WorkflowExceptionInstance"]


def test_system_that_starts_no_worker_is_told_apart_from_a_task_that_fails(make_graph, monkeypatch):
    def refuse(self, *args, **kwargs):
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(WorkerProcess, "__init__", refuse)
    with pytest.raises(
        PoolUnavailableError, match=r"'process'.*no worker can be started.*Resource"
    ):
        execute_graph(make_graph({"a": "add", "b": "add"}), pool_type="process")


def test_output_that_cannot_be_loaded_does_not_hide_the_others(make_graph, process_type):
    graph = make_graph({"a": {"task": "unloadable", "label": "Source"}, "b": "pid"})
    result = execute_graph(graph, pool_type=process_type, raise_on_error=False, merge_outputs=False)
    assert isinstance(result["WorkflowExceptionInstance"], TransferError)
    assert isinstance(result["b"]["return_value"], int)
