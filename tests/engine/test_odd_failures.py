"""Failures of tasks that are no ordinary exceptions, or cannot be printed."""

from __future__ import annotations

from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor

import pytest
from ewoksutils.exceptions import TaskExecutionError

from ewoksppf_core import PoolFailedError, TransferError, WorkerLostError, execute_graph
from ewoksppf_core.run.events import ActivationFailed

EXITS = pytest.mark.parametrize(
    ("name", "cause"), [("exit", SystemExit), ("interrupt", KeyboardInterrupt)]
)
ON_ERROR = {"on_error": True, "map_all_data": True}


def odd(name):
    return {"task_type": "class", "task_identifier": f"stop_tasks.{name}", "label": "My node"}


@EXITS
def test_exit_of_a_task_is_an_error_that_names_the_node(warm_pool, make_graph, name, cause):
    graph = make_graph(
        {"a": {"task": "fail_with", "inputs": {"name": name}, "label": "My node"}, "b": "add"}
    )
    with pytest.raises(TaskExecutionError, match=rf"'My node'.*{cause.__name__}") as info:
        execute_graph(graph, pool=warm_pool)
    assert type(info.value.__cause__) is cause


@EXITS
def test_exit_of_a_task_is_returned_on_demand(one_of_each, make_graph, name, cause):
    graph = make_graph({"a": {"task": "fail_with", "inputs": {"name": name}}, "b": "add"})
    failed = []
    result = execute_graph(
        graph, pool_type=one_of_each, raise_on_error=False, observers=[failed.append]
    )
    error = result["WorkflowExceptionInstance"]
    assert isinstance(error, TaskExecutionError)
    assert type(error.__cause__) is cause
    assert result["return_value"] == 0
    assert [event.error for event in failed if isinstance(event, ActivationFailed)] == [error]


@EXITS
def test_handler_of_an_exit_gets_an_ordinary_error(one_of_each, make_graph, name, cause):
    graph = make_graph(
        {"a": {"task": "fail_with", "inputs": {"name": name}}, "h": "Handler"},
        [("a", "h", ON_ERROR)],
    )
    result = execute_graph(graph, pool_type=one_of_each)
    assert result["type"] == "TaskExecutionError"
    assert cause.__name__ in result["message"]
    assert cause.__name__ in result["cause"]


@pytest.mark.parametrize("task", ["Unmade", "Unprintable"])
def test_exception_that_cannot_be_printed_is_handled(one_of_each, make_graph, task):
    graph = make_graph({"a": odd(task), "h": "add"}, [("a", "h", {"on_error": True})])
    assert execute_graph(graph, pool_type=one_of_each) == {"return_value": 0}


@pytest.mark.parametrize("raise_on_error", [True, False])
def test_exception_that_cannot_be_printed_names_the_node(one_of_each, make_graph, raise_on_error):
    graph = make_graph({"a": odd("Unmade"), "b": odd("Unmade")})
    try:
        result = execute_graph(graph, pool_type=one_of_each, raise_on_error=raise_on_error)
        error = result["WorkflowExceptionInstance"]
    except TaskExecutionError as raised:
        error = raised
    assert "'My node'" in str(error)
    assert type(error.__cause__).__name__ == "UnprintableError"


# Executors of others


class Failing(Executor):
    """Fails calls with an exception, then runs the others.

    :param times: how many fail.
    :param refuse: already submitting them fails.
    """

    def __init__(self, error, times=1, refuse=False):
        self._error, self._left, self._refuse = error, times, refuse

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        future.set_running_or_notify_cancel()
        if self._left <= 0:
            future.set_result(fn(*args, **kwargs))
        elif self._refuse:
            self._left -= 1
            raise self._error
        else:
            self._left -= 1
            future.set_exception(self._error)
        return future


def test_broken_executor_is_a_lost_worker(make_graph):
    graph = make_graph({"a": {"task": "kill_worker", "label": "My node"}})
    with ProcessPoolExecutor(1) as pool, pytest.raises(WorkerLostError, match="My node") as info:
        execute_graph(graph, pool=pool)
    assert isinstance(info.value.__cause__, BrokenExecutor)


@pytest.mark.parametrize("refuse", [True, False])
def test_task_of_a_broken_executor_can_be_retried(make_graph, refuse):
    graph = make_graph({"a": "add"})
    pool = Failing(BrokenExecutor("broken"), times=2, refuse=refuse)
    assert execute_graph(graph, pool=pool, retries={"worker_lost": 2}) == {"return_value": 0}
    pool = Failing(BrokenExecutor("broken"), times=3, refuse=refuse)
    with pytest.raises(WorkerLostError):
        execute_graph(graph, pool=pool, retries={"worker_lost": 2})


@pytest.mark.parametrize("error", [OSError("no space"), SystemExit(3)])
def test_any_other_failure_of_an_executor_is_the_cause_of_an_error(make_graph, error):
    graph = make_graph({"a": {"task": "add", "label": "My node"}})
    with pytest.raises(PoolFailedError, match=f"'My node': {type(error).__name__}") as info:
        execute_graph(graph, pool=Failing(error))
    assert info.value.__cause__ is error


def test_executor_that_cannot_pickle_says_so(make_graph):
    with pytest.raises(TransferError, match=r"cannot travel.*no lock"):
        execute_graph(make_graph({"a": "add"}), pool=Failing(TypeError("no lock")))
