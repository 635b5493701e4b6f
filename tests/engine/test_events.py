"""What a run tells: Ewoks events to handlers, typed events to observers."""

from __future__ import annotations

import logging

import pytest
from ewokscore.events import cleanup
from ewokscore.tests import test_workflow_events as ewoks_tests
from ewoksutils.exceptions import TaskExecutionError

from ewoksppf_core import execute_graph
from ewoksppf_core.run import events as observed

AFTER = {"data_mapping": [{"source_output": "return_value", "target_input": "a"}]}


@pytest.fixture(autouse=True)
def no_handlers_left():
    yield
    cleanup()


@pytest.fixture
def run(tmp_path):
    """Run a graph and return the lines that a handler wrote, in all processes."""

    def run(graph, expected=None, **options):
        path = tmp_path / "events.txt"
        arguments = [{"name": "path", "value": str(path)}]
        execinfo = {"handlers": [{"class": "engine_tasks.LineHandler", "arguments": arguments}]}
        if expected is None:
            execute_graph(graph, execinfo=execinfo, **options)
        else:
            with pytest.raises(expected):
                execute_graph(graph, execinfo=execinfo, **options)
        cleanup()
        return path.read_text().splitlines()

    return run


# Ewoks events


def test_events_of_job_workflow_and_nodes_come_in_order(run, make_graph, warm_pool):
    graph = make_graph({"a": "add", "b": {"task": "add", "label": "Second"}}, [("a", "b", AFTER)])
    assert run(graph, pool=warm_pool) == [
        "job start",
        "workflow start",
        "node start a",
        "node end a",
        "node start Second",
        "node end Second",
        "workflow end",
        "job end",
    ]


def without_details(lines):
    return [line.split(" for ewoks")[0] for line in lines]


@pytest.mark.parametrize("raise_on_error", [True, False])
def test_workflow_and_job_end_with_the_error(run, make_graph, one_of_each, raise_on_error):
    graph = make_graph({"a": "fail", "b": "add"}, [("a", "b", AFTER)])
    lines = run(
        graph,
        TaskExecutionError if raise_on_error else None,
        pool_type=one_of_each,
        raise_on_error=raise_on_error,
    )
    assert without_details(lines) == [
        "job start",
        "workflow start",
        "node start a",
        "node end a error: on purpose",
        "workflow end error: Execution failed",
        "job end error: Execution failed",
    ]


def test_error_that_is_handled_is_no_error_of_the_workflow(run, make_graph, one_of_each):
    graph = make_graph({"a": "fail", "h": "add"}, [("a", "h", {"on_error": True})])
    assert run(graph, pool_type=one_of_each) == [
        "job start",
        "workflow start",
        "node start a",
        "node end a error: on purpose",
        "node start h",
        "node end h",
        "workflow end",
        "job end",
    ]


def test_lost_worker_ends_its_node_with_error(run, make_graph, process_type):
    graph = make_graph({"a": "kill_worker", "h": "add"}, [("a", "h", {"on_error": True})])
    lines = run(graph, pool_type=process_type)
    assert lines[2] == "node start a"
    assert lines[3].startswith("node end a error: worker")
    assert lines[4:] == ["node start h", "node end h", "workflow end", "job end"]


def test_graph_without_nodes_tells_start_and_end_of_the_job(run, one_of_each):
    lines = run({"graph": {"id": "empty"}, "nodes": []}, pool_type=one_of_each)
    assert lines[0] == "job start"
    assert lines[-1] == "job end"


def test_no_events_are_sent_when_execinfo_is_false(make_graph, caplog):
    with caplog.at_level(logging.INFO, "ewokscore.events"):
        execute_graph(make_graph({"a": "add"}), pool_type="thread", execinfo=False)
    assert not [record for record in caplog.records if record.name.startswith("ewokscore.events")]


@pytest.mark.parametrize("context", ["fork", "spawn", "forkserver"])
def test_events_reach_the_database_of_ewoks_from_every_kind_of_process(tmp_path, context):
    database = tmp_path / "events.db"
    options = {"pool_type": "process", "context": context}
    ewoks_tests.run_succesfull_workfow(database, execute_graph, **options)
    events = ewoks_tests.fetch_events(database, 10)
    ewoks_tests.assert_succesfull_workfow_events(events)


def test_events_of_a_failure_are_those_of_ewokscore(tmp_path, one_of_each):
    database = tmp_path / "events.db"
    ewoks_tests.run_failed_workfow(database, execute_graph, pool_type=one_of_each)
    events = ewoks_tests.fetch_events(database, 8)
    ewoks_tests.assert_failed_workfow_events(events)


# Observers


def kinds(events):
    return [type(event).__name__.removeprefix("Activation") for event in events]


def test_observers_are_told_what_happens_in_order(make_graph, warm_pool):
    events = []
    graph = make_graph(
        {"a": "add", "b": {"task": "fail", "label": "Bad"}}, [("a", "b", AFTER)], label="My graph"
    )
    execute_graph(graph, pool=warm_pool, raise_on_error=False, observers=[events.append])
    assert kinds(events) == [
        "RunStarted", "Queued", "Started", "Finished", "Queued", "Started", "Failed", "RunFinished"
    ]  # fmt: skip
    first, *_, failed, last = events
    assert (first.graph, first.nodes, first.pool_type) == ("My graph", 2, warm_pool.pool_type)
    assert (failed.node, failed.number, failed.handled) == ("Bad", 0, False)
    assert failed.pid
    assert isinstance(last.error, TaskExecutionError)
    assert [event.time for event in events[:2]] == sorted(event.time for event in events[:2])


def test_observers_are_told_of_a_lost_worker_before_its_failure(make_graph, process_type):
    events = []
    graph = make_graph({"a": "kill_worker", "h": "add"}, [("a", "h", {"on_error": True})])
    execute_graph(graph, pool_type=process_type, observers=[events.append])
    lost, failed = (
        event
        for event in events
        if isinstance(event, observed.WorkerLost | observed.ActivationFailed)
    )
    assert lost.exitcode == -9
    assert failed.pid == lost.pid
    assert failed.handled


def test_activations_of_a_loop_are_numbered(make_graph):
    events = []
    conditions = [{"source_output": "more", "value": True}]
    mapping = [{"source_output": "x", "target_input": "x"}]
    graph = make_graph(
        {"a": {"task": "Count", "force_start_node": True}},
        [("a", "a", {"data_mapping": mapping, "conditions": conditions})],
    )
    execute_graph(graph, pool_type="thread", observers=[events.append])
    finished = [event for event in events if isinstance(event, observed.ActivationFinished)]
    assert [event.number for event in finished] == [0, 1, 2]


def test_observer_that_fails_is_reported_and_dropped_and_changes_nothing(make_graph, caplog):
    told, others = [], []

    def observer(event):
        told.append(event)
        raise ValueError("bad observer")

    graph = make_graph({"a": "add", "b": "add"}, [("a", "b", AFTER)])
    result = execute_graph(graph, pool_type="thread", observers=[observer, others.append])
    assert result == {"return_value": 0}
    assert len(told) == 1
    assert len(others) == 8
    assert "failed and is dropped" in caplog.text


def test_observer_that_is_slow_is_reported_and_dropped(make_graph, caplog, monkeypatch):
    monkeypatch.setattr(observed, "SLOW_SECONDS", -1.0)
    told = []
    execute_graph(make_graph({"a": "add"}), pool_type="thread", observers=[told.append])
    assert len(told) == 1
    assert "is dropped" in caplog.text
