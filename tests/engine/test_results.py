"""Which inputs a run takes and which outputs it returns."""

from __future__ import annotations

import copy

import pytest
from ewokscore import load_graph as ewoks_load_graph
from ewokscore.missing_data import MISSING_DATA

from ewoksppf_core import execute_graph
from ewoksppf_core.errors import OptionError


def mapped(*pairs, **attrs):
    items = [{"source_output": output, "target_input": name} for output, name in pairs]
    return {"data_mapping": items, **attrs}


@pytest.fixture
def graph(make_graph):
    return make_graph(
        {
            "a": {"task": "Two", "inputs": {"x": 1}, "label": "first"},
            "b": {"task": "Two", "label": "second"},
            "c": {"task": "Two", "label": "third"},
        },
        [("a", "b", mapped(("left", "x"))), ("a", "c", mapped(("right", "x")))],
    )


@pytest.fixture
def run(one_of_each):
    def run(graph, **options):
        return execute_graph(graph, pool_type=one_of_each, **options)

    return run


BOTH = {"left": 1, "right": 10}
LEFT = {"a": {"left": 1}, "b": {"left": 1}, "c": {"left": 10}}


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        (None, {"b": {"left": 1, "right": 10}, "c": {"left": 10, "right": 100}}),
        ([], {}),
        ([{"name": "left"}], {"b": {"left": 1}, "c": {"left": 10}}),
        ([{"all": False}], {"b": {"left": 1, "right": 10}, "c": {"left": 10, "right": 100}}),
        ([{"id": "a"}], {"a": {"left": 1, "right": 10}}),
        ([{"id": "a", "name": "right"}], {"a": {"right": 10}}),
        ([{"id": "a", "name": "right", "new_name": "r"}], {"a": {"r": 10}}),
        ([{"label": "second", "name": "left"}], {"b": {"left": 1}}),
        ([{"task_identifier": "Two", "name": "left"}], LEFT),
        ([{"task_identifier": "Two", "label": "third", "name": "left"}], {"c": {"left": 10}}),
        ([{"all": True, "name": "left"}], LEFT),
        ([{"id": "b", "name": "left", "new_name": "x"}, {"id": "b"}], {"b": {"x": 1, **BOTH}}),
        ([{"id": "b", "name": "nope"}], {"b": {"nope": MISSING_DATA}}),
    ],
)
def test_outputs_are_selected(run, graph, outputs, expected):
    assert run(graph, outputs=outputs, merge_outputs=False) == expected


def test_outputs_are_merged_in_the_order_of_the_nodes(run, graph, caplog):
    assert run(graph) == {"left": 10, "right": 100}
    assert "node 'third' replaces left, right" in caplog.text


@pytest.mark.parametrize("selector", [{"id": ("s", "x")}, {"id": ["s", "x"]}, {"label": "s:x"}])
def test_output_of_a_node_of_a_sub_graph_is_selected(run, make_graph, selector):
    sub = make_graph({"x": "Two", "y": "Two"}, id="sub")
    graph = make_graph({"s": {"task_type": "graph", "task_identifier": sub}})
    inputs = [{**selector, "name": "x", "value": 7}, {"label": "s:y", "name": "x", "value": 1}]
    outputs = [{**selector, "name": "left"}]
    result = run(graph, inputs=inputs, outputs=outputs, merge_outputs=False)
    assert result == {("s", "x"): {"left": 7}}


@pytest.mark.parametrize("key", ["id", "label", "task_identifier"])
def test_output_of_an_unknown_node_is_refused_with_a_suggestion(graph, key):
    known = {"id": "a", "label": "first", "task_identifier": "engine_tasks.Two"}[key]
    with pytest.raises(OptionError, match=f"{key}.*{known}x.*did you mean '{known}'"):
        execute_graph(graph, outputs=[{key: f"{known}x"}])


@pytest.mark.parametrize("outputs", [{"id": "a"}, ["a"], "a", 5])
def test_outputs_that_are_no_list_of_dictionaries_are_refused(graph, outputs):
    with pytest.raises(OptionError, match="a list of dictionaries is expected"):
        execute_graph(graph, outputs=outputs)


@pytest.mark.parametrize(
    ("item", "left"),
    [
        ({}, {"a": 7, "b": 7, "c": 70}),
        ({"id": "a"}, {"a": 7, "b": 7, "c": 70}),
        ({"label": "first"}, {"a": 7, "b": 7, "c": 70}),
        ({"task_identifier": "Two"}, {"a": 7, "b": 7, "c": 70}),
        ({"all": True}, {"a": 7, "b": 7, "c": 70}),
        ({"all": False}, {"a": 7, "b": 7, "c": 70}),
        ({"id": "b"}, {"a": 1, "b": 1, "c": 10}),  # what a link delivers wins
    ],
)
def test_inputs_become_default_inputs(run, graph, item, left):
    inputs = [{**item, "name": "x", "value": 7}]
    outputs = [{"all": True, "name": "left"}]
    result = run(graph, inputs=inputs, outputs=outputs, merge_outputs=False)
    assert {node: values["left"] for node, values in result.items()} == left


def test_input_for_an_unknown_node_is_refused(graph):
    with pytest.raises(OptionError, match="there is no node with id 'z'"):
        execute_graph(graph, inputs=[{"id": "z", "name": "x", "value": 7}])


@pytest.mark.parametrize("key", ["name", "value"])
def test_incomplete_input_is_refused(graph, key):
    item = {"id": "a", "name": "x", "value": 7}
    del item[key]
    with pytest.raises(OptionError, match=f"the key '{key}' is missing"):
        execute_graph(graph, inputs=[item])


@pytest.mark.parametrize(
    ("option", "item", "key", "closest"),
    [
        ("inputs", {"labl": "first", "name": "x", "value": 1}, "labl", "label"),
        ("inputs", {"name": "x", "value": 1, "new_name": "y"}, "new_name", "name"),
        ("outputs", {"idd": "b"}, "idd", "id"),
        ("outputs", {"newname": "y", "name": "left"}, "newname", "new_name"),
    ],
)
def test_unknown_key_is_refused_with_a_suggestion(graph, option, item, key, closest):
    message = f"unknown key '{key}' .did you mean '{closest}'.*Keys are: name, .*task_identifier"
    with pytest.raises(OptionError, match=message):
        execute_graph(graph, **{option: [item]})


@pytest.mark.parametrize("key", ["node", 5])
def test_unknown_key_which_resembles_none_is_refused_with_those_that_exist(graph, key):
    with pytest.raises(OptionError, match=r"Keys are: name, value, id, label"):
        execute_graph(graph, inputs=[{key: "b", "name": "x", "value": 1}])


def test_new_name_without_name_is_refused(graph):
    with pytest.raises(OptionError, match="'new_name' needs the key 'name'"):
        execute_graph(graph, outputs=[{"id": "b", "new_name": "y"}])


@pytest.mark.parametrize("convert", [lambda graph: graph, ewoks_load_graph])
def test_graph_of_the_caller_is_not_modified(run, graph, convert):
    source = convert(graph)
    before = copy.deepcopy(ewoks_load_graph(source).graph.nodes.items())
    for _ in range(2):
        run(source, inputs=[{"id": "a", "name": "x", "value": 7}])
        assert ewoks_load_graph(source).graph.nodes.items() == before
    assert run(source, outputs=[{"id": "a", "name": "left"}]) == {"left": 1}


def test_startargs_win_over_default_inputs_of_start_nodes(run, graph):
    outputs = [{"id": "a", "name": "left"}]
    assert run(graph, startargs={"x": 7}, outputs=outputs) == {"left": 7}


def test_startargs_do_not_reach_other_nodes(run, make_graph):
    graph = make_graph({"a": "add", "b": "add"}, [("a", "b", {})])
    assert run(graph, startargs={"a": 7}) == {"return_value": 0}


def test_result_of_a_loop_is_the_activation_triggered_last(run, make_graph):
    loop = mapped(("x", "x"), conditions=[{"source_output": "more", "value": True}])
    graph = make_graph({"a": {"task": "Count", "force_start_node": True}}, [("a", "a", loop)])
    assert run(graph) == {"x": 3, "more": False}
    assert run(graph, outputs=[{"id": "a", "name": "x"}]) == {"x": 3}
