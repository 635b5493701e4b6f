"""Rare moments, made certain: what a pool must not do when things end at the same time."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import BrokenExecutor, Executor, Future

import pytest

from ewoksppf_core import Stopper, WorkflowStoppedError, execute_graph
from ewoksppf_core.errors import WorkerLostError
from ewoksppf_core.pool import elastic
from ewoksppf_core.pool.elastic import ElasticPool
from ewoksppf_core.pool.scaling import Limits
from ewoksppf_core.run import runner
from ewoksppf_core.run.transfer import Transfer

PATIENCE = 20


class Slot(Executor):
    """Runs nothing: the test sets the outcome of the task."""

    def __init__(self):
        self.ran = []
        self.task = None
        self.dead = False
        self.on_terminate = lambda: None
        self.closed = threading.Event()

    def submit(self, fn, /, *args, **kwargs):
        if self.dead:
            raise BrokenExecutor("dead")
        self.ran.append(fn)
        self.task = Future()
        return self.task

    def shutdown(self, wait=True, *, cancel_futures=False):
        self.closed.set()

    def is_dead(self):
        return self.dead

    def terminate_workers(self):
        self.on_terminate()


class Slots(list):
    """Opens slots, and remembers them."""

    def __init__(self):
        self.on_open = lambda: None

    def open(self):
        self.on_open()
        self.append(Slot())
        return self[-1]


@pytest.fixture
def slots():
    return Slots()


@pytest.fixture
def pool(slots, monkeypatch):
    """A pool of one slot at a time."""
    monkeypatch.setattr(elastic, "REST_SECONDS", 0.005)
    pool = ElasticPool(slots.open, Limits.fixed(1))
    yield pool
    pool.shutdown(wait=False, cancel_futures=True)
    for slot in slots:
        if slot.task is not None and not slot.task.done():
            slot.task.set_result(None)
    pool.shutdown()


def test_stopping_a_task_that_ends_at_this_moment_does_not_harm_the_next_one(pool, slots):
    stopped = pool.submit("stopped")
    following = pool.submit("following")
    slots[0].on_terminate = lambda: slots[0].task.set_result("in time")
    pool.stop_tasks([stopped], grace=0)
    assert stopped.result(PATIENCE) == "in time"
    assert [slot.ran for slot in slots] == [["stopped"], ["following"]]
    assert not following.done()


def test_task_that_is_stopped_on_its_way_between_workers_never_runs(pool, slots):
    pool.submit("first")
    on_its_way = pool.submit("on its way")
    slots[0].dead = True
    on_its_way.set_running_or_notify_cancel()  # it has been in a worker that was dead
    pool.stop_tasks([on_its_way], grace=0)
    slots[0].task.set_exception(WorkerLostError(None, 1, -9))
    assert isinstance(on_its_way.exception(PATIENCE), WorkerLostError)
    assert not [slot for slot in slots if "on its way" in slot.ran]


def test_idle_worker_that_dies_is_reaped_without_being_asked(pool, slots):
    pool.submit("a")
    slots[0].task.set_result(None)
    slots[0].dead = True
    assert slots[0].closed.wait(PATIENCE)


def test_interrupt_waits_until_the_worker_has_started(pool, slots):
    slots.on_open = lambda: os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        pool.submit("a")
    assert [slot.ran for slot in slots] == [["a"]]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_fork_leaves_a_busy_pool_alone(pool, slots):
    pool.submit("a")
    child = os.fork()
    if child == 0:
        try:
            with pytest.raises(RuntimeError, match="belongs to process"):
                pool.submit("b")
            pool.shutdown()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0


class Clock:
    """Stands for the module :mod:`time`, and leaps when it is told to."""

    ahead = 0.0

    def monotonic(self):
        return time.monotonic() + self.ahead


def stop_the_run(stopper=None, release=None):
    """Never end, as far as the run can see."""
    stopper.stop(forced=True)
    assert release.wait(PATIENCE)


def test_forced_stop_while_a_task_reaches_its_limit_is_a_stop(monkeypatch):
    clock, release, stopper = Clock(), threading.Event(), Stopper()
    # The stop asks the task to end, for longer than the limit of the task.
    monkeypatch.setattr(Transfer, "cancel", lambda *args: setattr(clock, "ahead", 2000.0))
    monkeypatch.setattr(runner, "time", clock)
    node = {
        "id": "a",
        "task_type": "method",
        "task_identifier": f"{__name__}.stop_the_run",
        "task_timeout": 1000,
    }
    try:
        with pytest.raises(WorkflowStoppedError):
            execute_graph(
                {"graph": {"id": "g"}, "nodes": [node]},
                inputs=[
                    {"all": True, "name": "stopper", "value": stopper},
                    {"all": True, "name": "release", "value": release},
                ],
                pool_type="thread",
                stopper=stopper,
            )
    finally:
        release.set()
    assert clock.ahead
