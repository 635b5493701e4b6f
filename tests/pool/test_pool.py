"""Which tasks a pool stops whose executor can only kill all of its workers."""

from concurrent.futures import Executor, Future
from dataclasses import replace

import pytest

from ewoksppf_core.errors import WorkerLostError
from ewoksppf_core.pool.pool import Pool
from ewoksppf_core.pool.registry import get_backend


class KillsAll(Executor):
    """Runs its tasks for ever, all of them, until their workers are killed."""

    def __init__(self):
        self.tasks = []

    def submit(self, fn, /, *args, **kwargs):
        self.tasks.append(Future())
        self.tasks[-1].set_running_or_notify_cancel()
        return self.tasks[-1]

    def kill_workers(self):
        for task in self.tasks:
            if task.running():
                task.set_exception(WorkerLostError())


@pytest.fixture
def backend():
    return replace(get_backend("thread"), open=KillsAll)


@pytest.fixture
def pool(backend):
    return Pool(backend.open(), backend)


def lost(task):
    return task.done() and isinstance(task.exception(), WorkerLostError)


def test_all_workers_are_killed_for_the_tasks_that_run_alone(pool):
    tasks = [pool.submit(print), pool.submit(print)]
    assert pool.stop_tasks(tasks) is False
    assert all(map(lost, tasks))
    assert not pool.abandoned


def test_no_worker_is_killed_while_a_task_of_somebody_else_runs(pool):
    task, other = pool.submit(print), pool.submit(print)
    assert pool.stop_tasks([task]) is True
    assert task.running()
    assert other.running()
    assert pool.abandoned


def test_task_of_somebody_else_that_has_ended_saves_no_worker(pool):
    task, other = pool.submit(print), pool.submit(print)
    other.set_result(None)
    assert pool.stop_tasks([task]) is False
    assert lost(task)


def test_task_of_somebody_else_that_waits_for_a_worker_saves_none(pool, monkeypatch):
    task = pool.submit(print)
    waiting = Future()
    monkeypatch.setattr(KillsAll, "submit", lambda *args: waiting)
    pool.submit(print)
    assert pool.stop_tasks([task]) is False
    assert lost(task)
    assert not waiting.done()


def test_workers_of_an_executor_that_the_user_made_are_not_killed(backend):
    pool = Pool(backend.open(), None)  # others may use it without the pool
    task = pool.submit(print)
    assert pool.stop_tasks([task]) is True
    assert task.running()
