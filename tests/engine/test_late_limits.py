"""A task that takes longer than it may fails, also when nobody comes to stop it in time."""

from __future__ import annotations

from concurrent.futures import Executor, Future

import pytest

from ewoksppf_core import TaskTimeoutError, execute_graph

LIMIT = 0.01


class AtOnce(Executor):
    """Runs a task while it is submitted, so that its end is known before its start."""

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@pytest.fixture
def graph(make_graph):
    sleep = {
        "task_type": "method",
        "task_identifier": "time.sleep",
        "default_inputs": [{"name": 0, "value": 5 * LIMIT}],
    }
    return make_graph({"late": sleep})


def test_task_that_took_too_long_fails(graph):
    with pytest.raises(TaskTimeoutError, match=f"'late' did not end within {LIMIT} s"):
        execute_graph(graph, pool=AtOnce(), task_timeout=LIMIT)


def test_task_that_took_less_time_succeeds(graph):
    assert execute_graph(graph, pool=AtOnce(), task_timeout=60) == {"return_value": None}
