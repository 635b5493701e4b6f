"""Time limits of workflows whose tasks are greenlets."""

import threading

import gevent
import gevent.event
import pytest

from ewoksppf_core import TaskTimeoutError, WorkflowTimeoutError, execute_graph, open_pool

PATIENCE = 20
TASK = "node 'My node' did not end within 0.3 s"
WORKFLOW = "the workflow did not end within 0.3 s; running nodes: 'My node'"

both_limits = pytest.mark.parametrize(
    ("limit", "error", "message"),
    [
        pytest.param("task_timeout", TaskTimeoutError, TASK, id="task_timeout"),
        pytest.param("timeout", WorkflowTimeoutError, WORKFLOW, id="timeout"),
    ],
)


def wait(started, release, ended):
    """Wait as greenlets do: others go on meanwhile."""
    started.set()
    try:
        while not release.is_set():
            gevent.sleep(0.002)
    finally:
        ended.set()


def compute(started, release, ended):
    """Keep all other greenlets from running."""
    started.set()
    assert release.wait(PATIENCE)
    ended.set()


class Run:
    """A run of one node, and what its task says."""

    def __init__(self, pool):
        self._pool = pool
        self.events = {name: threading.Event() for name in ("started", "release", "ended")}

    def __call__(self, task, **limits):
        node = {"id": "n", "label": "My node", "task_type": "method"}
        node["task_identifier"] = f"{__name__}.{task.__name__}"
        inputs = [
            {"all": True, "name": name, "value": event} for name, event in self.events.items()
        ]
        graph = {"graph": {"id": "graph"}, "nodes": [node]}
        return execute_graph(graph, inputs=inputs, pool=self._pool, **limits)


@pytest.fixture
def make_run():
    """Make runs in one pool, whose tasks end with the test."""
    runs = []
    with open_pool("gevent") as pool:

        def make():
            runs.append(Run(pool))
            return runs[-1]

        yield make
        for run in runs:
            run.events["release"].set()


@both_limits
def test_task_that_waits_is_stopped(make_run, limit, error, message):
    run = make_run()
    with pytest.raises(error) as info:
        run(wait, **{limit: 0.3})
    assert str(info.value) == message
    assert run.events["ended"].is_set()


@both_limits
def test_task_that_computes_is_given_up(make_run, monkeypatch, limit, error, message):
    monkeypatch.setattr("ewoksppf_core.pool.pool.GRACE_SECONDS", 0.1)
    run = make_run()
    with pytest.raises(error) as info:
        run(compute, **{limit: 0.3})
    assert str(info.value).startswith(message)
    assert "cannot be stopped" in str(info.value)
    assert not run.events["ended"].is_set()


@both_limits
def test_other_run_in_the_pool_goes_on(make_run, limit, error, message):
    run, other = make_run(), make_run()
    thread = threading.Thread(target=other, args=(wait,))
    thread.start()
    assert other.events["started"].wait(PATIENCE)
    with pytest.raises(error) as info:
        run(wait, **{limit: 0.3})
    assert str(info.value) == message
    assert not other.events["ended"].is_set()
    other.events["release"].set()
    thread.join(PATIENCE)
    assert other.events["ended"].is_set()
