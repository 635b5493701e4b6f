"""The plan answers every question of a run once."""

from __future__ import annotations

import dataclasses

import pytest

from ewoksppf_core.graph.compile import compile_plan
from ewoksppf_core.graph.load import load_graph
from ewoksppf_core.graph.plan import Kind
from ewoksppf_core.graph.select import Selected

SCRIPT = {"task_type": "script", "task_identifier": "true"}
PPF = {"task_type": "ppfmethod", "task_identifier": "builtins.dict"}


def plan_of(nodes, links=(), selected=None):
    described = nodes if isinstance(nodes, dict) else {node: {} for node in nodes}
    return compile_plan(
        load_graph(
            {
                "graph": {"id": "graph"},
                "nodes": [{"id": node, **SCRIPT, **attrs} for node, attrs in described.items()],
                "links": [{"source": s, "target": t, **attrs} for s, t, attrs in links],
            }
        ),
        selected,
    )


def mapped(*pairs):
    items = [{"source_output": output, "target_input": name} for output, name in pairs]
    return {"data_mapping": items}


def when(output, value):
    return {"conditions": [{"source_output": output, "value": value}]}


def test_nodes_are_in_the_order_of_the_graph():
    plan = plan_of("cab", [("a", "b", {}), ("b", "c", {})])
    assert [node.id for node in plan.nodes] == ["c", "a", "b"]
    assert plan.start == (1,)


def test_links_are_ordered_by_source_node_then_as_given():
    plan = plan_of("abc", [("b", "c", {}), ("a", "c", {}), ("a", "b", {})])
    assert list(map(plan.link_name, plan.links)) == ["'a' -> 'c'", "'a' -> 'b'", "'b' -> 'c'"]


def test_nodes_know_their_links_for_success_and_failure():
    plan = plan_of("abh", [("a", "b", {}), ("a", "h", {"on_error": True})])
    assert plan.nodes[0].links == (0,)
    assert plan.nodes[0].error_links == (1,)


def test_links_are_required_cached_or_plain():
    plan = plan_of(
        "abct",
        [
            ("a", "t", {}),
            ("b", "t", {"required": False}),
            ("c", "t", {"required": False, "cache_if_optional": True}),
        ],
    )
    assert [link.kind for link in plan.links] == [Kind.REQUIRED, Kind.PLAIN, Kind.CACHED]
    assert plan.nodes[3].predecessors == 3
    assert plan.nodes[3].required == 1
    assert plan.nodes[3].cached == 1


def test_places_of_links_follow_their_source_nodes():
    plan = plan_of("abt", [("b", "t", {}), ("a", "t", {})])
    assert [(plan.link_name(link), link.place) for link in plan.links] == [
        ("'a' -> 't'", 0),
        ("'b' -> 't'", 1),
    ]


def test_links_and_nodes_that_are_alike_share_what_they_hold():
    plan = plan_of("abc", [("a", "b", mapped(("x", "y"))), ("b", "c", mapped(("x", "y")))])
    first, second = plan.links
    assert first.mapping is second.mapping
    assert plan.nodes[0].wanted is plan.nodes[1].wanted


@pytest.mark.parametrize(("name", "output"), [("x", "x"), ("0", 0), (0, 0), ("", None)])
def test_names_of_outputs_that_are_digits_are_positions(name, output):
    plan = plan_of("ab", [("a", "b", mapped((name, "y")))])
    assert plan.links[0].mapping == ((output, "y"),)


def test_else_condition_knows_the_other_values():
    plan = plan_of("abc", [("a", "b", when("x", 1)), ("a", "c", when("x", None))])
    (ordinary,), (other,) = (link.conditions for link in plan.links)
    assert ordinary.others is None
    assert other.others == (1, None)


def test_plan_knows_which_outputs_conditions_compare():
    plan = plan_of("ab", [("a", "b", when("x", 1))])
    assert plan.nodes[0].compared == {"x"}
    assert plan.nodes[1].compared == frozenset()


def test_node_that_nothing_is_wanted_from_sends_nothing():
    assert plan_of("ab", [("a", "b", {})]).nodes[0].wanted == frozenset()


def test_only_outputs_that_links_conditions_and_result_want_are_sent():
    plan = plan_of(
        "abc",
        [("a", "b", mapped(("x", "y"))), ("a", "c", when("z", 1))],
        {"a": [Selected("r", "r")]},
    )
    assert plan.nodes[0].wanted == {"x", "z", "r"}


@pytest.mark.parametrize("link", [{"map_all_data": True}, mapped((None, "y"))])
def test_link_that_passes_all_outputs_wants_all(link):
    assert plan_of("ab", [("a", "b", link)]).nodes[0].wanted is None


def test_result_that_selects_all_outputs_wants_all():
    assert plan_of("a", (), {"a": [Selected(None, None)]}).nodes[0].wanted is None


def test_error_links_want_no_outputs():
    plan = plan_of("ab", [("a", "b", {"on_error": True, "map_all_data": True})])
    assert plan.nodes[0].wanted == frozenset()


def test_condition_of_a_ppf_node_wants_the_ppf_dictionary():
    plan = plan_of({"a": PPF, "b": {}}, [("a", "b", when("x", 1))])
    assert plan.nodes[0].is_ppf
    assert plan.nodes[0].wanted == {"x", "_ppfdict"}


@pytest.mark.parametrize(("label", "expected"), [("My a", "My a"), ("", "a"), (5, "5")])
def test_label_is_what_the_user_calls_the_node(label, expected):
    assert plan_of({"a": {"label": label}}).nodes[0].label == expected


@pytest.mark.parametrize(
    ("node", "expected"), [(0, "0"), (10, "10"), (("s", 10), "s:10"), ((1, (2, "x")), "1:2:x")]
)
def test_node_without_label_is_called_by_its_id(node, expected):
    assert plan_of({node: {}}).nodes[0].label == expected


def test_label_of_a_node_of_a_sub_graph_has_the_whole_path():
    sub = {"graph": {"id": "sub"}, "nodes": [{"id": "x", **SCRIPT}]}
    plan = plan_of({"s": {"task_type": "graph", "task_identifier": sub}})
    assert plan.nodes[0].label == "s:x"


def test_plan_is_immutable():
    plan = plan_of("ab", [("a", "b", {})])
    for thing in (plan, plan.nodes[0], plan.links[0]):
        field = dataclasses.fields(thing)[0].name
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(thing, field, None)


@pytest.mark.parametrize(
    ("link", "needed"),
    [
        ({}, False),
        (mapped(("WorkflowException", "a"), ("WorkflowExceptionInstance", "b")), False),
        (mapped(("WorkflowException", "a"), ("x", "b")), True),
        ({"data_mapping": [{"target_input": "all"}]}, True),
        ({"map_all_data": True}, True),
    ],
)
def test_nodes_know_whether_their_error_links_deliver_inputs(link, needed):
    plan = plan_of(
        "abh", [("a", "b", {"map_all_data": True}), ("a", "h", {"on_error": True, **link})]
    )
    assert plan.nodes[0].error_needs_inputs is needed
