"""Required links, start nodes and end nodes: as ewokscore says, where it is right."""

from __future__ import annotations

import networkx
import pytest
from ewokscore.graph import analysis as ewoks
from hypothesis import given, settings
from hypothesis import strategies as st

from ewoksppf_core.graph import analysis

SUM_TASK = "ewokscore.tests.examples.tasks.sumtask.SumTask"
SETTINGS = settings(max_examples=200, deadline=None, derandomize=True, database=None)

CONDITION = st.fixed_dictionaries(
    # Not True and False: ewokscore never takes them for complete.
    {"source_output": st.sampled_from(["x", "y"]), "value": st.sampled_from([2, 3, None])}
)
LINK = st.fixed_dictionaries(
    {},
    optional={
        "required": st.sampled_from([True, False, None]),
        "on_error": st.booleans(),
        "conditions": st.lists(CONDITION, max_size=2),
    },
)
NODE = st.fixed_dictionaries(
    {"task_type": st.just("class"), "task_identifier": st.just(SUM_TASK)},
    optional={
        "force_start_node": st.booleans(),
        "default_inputs": st.sampled_from([[{"name": "a", "value": 1}], []]),
        "conditions_else_value": st.sampled_from([2, None]),
    },
)


@st.composite
def graphs(draw, acyclic=False):
    names = "abcdef"[: draw(st.integers(1, 6))]
    graph = networkx.DiGraph()
    for name in names:
        graph.add_node(name, **draw(NODE))
    pairs = st.tuples(st.sampled_from(names), st.sampled_from(names))
    for source, target in draw(st.lists(pairs, unique=True, max_size=8)):
        if not acyclic or source < target:
            graph.add_edge(source, target, **draw(LINK))
    return graph


def required_by_ewoks(graph):
    return {link for link in graph.edges if ewoks.link_is_required(graph, *link)}


@SETTINGS
@given(graph=graphs(acyclic=True))
def test_required_links_of_acyclic_graphs_are_those_of_ewokscore(graph):
    assert analysis.required_links(graph) == required_by_ewoks(graph)


@SETTINGS
@given(graph=graphs())
def test_required_links_of_cyclic_graphs_are_those_of_ewokscore_where_it_finds_an_end(graph):
    try:
        expected = required_by_ewoks(graph)
    except RecursionError:
        return  # a cycle in which no link is decided
    assert analysis.required_links(graph) == expected


@SETTINGS
@given(graph=graphs())
def test_start_nodes_are_those_of_ewokscore_in_the_order_of_the_graph(graph):
    try:
        expected = ewoks.start_nodes(graph)
    except RecursionError:
        return
    found = analysis.start_nodes(graph, analysis.required_links(graph))
    assert found == [node for node in graph if node in expected]


@SETTINGS
@given(graph=graphs())
def test_end_nodes_are_those_of_ewokscore_in_the_order_of_the_graph(graph):
    expected = ewoks.end_nodes(graph)
    assert analysis.end_nodes(graph) == [node for node in graph if node in expected]


def loop(*values, else_value=None, links=()):
    graph = networkx.DiGraph()
    graph.add_node("a", conditions_else_value=else_value)
    conditions = [{"source_output": "x", "value": value} for value in values]
    graph.add_edge("a", "a", conditions=conditions)
    graph.add_edges_from(links)
    return graph


def test_links_of_an_undecided_cycle_are_required():
    # ewokscore: RecursionError
    graph = networkx.DiGraph([("a", "b"), ("b", "a")])
    assert analysis.required_links(graph) == {("a", "b"), ("b", "a")}


def test_required_true_does_not_stop_the_search_for_optional_links_upstream():
    graph = networkx.DiGraph()
    graph.add_edge("a", "b", on_error=True)
    graph.add_edge("b", "c", required=True)
    graph.add_edge("c", "d")
    assert analysis.required_links(graph) == {("b", "c")}


def test_true_and_false_cover_all_values():
    # ewokscore: there is a gap
    assert analysis.end_nodes(loop(True, False)) == []


def test_one_and_zero_do_not_cover_all_values():
    assert analysis.end_nodes(loop(1, 0)) == ["a"]


def test_else_value_covers_all_values():
    assert analysis.end_nodes(loop(1, "else", else_value="else")) == []
    assert analysis.end_nodes(loop(1, else_value="else")) == ["a"]


def test_values_of_conditions_need_not_be_hashable():
    # ewokscore: TypeError
    assert analysis.end_nodes(loop([1], {})) == ["a"]
    assert analysis.end_nodes(loop([1], [], else_value=[])) == []


def test_node_with_error_links_only_is_an_end_node():
    graph = networkx.DiGraph()
    graph.add_edge("a", "b", on_error=True)
    assert analysis.end_nodes(graph) == ["a", "b"]


def test_nodes_with_a_gap_are_end_nodes_only_if_there_are_no_others():
    assert analysis.end_nodes(loop(1, links=[("a", "b")])) == ["b"]


@pytest.mark.parametrize("task_type", ["method", "script", "ppfmethod"])
def test_only_classes_can_start_because_their_inputs_are_covered(task_type):
    graph = networkx.DiGraph()
    attrs = {"task_identifier": SUM_TASK, "default_inputs": [{"name": "a", "value": 1}]}
    graph.add_node("a", task_type=task_type, **attrs)
    graph.add_edge("a", "a", required=False)
    assert analysis.start_nodes(graph, set()) == []
    graph.nodes["a"]["task_type"] = "class"
    assert analysis.start_nodes(graph, set()) == ["a"]


def test_descendants_include_the_nodes_themselves():
    graph = networkx.DiGraph([("a", "b"), ("b", "c"), ("d", "c"), ("c", "b")])
    assert analysis.descendants(graph, ["b"]) == {"b", "c"}
