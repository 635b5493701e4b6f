"""Which outputs and which errors a run returns."""

from __future__ import annotations

import pytest
from ewokscore.missing_data import MISSING_DATA
from ewoksutils.exceptions import TaskInputError

from ewoksppf_core.graph.compile import compile_plan
from ewoksppf_core.graph.load import load_graph
from ewoksppf_core.graph.select import Selected
from ewoksppf_core.run.failures import Failures
from ewoksppf_core.run.results import Results
from ewoksppf_core.run.scheduler import Activation

SCRIPT = {"task_type": "script", "task_identifier": "true"}
ALL = Selected(None, None)


def results(selected, names="ab"):
    nodes = [{"id": name, **SCRIPT} for name in names]
    graph = load_graph({"graph": {"id": "graph"}, "nodes": nodes})
    return Results(compile_plan(graph, selected))


def collect(collected, merge=True):
    result, problems = collected.collect(lambda index, name, value: value, merge)
    assert problems == []
    return result


def add(collected, node, number, outputs, ended=True):
    collected.add(Activation(node, number, {}), outputs, ended)


def test_activation_triggered_last_counts_whatever_the_order_of_completions():
    collected = results({"a": [ALL]})
    for number in (0, 2, 1):
        add(collected, 0, number, {"x": number})
    assert collect(collected) == {"x": 2}


def test_only_the_end_of_a_branch_counts_where_that_is_asked_for():
    collected = results({"a": [Selected(None, None, at_end=True)]})
    add(collected, 0, 0, {"x": 0}, ended=True)
    add(collected, 0, 1, {"x": 1}, ended=False)
    assert collect(collected) == {"x": 0}


def test_outputs_are_merged_in_the_order_of_the_nodes_with_a_warning(caplog):
    collected = results({"a": [ALL], "b": [ALL]})
    add(collected, 1, 0, {"x": "b"})
    add(collected, 0, 0, {"x": "a", "y": "a"})
    assert collect(collected) == {"x": "b", "y": "a"}
    assert "node 'b' replaces x" in caplog.text


def test_one_warning_tells_of_all_outputs_that_are_replaced(caplog):
    collected = results({"a": [ALL], "b": [ALL], "c": [ALL]}, names="abc")
    for index in range(3):
        add(collected, index, 0, {"x": index})
    assert collect(collected) == {"x": 2}
    (record,) = caplog.records
    assert "'b' replaces x" in record.getMessage()
    assert "1 more nodes do the like" in record.getMessage()


def test_outputs_that_are_not_merged_are_given_by_node():
    collected = results({"a": [ALL], "b": [ALL]})
    add(collected, 1, 0, {"x": "b"})
    assert collect(collected, merge=False) == {"b": {"x": "b"}}


def test_selected_output_is_renamed_and_missing_data_when_it_is_not_there():
    collected = results({"a": [Selected("x", "new"), Selected("nope", "nope")]})
    add(collected, 0, 0, {"x": 1, "y": 2})
    assert collect(collected) == {"new": 1, "nope": MISSING_DATA}


def test_node_that_did_not_run_contributes_nothing():
    assert collect(results({"a": [ALL]})) == {}
    assert collect(results({"a": [ALL]}), merge=False) == {}


def test_node_that_is_not_selected_contributes_nothing():
    collected = results({"a": [ALL]})
    add(collected, 1, 0, {"x": 1})
    assert collect(collected) == {}


def failures(*events):
    kept = Failures()
    for node, number, error in events:
        if error is None:
            kept.succeeded(Activation(node, number, {}))
        else:
            kept.add(Activation(node, number, {}), error)
    return kept.unhandled()


def test_errors_are_kept_in_order_of_completion():
    first, second = ValueError(1), TaskInputError(2)
    assert failures((1, 0, first), (0, 0, second)) == [first, second]


@pytest.mark.parametrize("swap", [False, True])
def test_lack_of_inputs_is_made_up_for_by_a_later_activation_that_succeeds(swap):
    events = [(0, 0, TaskInputError()), (0, 1, None)]
    assert failures(*reversed(events) if swap else events) == []


@pytest.mark.parametrize(
    "success", [(0, 0, None), (1, 2, None)], ids=["an earlier activation", "another node"]
)
def test_lack_of_inputs_is_not_made_up_for_by(success):
    error = TaskInputError()
    assert failures((0, 1, error), success) == [error]


def test_other_errors_are_never_made_up_for():
    error = ValueError()
    assert failures((0, 0, error), (0, 1, None)) == [error]
