"""A graph that cannot run is refused before anything starts; the error says what and where."""

from __future__ import annotations

import json
import re
import sys

import pytest

from ewoksppf_core.errors import GraphError
from ewoksppf_core.graph.compile import compile_plan
from ewoksppf_core.graph.load import load_graph

TASK = {"task_type": "method", "task_identifier": "builtins.dict"}


def refused(*words, nodes=None, link=None):
    """Check that a graph of two nodes is refused, and that the error has all the words."""
    described = {"a": TASK, "b": TASK, **(nodes or {})}
    links = [] if link is None else [{"source": "a", "target": "b", **link}]
    with pytest.raises(GraphError) as info:
        compile_plan(
            load_graph(
                {
                    "graph": {"id": "graph"},
                    "nodes": [{"id": name, **attrs} for name, attrs in described.items()],
                    "links": links,
                }
            )
        )
    for word in words:
        assert word in str(info.value)
    return info.value


def loaded(nodes):
    described = [{"id": name, **attrs} for name, attrs in nodes.items()]
    return load_graph({"graph": {"id": "graph"}, "nodes": described})


def class_task(identifier):
    return {"b": {"task_type": "class", "task_identifier": identifier}}


def method(identifier):
    return {"b": {"task_type": "method", "task_identifier": identifier}}


# Tasks


@pytest.mark.parametrize("make", [class_task, method])
def test_missing_package_is_named(make):
    refused("node 'b'", "'nopackage.module.Name'", "nopackage", nodes=make("nopackage.module.Name"))


@pytest.mark.parametrize("make", [class_task, method])
def test_missing_module_of_an_existing_package_is_named(make):
    refused("node 'b'", "json.nomodule", nodes=make("json.nomodule.Name"))


def test_missing_attribute_of_an_imported_module_has_a_suggestion():
    refused("node 'b'", "has no 'dumpz'", "did you mean 'dump", nodes=method("json.dumpz"))


def test_missing_attribute_of_a_module_that_is_not_imported_has_a_suggestion(importable):
    importable("tasks_of_test_validate.py", "def compute():\n    pass\n\nanswer = 42\n")
    nodes = method("tasks_of_test_validate.conpute")
    refused("has no 'conpute'", "did you mean 'compute'", nodes=nodes)


def test_module_is_not_imported_to_look_for_a_task(importable):
    importable("tasks_never_imported.py", "raise RuntimeError\n\ndef compute():\n    pass\n")
    load_graph(
        {
            "graph": {"id": "g"},
            "nodes": [{"id": "a", **method("tasks_never_imported.compute")["b"]}],
        }
    )


def test_package_that_breaks_is_named_with_its_error(importable):
    importable("broken_package/__init__.py", "raise RuntimeError('broken on purpose')\n")
    importable("broken_package/module.py", "")
    refused("node 'b'", "broken on purpose", nodes=method("broken_package.module.compute"))


def test_name_without_module_is_refused():
    refused("node 'b'", "'compute'", "package.module.name", nodes=method("compute"))


def test_generator_of_a_generated_task_is_checked():
    task = {"task_type": "generated", "task_identifier": "x", "task_generator": "json.nope"}
    refused("node 'b'", "'json.nope'", nodes={"b": task})


@pytest.mark.parametrize(
    "identifier",
    [
        "ewokscore.tests.examples.tasks.sumtask.SumTask",
        "SumTask",  # a registered class can be abbreviated
        "ewokscore.methodtask.MethodExecutorTask",
    ],
)
def test_class_can_be_named_in_every_way_that_ewoks_knows(identifier):
    import ewokscore.tests.examples.tasks.sumtask  # noqa: F401

    loaded(class_task(identifier))


def test_method_can_be_in_a_module_that_is_not_imported(importable):
    importable("never_imported.py", "def compute():\n    pass\n")
    loaded(method("never_imported.compute"))
    assert "never_imported" not in sys.modules


def test_attribute_of_a_class_is_refused_because_ewoks_cannot_import_it():
    refused("node 'b'", "datetime.datetime", nodes=method("datetime.datetime.fromisoformat"))


def test_method_can_be_in_a_file(importable):
    path = importable("tasks_in_a_file.py", "def compute():\n    pass\n")
    loaded(method(f"{path}::compute"))
    refused("has no 'conpute'", "did you mean 'compute'", nodes=method(f"{path}::conpute"))
    refused("there is no file", "nofile.py", nodes=method("/nowhere/nofile.py::compute"))


def test_method_can_be_in_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "tasks_in_the_working_directory.py").write_text("def compute():\n    pass\n")
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    monkeypatch.chdir(tmp_path)
    loaded(method("tasks_in_the_working_directory.compute"))


def test_unknown_task_type_has_a_suggestion():
    task = {"task_type": "metod", "task_identifier": "builtins.dict"}
    refused("node 'b'", "'metod'", "did you mean 'method'", nodes={"b": task})


@pytest.mark.parametrize(
    ("task", "word"),
    [
        ({}, "requires"),
        ({"label": "B"}, "task_type"),
        ({"task_type": "method"}, "task_identifier"),
        ({"task_type": "method", "task_identifier": ""}, "task_identifier"),
        ({"task_type": "method", "task_identifier": 5}, "5"),
        ({"task_type": "ppfport", "task_identifier": "x"}, "task_identifier"),
        ({"task_type": "generated", "task_identifier": "x"}, "task_generator"),
        (
            {"task_type": "method", "task_identifier": "x.y", "task_generator": "z"},
            "task_generator",
        ),
        ({"task_type": 5, "task_identifier": "x"}, "5"),
        ({"task_type": ["method"], "task_identifier": "x"}, "['method']"),
    ],
)
def test_node_that_does_not_say_what_to_execute_is_named(task, word):
    label = task.get("label", "b")
    refused(f"node {label!r}", word, nodes={"b": task})


def test_error_names_a_node_by_its_label():
    error = refused("node 'My node'", nodes={"b": {"label": "My node", **method("json.nope")["b"]}})
    assert error.node == "node 'My node'"


# Node attributes


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("default_inputs", {"x": 1}),
        ("default_inputs", [1]),
        ("default_inputs", [{"name": "x"}]),
        ("default_inputs", [{"value": 1}]),
        ("default_inputs", [{"name": ["x"], "value": 1}]),
        ("force_start_node", "yes"),
        ("force_start_node", 1),
        ("varinfo", "path"),
        ("default_error_node", "yes"),
        ("default_error_attributes", [1]),
        ("task_timeout", 0),
        ("task_timeout", float("inf")),
        ("task_timeout", float("nan")),
        ("task_timeout", 1e11),
    ],
)
def test_bad_value_of_a_node_attribute_is_shown(name, value):
    refused(
        "node 'b'" if name != "label" else "node",
        name,
        repr(value),
        nodes={"b": {**TASK, name: value}},
    )


def test_first_of_several_bad_attributes_is_shown_whatever_their_order():
    bad = {"varinfo": 5, "force_start_node": 1, "default_inputs": {}}
    refused("default_inputs={}", nodes={"b": {**TASK, **bad}})


# Link attributes


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("data_mapping", {"x": "y"}),
        ("data_mapping", [{"source_output": "x"}]),
        ("data_mapping", ["x"]),
        ("data_mapping", [{"source_output": "x", "target_input": ["y"]}]),
        ("data_mapping", [{"source_output": ["x"], "target_input": "y"}]),
        ("map_all_data", "yes"),
        ("conditions", {"source_output": "x", "value": 1}),
        ("conditions", [{"source_output": "x"}]),
        ("conditions", [{"value": 1}]),
        ("conditions", [{"source_output": ["x"], "value": 1}]),
        ("on_error", "yes"),
        ("on_error", 1),
        ("required", "yes"),
        ("cache_if_optional", 5),
    ],
)
def test_bad_value_of_a_link_attribute_is_shown(name, value):
    refused("link 'a' -> 'b'", name, repr(value), link={name: value})


@pytest.mark.parametrize(
    "link",
    [
        {"map_all_data": True, "data_mapping": [{"source_output": "x", "target_input": "x"}]},
        {"on_error": True, "conditions": [{"source_output": "x", "value": 1}]},
    ],
)
def test_attributes_that_exclude_each_other_are_named(link):
    refused("link 'a' -> 'b'", *link, "exclude each other", link=link)


def test_link_to_an_unknown_node_is_named():
    with pytest.raises(GraphError, match="link 'a' -> 'nowhere' refers to node 'nowhere'"):
        load_graph(
            {
                "graph": {"id": "graph"},
                "nodes": [{"id": "a", **TASK}],
                "links": [{"source": "a", "target": "nowhere"}],
            }
        )


def test_link_from_an_unknown_node_is_named():
    with pytest.raises(GraphError, match="link 'nowhere' -> 'a' refers to node 'nowhere'"):
        load_graph(
            {
                "graph": {"id": "graph"},
                "nodes": [{"id": "a", **TASK}],
                "links": [{"source": "nowhere", "target": "a"}],
            }
        )


def as_dictionary(graph, folder):
    return graph


def as_string(graph, folder):
    return json.dumps(graph)


def as_file(graph, folder):
    (folder / "graph.json").write_text(json.dumps(graph))
    return folder / "graph.json"


@pytest.mark.parametrize("convert", [as_dictionary, as_string, as_file])
@pytest.mark.parametrize("node", ["a", 1, ("s", ("t", "a"))])
def test_two_nodes_with_one_id_are_refused(convert, node, tmp_path):
    nodes = [{"id": name, **TASK} for name in (node, "b", node)]
    graph = convert({"graph": {"id": "graph"}, "nodes": nodes, "links": []}, tmp_path)
    with pytest.raises(GraphError, match=f"two nodes have the id {re.escape(repr(node))}"):
        load_graph(graph)


def test_two_required_links_to_one_input_are_named():
    mapping = {"data_mapping": [{"source_output": "return_value", "target_input": "x"}]}
    with pytest.raises(GraphError, match=r"'b' -> 'c': input 'x' already .* 'a' -> 'c': map it"):
        compile_plan(
            load_graph(
                {
                    "graph": {"id": "graph"},
                    "nodes": [{"id": name, **TASK} for name in "abc"],
                    "links": [
                        {"source": "a", "target": "c", **mapping},
                        {"source": "b", "target": "c", **mapping},
                    ],
                }
            )
        )


# Start and end


def loop(**link):
    return {
        "graph": {"id": "graph"},
        "nodes": [{"id": "a", **TASK}, {"id": "b", **TASK}],
        "links": [{"source": "a", "target": "b"}, {"source": "b", "target": "a", **link}],
    }


def test_graph_without_start_node_is_refused_with_a_cure():
    with pytest.raises(GraphError, match=r"no start node.*force_start_node"):
        compile_plan(load_graph(loop()))


def test_graph_without_end_node_is_refused_with_a_cure():
    graph = loop()
    graph["nodes"][0]["force_start_node"] = True
    with pytest.raises(GraphError, match=r"no end node.*condition"):
        compile_plan(load_graph(graph))


def test_loop_with_a_condition_is_accepted():
    graph = loop(conditions=[{"source_output": "return_value", "value": 1}])
    graph["nodes"][0]["force_start_node"] = True
    assert len(compile_plan(load_graph(graph)).nodes) == 2


def test_graph_without_nodes_is_accepted():
    graph = load_graph({"graph": {"id": "empty"}, "nodes": [], "links": []})
    assert compile_plan(graph).nodes == ()
