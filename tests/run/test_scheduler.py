"""The rules that decide when a node runs and with what, one test each."""

from __future__ import annotations

import random

import numpy
import pytest
from ewokscore.missing_data import MISSING_DATA

from ewoksppf_core.errors import LinkError

TRIGGER: dict = {}
ALL = {"map_all_data": True}
OPTIONAL = {"required": False}
CACHED = {"required": False, "cache_if_optional": True}


def mapped(*pairs, **attrs):
    items = [{"source_output": output, "target_input": name} for output, name in pairs]
    return {"data_mapping": items, **attrs}


def when(output, value, **attrs):
    return {"conditions": [{"source_output": output, "value": value}], **attrs}


# Start


def test_nodes_without_predecessors_start(play):
    assert play(["a", "b", "c"], [("a", "b", ALL)]).start() == [("a", {}), ("c", {})]


def test_start_arguments_are_inputs_of_start_nodes_only(play):
    run = play(["a", "b"], [("a", "b", ALL)], start={"x": 1})
    assert run.start() == [("a", {"x": 1})]
    assert run.done("a", y=2) == [("b", {"y": 2})]


def test_forced_start_node_starts_although_it_has_predecessors(play):
    run = play({"a": {"force_start_node": True}}, [("a", "a", when("go", 1))])
    assert run.start() == [("a", {})]


def test_forced_start_node_waits_for_its_required_links(play):
    run = play({"a": {}, "b": {"force_start_node": True}}, [("a", "b", ALL)], start={"s": 0})
    assert run.start() == [("a", {"s": 0})]
    assert run.done("a", x=1) == [("b", {"s": 0, "x": 1})]


def test_start_trigger_and_delivery_of_an_optional_link_start_one_activation_each(play):
    run = play({"a": {}, "b": {"force_start_node": True}}, [("a", "b", ALL | OPTIONAL)])
    assert run.start() == [("a", {}), ("b", {})]
    assert run.done("a", x=1) == [("b", {"x": 1})]


def test_start_arguments_stay_for_later_activations(play):
    run = play(
        {"a": {"force_start_node": True}}, [("a", "a", when("go", 1, **ALL))], start={"s": 0}
    )
    run.start()
    assert run.done("a", go=1) == [("a", {"s": 0, "go": 1})]


# Required links


def test_node_runs_once_all_required_links_have_delivered(play):
    run = play(["a", "b", "c"], [("a", "c", mapped(("x", "x"))), ("b", "c", mapped(("x", "y")))])
    run.start()
    assert run.done("b", x=2) == []
    assert run.done("a", x=1) == [("c", {"x": 1, "y": 2})]


def test_link_without_data_is_a_trigger(play):
    run = play(["a", "b"], [("a", "b", TRIGGER)])
    run.start()
    assert run.done("a", x=1) == [("b", {})]


def test_required_value_is_kept_and_replaced_by_the_next(play):
    run = play(
        {"a": {"force_start_node": True}, "b": {}, "c": {}},
        [
            ("a", "a", when("go", 1)),
            ("a", "c", mapped(("x", "x"), required=True)),
            ("b", "c", mapped(("x", "y"))),
        ],
    )
    run.start()
    assert run.done("a", go=1, x=1) == [("a", {})]
    assert run.done("b", x=5) == [("c", {"x": 1, "y": 5})]
    assert run.done("a", 1, go=0, x=2) == [("c", {"x": 2, "y": 5})]


def test_latest_required_value_before_the_first_activation_counts(play):
    run = play(
        {"a": {"force_start_node": True}, "b": {}, "c": {}},
        [
            ("a", "a", when("go", 1)),
            ("a", "c", mapped(("x", "x"), required=True)),
            ("b", "c", mapped(("x", "y"))),
        ],
    )
    run.start()
    run.done("a", go=1, x=1)
    assert run.done("a", 1, go=0, x=2) == []
    assert run.done("b", x=5) == [("c", {"x": 2, "y": 5})]


def test_links_downstream_of_an_optional_link_are_optional(play):
    run = play(["a", "b", "c", "d"], [("a", "b", when("x", 1)), ("b", "c", ALL), ("d", "c", ALL)])
    run.start()
    assert run.done("d", y=2) == [("c", {"y": 2})]
    run.done("a", x=1)
    assert run.done("b", z=3) == [("c", {"z": 3, "y": 2})]


def test_required_true_wins_over_an_optional_link_upstream(play):
    run = play(
        ["a", "b", "c", "d"],
        [("a", "b", when("x", 1)), ("b", "c", ALL | {"required": True}), ("d", "c", ALL)],
    )
    run.start()
    assert run.done("d", y=2) == []


def test_conditional_link_with_required_true_is_waited_for(play):
    run = play(["a", "b", "c"], [("a", "c", when("x", 1, required=True)), ("b", "c", ALL)])
    run.start()
    assert run.done("b", y=2) == []
    assert run.done("a", x=1) == [("c", {"y": 2})]


# Optional links


def test_plain_deliveries_before_the_first_activation_each_start_one(play):
    run = play(
        ["a", "b", "c", "d"],
        [("a", "d", ALL | OPTIONAL), ("b", "d", ALL | OPTIONAL), ("c", "d", ALL)],
    )
    run.start()
    assert run.done("b", x=2) == []
    assert run.done("a", y=1) == []
    assert run.done("c", z=3) == [("d", {"x": 2, "z": 3}), ("d", {"y": 1, "z": 3})]


def test_node_with_optional_links_only_runs_at_each_delivery(play):
    run = play(["a", "b", "c"], [("a", "c", ALL | OPTIONAL), ("b", "c", ALL | OPTIONAL)])
    run.start()
    assert run.done("b", x=2) == [("c", {"x": 2})]
    assert run.done("a", y=1) == [("c", {"y": 1})]


def test_last_plain_delivery_is_retained(play):
    run = play(
        {"a": {}, "b": {"force_start_node": True}, "c": {}},
        [
            ("a", "c", ALL | OPTIONAL),
            ("b", "c", mapped(("y", "y"), required=True)),
            ("b", "b", when("go", 1)),
        ],
    )
    run.start()
    run.done("a", x=1)
    assert run.done("b", go=1, y=1) == [("c", {"x": 1, "y": 1}), ("b", {})]
    assert run.done("b", 1, go=0, y=2) == [("c", {"x": 1, "y": 2})]


def test_only_the_latest_of_several_plain_links_is_retained(play):
    run = play(
        ["a", "b", "c", "d"],
        [("a", "d", ALL | OPTIONAL), ("b", "d", ALL | OPTIONAL), ("c", "d", ALL | CACHED)],
    )
    run.start()
    run.done("a", x=1)
    run.done("b", y=2)
    assert run.done("c", z=3) == [("d", {"y": 2, "z": 3})]


def test_cached_values_of_all_links_are_kept(play):
    run = play(
        ["a", "b", "c", "d"],
        [("a", "d", ALL | CACHED), ("b", "d", ALL | CACHED), ("c", "d", ALL)],
    )
    run.start()
    assert run.done("b", y=2) == []
    assert run.done("a", x=1) == []
    assert run.done("c", z=3) == [("d", {"x": 1, "y": 2, "z": 3})]


def test_cached_delivery_starts_an_activation_after_the_first(play):
    run = play(["a", "b", "d"], [("a", "d", ALL | CACHED), ("b", "d", ALL)])
    run.start()
    assert run.done("b", y=2) == [("d", {"y": 2})]
    assert run.done("a", x=1) == [("d", {"x": 1, "y": 2})]


def test_cache_if_optional_means_nothing_on_a_required_link(play):
    run = play(["a", "b", "c"], [("a", "c", ALL | {"cache_if_optional": True}), ("b", "c", ALL)])
    run.start()
    assert run.done("b", y=2) == []


# Precedence


def test_cached_wins_over_required_wins_over_start_arguments(play):
    run = play(
        {"a": {}, "b": {}, "c": {"force_start_node": True}},
        [("a", "c", ALL | CACHED), ("b", "c", ALL)],
        start={"x": "start", "y": "start", "z": "start"},
    )
    run.start()
    run.done("a", x="cached")
    assert run.done("b", x="required", y="required") == [
        ("c", {"x": "cached", "y": "required", "z": "start"})
    ]


def test_plain_wins_over_cached(play):
    run = play(["a", "b", "c"], [("a", "c", ALL | OPTIONAL), ("b", "c", ALL | CACHED)])
    run.start()
    assert run.done("a", x="plain") == [("c", {"x": "plain"})]
    assert run.done("b", x="cached", y="cached") == [("c", {"x": "plain", "y": "cached"})]


@pytest.mark.parametrize("kind", [TRIGGER, CACHED])
def test_among_links_of_one_kind_the_later_source_node_in_the_graph_wins(play, kind):
    run = play(
        ["a", "b", "go", "c"], [("b", "c", ALL | kind), ("a", "c", ALL | kind), ("go", "c", {})]
    )
    run.start()
    run.done("go")
    due = run.done("b", x="b")
    due = run.done("a", x="a") or due
    assert due == [("c", {"x": "b"})]


# One completion


def test_one_completion_delivers_on_all_links_before_any_consequence(play):
    run = play(
        {"a": {"force_start_node": True}, "c": {}},
        [("a", "c", ALL | OPTIONAL), ("c", "c", when("again", 1)), ("a", "a", when("go", 1))],
    )
    run.start()
    assert run.done("a", go=1, x=1) == [("c", {"go": 1, "x": 1}), ("a", {})]


def test_two_start_triggers_come_before_their_consequences(play):
    run = play(
        {"a": {"force_start_node": True}, "b": {"force_start_node": True}, "end": {}},
        [("a", "end", ALL), ("a", "b", ALL | OPTIONAL), ("b", "a", ALL | OPTIONAL)],
    )
    assert run.start() == [("a", {}), ("b", {})]


def test_two_links_of_one_completion_to_nodes_are_due_in_the_order_of_the_links(play):
    run = play(["a", "b", "c"], [("a", "c", ALL), ("a", "b", ALL)])
    run.start()
    assert [node for node, _ in run.done("a", x=1)] == ["c", "b"]


def test_self_triggered_node_restarts_before_its_consequences_are_told(play):
    run = play(
        {"a": {"force_start_node": True}, "b": {}},
        [("a", "a", when("go", 1)), ("a", "b", ALL)],
    )
    run.start()
    assert [node for node, _ in run.done("a", go=1)] == ["a", "b"]


def test_activations_of_a_node_are_numbered_from_zero(play):
    run = play({"a": {"force_start_node": True}}, [("a", "a", when("go", 1))])
    run.start()
    run.done("a", 0, go=1)
    run.done("a", 1, go=1)
    assert list(run.open) == [("a", 2)]


def test_branch_ends_where_no_link_delivers(play):
    run = play({"a": {"force_start_node": True}}, [("a", "a", when("go", 1))])
    run.start()
    run.done("a", go=1)
    assert run.ended == []
    run.done("a", 1, go=0)
    assert run.ended == ["a"]


# Data over a link


def test_data_mapping_picks_and_renames(play):
    run = play(["a", "b"], [("a", "b", mapped(("x", "y"), ("x", 0)))])
    run.start()
    assert run.done("a", x=1, z=2) == [("b", {"y": 1, 0: 1})]


@pytest.mark.parametrize("item", [{}, {"source_output": None}, {"source_output": ""}])
def test_mapping_without_source_output_passes_all_outputs_as_one_dictionary(play, item):
    run = play(["a", "b"], [("a", "b", {"data_mapping": [{**item, "target_input": "all"}]})])
    run.start()
    assert run.done("a", x=1, z=2) == [("b", {"all": {"x": 1, "z": 2}})]


def test_inputs_are_not_passed_on(play):
    run = play(["a", "b"], [("a", "b", ALL)], start={"x": 1})
    run.start()
    assert run.done("a") == [("b", {})]


def test_missing_data_is_passed_on(play):
    run = play(["a", "b"], [("a", "b", mapped(("x", "y")))])
    run.start()
    assert run.done("a", x=MISSING_DATA) == [("b", {"y": MISSING_DATA})]


def test_unknown_source_output_names_link_and_output(play):
    run = play(["a", "b"], [("a", "b", mapped(("nope", "y")))])
    run.start()
    with pytest.raises(LinkError, match=r"'a' -> 'b': output 'nope' is not an output"):
        run.done("a", x=1)


def test_unknown_source_output_stops_all_links_of_the_completion(play):
    run = play(
        ["a", "b", "c", "h"],
        [("a", "b", ALL), ("a", "c", mapped(("nope", "y"))), ("a", "h", {"on_error": True})],
    )
    run.start()
    activation = run.open["a", 0]
    with pytest.raises(LinkError):
        run.done("a", x=1)
    run.open["a", 0] = activation
    assert run.fail("a") == [("h", {})]
    assert run.done("h") == []


def test_unknown_source_output_of_an_unmet_condition_does_not_matter(play):
    run = play(
        ["a", "b", "c"], [("a", "b", mapped(("nope", "y")) | when("x", 2)), ("a", "c", TRIGGER)]
    )
    run.start()
    assert run.done("a", x=1) == [("c", {})]


# Conditions


def test_link_delivers_only_when_all_its_conditions_hold(play):
    both = [{"source_output": "x", "value": 1}, {"source_output": "y", "value": 2}]
    for outputs, expected in (({"x": 1, "y": 2}, [("b", {})]), ({"x": 1, "y": 3}, [])):
        run = play(["a", "b"], [("a", "b", {"conditions": both})])
        run.start()
        assert run.done("a", **outputs) == expected


def test_last_of_two_conditions_on_one_output_counts(play):
    both = [{"source_output": "x", "value": 1}, {"source_output": "x", "value": 2}]
    run = play(["a", "b"], [("a", "b", {"conditions": both})])
    run.start()
    assert run.done("a", x=2) == [("b", {})]


@pytest.mark.parametrize("value", [None, 1, MISSING_DATA])
def test_absent_output_fulfils_no_condition(play, value):
    run = play(["a", "b"], [("a", "b", when("x", value))])
    run.start()
    assert run.done("a", y=1) == []


def test_comparison_is_equality(play):
    run = play(["a", "b"], [("a", "b", when("x", True))])
    run.start()
    assert run.done("a", x=1) == [("b", {})]


def test_values_compared_need_not_be_hashable(play):
    run = play(["a", "b", "c"], [("a", "b", when("x", [1])), ("a", "c", when("x", None))])
    run.start()
    assert run.done("a", x=[1]) == [("b", {})]


@pytest.mark.parametrize(("value", "expected"), [(1, "b"), (2, "c"), (3, "d"), (None, "d")])
def test_else_condition_holds_for_what_no_condition_wants(play, value, expected):
    run = play(
        ["a", "b", "c", "d"],
        [("a", "b", when("x", 1)), ("a", "c", when("x", 2)), ("a", "d", when("x", None))],
    )
    run.start()
    assert run.done("a", x=value) == [(expected, {})]


def test_else_value_can_be_chosen(play):
    run = play(
        {"a": {"conditions_else_value": "other"}, "b": {}, "c": {}},
        [("a", "b", when("x", None)), ("a", "c", when("x", "other"))],
    )
    run.start()
    assert run.done("a", x=5) == [("c", {})]


def test_else_condition_of_one_output_ignores_values_of_another(play):
    run = play(["a", "b", "c"], [("a", "b", when("y", 1)), ("a", "c", when("x", None))])
    run.start()
    assert run.done("a", x=1, y=0) == [("c", {})]


@pytest.mark.parametrize(
    "task",
    [
        {"task_type": "ppfmethod", "task_identifier": "builtins.dict"},
        {"task_type": "ppfport", "task_identifier": None},
    ],
)
def test_conditions_of_ppf_tasks_look_into_the_ppf_dictionary(play, task):
    run = play({"a": task, "b": {}}, [("a", "b", when("x", 1))])
    run.start()
    assert run.done("a", _ppfdict={"x": 1}) == [("b", {})]


def test_comparison_that_gives_no_truth_value_names_link_and_output(play):
    run = play(["a", "b"], [("a", "b", when("x", 1))])
    run.start()
    with pytest.raises(LinkError, match=r"'a' -> 'b': output 'x' cannot be compared with 1"):
        run.done("a", x=numpy.zeros(3))


# Failures


def test_failure_delivers_on_error_links_only(play):
    run = play(["a", "b", "h"], [("a", "b", ALL), ("a", "h", {"on_error": True})])
    run.start()
    assert run.fail("a") == [("h", {})]


def test_success_does_not_deliver_on_error_links(play):
    run = play(["a", "h"], [("a", "h", {"on_error": True})])
    run.start()
    assert run.done("a", x=1) == []
    assert run.ended == ["a"]


def test_failure_passes_inputs_and_error(play, error):
    run = play(["a", "h"], [("a", "h", {"on_error": True, **ALL})], start={"x": 1})
    run.start()
    assert run.fail("a") == [("h", {"x": 1, **error})]


def test_failure_passes_no_default_inputs(play, error):
    defaults = {"default_inputs": [{"name": "d", "value": 1}]}
    run = play({"a": defaults, "h": {}}, [("a", "h", {"on_error": True, **ALL})])
    run.start()
    assert run.fail("a") == [("h", error)]


def test_failure_data_mapping_picks_from_inputs_and_error(play):
    link = mapped(("x", "y"), ("WorkflowException", "e"), on_error=True)
    run = play(["a", "h"], [("a", "h", link)], start={"x": 1})
    run.start()
    assert run.fail("a") == [("h", {"y": 1, "e": "what"})]


def test_failure_passes_the_inputs_of_the_activation_that_failed(play):
    run = play(
        {"a": {}, "b": {}, "h": {}, "s": {}},
        [
            ("s", "b", ALL | OPTIONAL),
            ("a", "b", ALL | OPTIONAL),
            ("b", "h", mapped(("x", "x"), on_error=True)),
        ],
    )
    run.start()
    run.done("s", x="first")
    run.done("a", x="second")
    assert run.fail("b", 0) == [("h", {"x": "first"})]
    assert run.fail("b", 1) == [("h", {"x": "second"})]


def test_error_link_that_wants_what_is_not_there_handles_nothing(play):
    run = play(
        ["a", "h", "g"],
        [("a", "g", {"on_error": True}), ("a", "h", mapped(("nope", "y"), on_error=True))],
    )
    run.start()
    assert run.fail("a") is None


def test_failure_without_error_link_is_unhandled_and_starts_nothing(play):
    run = play(["a", "b", "c"], [("a", "b", ALL)])
    run.start()
    assert run.fail("a") is None
    assert run.done("c") == []


def test_handler_is_optional_for_a_node_with_other_required_links(play):
    run = play(["a", "b", "h"], [("a", "h", {"on_error": True, **ALL}), ("b", "h", ALL)])
    run.start()
    assert run.done("b", x=1) == [("h", {"x": 1})]


# Whole runs


@pytest.mark.parametrize("seed", range(20))
def test_self_trigger_example_ends_with_11_in_every_order_of_completions(play, seed):
    run = play(
        {"task1": {"force_start_node": True}, "task2": {}, "task3": {}},
        [
            ("task1", "task1", mapped(("result", "b")) | when("too_small", True)),
            ("task1", "task3", mapped(("result", "a"))),
            ("task2", "task3", mapped(("result", "b"))),
        ],
    )
    choose = random.Random(seed).choice
    run.start()
    latest = -1
    while run.open:
        node, number = choose(list(run.open))
        inputs = {"a": 1, "b": 0, **run.open[node, number].inputs}
        result = inputs["a"] + inputs["b"]
        if node == "task3" and number > latest:
            latest, last_result = number, result
        run.done(node, number, result=result, too_small=result < 10)
    assert last_result == 11
