"""Every type of task runs, and data reach it as they should."""

from __future__ import annotations

import sys
from pathlib import Path

import ewokscore.tests.examples.tasks
import pytest

from ewoksppf_core import execute_graph

ALL = {"map_all_data": True}
NOTEBOOK = Path(next(iter(ewokscore.tests.examples.tasks.__path__))) / "notebooktask.ipynb"


def mapped(*pairs, **attrs):
    items = [{"source_output": output, "target_input": name} for output, name in pairs]
    return {"data_mapping": items, **attrs}


def test_class_and_method(warm_pool, make_graph):
    graph = make_graph(
        {"a": {"task": "Two", "inputs": {"x": 2}}, "b": "add"},
        [("a", "b", mapped(("left", "a"), ("right", "b")))],
    )
    assert execute_graph(graph, pool=warm_pool) == {"return_value": 22}


def test_positional_data_mapping(one_of_each, make_graph):
    graph = make_graph(
        {"a": {"task": "Two", "inputs": {"x": 2}}, "b": "everything"},
        [("a", "b", mapped(("left", 1), ("right", 0)))],
    )
    assert execute_graph(graph, pool_type=one_of_each) == {"return_value": ((20, 2), {})}


def test_positions_can_be_digits(one_of_each, make_graph):
    graph = make_graph({"a": {"task": "everything", "inputs": {"0": 5}}})
    assert execute_graph(graph, pool_type=one_of_each) == {"return_value": ((5,), {})}


@pytest.mark.parametrize("item", [{}, {"source_output": None}])
def test_mapping_without_source_output_passes_a_dictionary(one_of_each, make_graph, item):
    graph = make_graph(
        {"a": {"task": "Two", "inputs": {"x": 2}}, "b": "same"},
        [("a", "b", {"data_mapping": [{**item, "target_input": "value"}]})],
    )
    assert execute_graph(graph, pool_type=one_of_each) == {"return_value": {"left": 2, "right": 20}}


def test_dictionary_of_outputs_works_with_persistence(one_of_each, make_graph, tmp_path):
    graph = make_graph(
        {"a": {"task": "Two", "inputs": {"x": 2}}, "b": "same"},
        [("a", "b", {"data_mapping": [{"target_input": "value"}]})],
    )
    varinfo = {"root_uri": str(tmp_path), "scheme": "json"}
    assert execute_graph(graph, pool_type=one_of_each, varinfo=varinfo) == {
        "return_value": {"left": 2, "right": 20}
    }


def test_ppf_tasks_pass_their_inputs_on(warm_pool, make_graph):
    graph = make_graph(
        {
            "in": {"task": "ppf_add", "inputs": {"a": 1, "c": 3}},
            "add": {"task": "ppf_add", "inputs": {"b": 5}},
            "out": {"task_type": "ppfport"},
        },
        [("in", "add", ALL), ("add", "out", ALL)],
    )
    assert execute_graph(graph, pool=warm_pool) == {"_ppfdict": {"a": 6, "b": 5, "c": 3}}


def test_condition_looks_into_the_ppf_dictionary(one_of_each, make_graph):
    graph = make_graph(
        {
            "add": {"task": "ppf_add", "inputs": {"a": 1, "b": 5}},
            "yes": {"task_type": "ppfport"},
            "no": {"task_type": "ppfport"},
        },
        [
            ("add", "yes", ALL | {"conditions": [{"source_output": "a", "value": 6}]}),
            ("add", "no", ALL | {"conditions": [{"source_output": "a", "value": 7}]}),
        ],
    )
    assert execute_graph(graph, pool_type=one_of_each, merge_outputs=False) == {
        "yes": {"_ppfdict": {"a": 6, "b": 5}}
    }


def test_script(warm_pool, make_graph, tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import sys; print(sys.argv[1:])")
    graph = make_graph(
        {
            "a": {
                "task_type": "script",
                "task_identifier": str(script),
                "inputs": {"_capture_output": True, "_raise_on_error": True, "name": "value"},
            }
        }
    )
    result = execute_graph(graph, pool=warm_pool)
    assert result == {"return_code": 0, "out": "['--name', 'value']\n", "err": ""}


def test_command_that_fails_is_an_error_when_asked_for(one_of_each, make_graph):
    command = {"task_type": "script", "task_identifier": "false"}
    result = execute_graph(make_graph({"a": command}), pool_type=one_of_each)
    assert result["return_code"] == 1
    graph = make_graph({"a": {**command, "inputs": {"_raise_on_error": True}}})
    with pytest.raises(RuntimeError, match="returned non-zero exit status 1"):
        execute_graph(graph, pool_type=one_of_each)


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    kernelspec = pytest.importorskip("ipykernel.kernelspec", reason="needs ipykernel")
    pytest.importorskip("papermill", reason="needs papermill")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share" / "jupyter"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    kernelspec.install(prefix=str(tmp_path), kernel_name="test_kernel")
    return "test_kernel"


def test_notebook(kernel, make_graph):
    inputs = {"_kernel_name": kernel, "_execution_timeout": 50, "a": 3, "b": 5}
    graph = make_graph(
        {"a": {"task_type": "notebook", "task_identifier": str(NOTEBOOK), "inputs": inputs}}
    )
    result = execute_graph(graph, pool_type="process")
    assert result["results"] == {"result": 8, "x": "string", "y": 10, "z": [1, 2, 3]}


def test_generated_task(warm_pool, make_graph):
    node = {
        "task_type": "generated",
        "task_identifier": "my.generated.task",
        "task_generator": "engine_tasks.generate",
    }
    graph = make_graph({"a": node})
    assert execute_graph(graph, pool=warm_pool) == {"result": "my.generated.task"}


def test_sub_graph(warm_pool, make_graph):
    sub = make_graph(
        {"x": "add", "y": {"task": "add", "inputs": {"b": 100}}},
        [("x", "y", mapped(("return_value", "a")))],
        input_nodes=[{"id": "in", "node": "x"}],
        output_nodes=[{"id": "out", "node": "y"}],
    )
    graph = make_graph(
        {
            "a": {"task": "add", "inputs": {"a": 1}},
            "s": {"task_type": "graph", "task_identifier": sub},
            "b": {"task": "add", "inputs": {"b": 1000}},
        },
        [
            ("a", "s", {"sub_target": "in", **mapped(("return_value", "a"))}),
            ("s", "b", {"sub_source": "out", **mapped(("return_value", "a"))}),
        ],
    )
    assert execute_graph(graph, pool=warm_pool) == {"return_value": 1101}
    outputs = [{"all": True}]
    results = execute_graph(graph, pool=warm_pool, outputs=outputs, merge_outputs=False)
    assert set(results) == {"a", ("s", "x"), ("s", "y"), "b"}


def test_method_in_a_file(one_of_each, make_graph, tmp_path):
    path = tmp_path / "tasks_in_some_file.py"
    path.write_text("def compute(x):\n    return x + 1\n")
    node = {"task_type": "method", "task_identifier": f"{path}::compute", "inputs": {"x": 1}}
    try:
        assert execute_graph(make_graph({"a": node}), pool_type=one_of_each) == {"return_value": 2}
    finally:
        sys.modules.pop("tasks_in_some_file", None)


def test_output_that_was_never_set_travels_as_missing_data(one_of_each, make_graph):
    graph = make_graph({"a": "Half", "b": "same"}, [("a", "b", mapped(("unset", "value")))])
    # MISSING_DATA as input is no input: the default of the method counts.
    assert execute_graph(graph, pool_type=one_of_each) == {"return_value": None}


def test_loop_runs_until_its_condition_does_not_hold(warm_pool, make_graph):
    graph = make_graph(
        {"a": {"task": "Count", "force_start_node": True, "inputs": {"limit": 5}}, "b": "same"},
        [
            ("a", "a", mapped(("x", "x"), conditions=[{"source_output": "more", "value": True}])),
            (
                "a",
                "b",
                mapped(("x", "value"), conditions=[{"source_output": "more", "value": False}]),
            ),
        ],
    )
    assert execute_graph(graph, pool=warm_pool) == {"return_value": 5}


def test_run_that_ends_at_unmet_conditions_gives_nothing(one_of_each, make_graph):
    graph = make_graph(
        {"a": "add", "b": "add"},
        [("a", "b", {"conditions": [{"source_output": "return_value", "value": 5}]})],
    )
    assert execute_graph(graph, pool_type=one_of_each) == {}
    assert execute_graph(graph, pool_type=one_of_each, outputs=[{"all": True}]) == {
        "return_value": 0
    }


def test_graph_without_nodes_gives_nothing(pool_type):
    assert execute_graph({"graph": {"id": "empty"}, "nodes": []}, pool_type=pool_type) == {}


def test_task_options_reach_every_task(one_of_each, make_graph, tmp_path):
    graph = make_graph({"a": "add"})
    options = {"profile_directory": str(tmp_path)}
    execute_graph(graph, pool_type=one_of_each, task_options=options)
    assert list(tmp_path.iterdir())


def test_task_can_execute_a_graph(one_of_each, make_graph):
    inner = make_graph({"a": {"task": "add", "inputs": {"a": 1, "b": 2}}})
    inputs = {"graph": inner, "pool_type": "thread"}
    graph = make_graph({"a": {"task": "run_graph", "inputs": inputs}})
    assert execute_graph(graph, pool_type=one_of_each) == {"return_value": 3}


def test_task_can_execute_a_graph_in_processes(make_graph):
    inner = make_graph({"a": {"task": "add", "inputs": {"a": 1, "b": 2}}})
    inputs = {"graph": inner, "pool_type": "process"}
    graph = make_graph({"a": {"task": "run_graph", "inputs": inputs}})
    assert execute_graph(graph, pool_type="process") == {"return_value": 3}
