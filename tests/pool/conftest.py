"""An elastic pool whose slots do what the test says."""

import threading
from concurrent.futures import BrokenExecutor, Executor, Future

import pytest

from ewoksppf_core.errors import WorkerLostError
from ewoksppf_core.pool import elastic
from ewoksppf_core.pool.elastic import ElasticPool
from ewoksppf_core.pool.scaling import Limits

PATIENCE = 20


class Slot(Executor):
    """Runs nothing: the test sets the outcome of the task."""

    def __init__(self, slow):
        if slow:
            self.ready = Future()
        self.task = None
        self.ran = []
        self.broken = False
        self.killed = threading.Event()
        self.closed = threading.Event()
        self.may_end = threading.Event()
        self.may_end.set()
        self.awaited = False

    def submit(self, fn, /, *args, **kwargs):
        if self.broken:
            raise BrokenExecutor("dead")
        assert not self.closed.is_set()
        assert self.task is None, "one task at a time"
        self.ran.append(fn)
        self.task = Future()
        return self.task

    def shutdown(self, wait=True, *, cancel_futures=False):
        self.closed.set()
        if wait:
            assert self.may_end.wait(PATIENCE)
        self.awaited = self.awaited or wait

    def kill_workers(self):
        self.killed.set()
        if self.task is not None:
            self.lose()

    def finish(self, result=None):
        task, self.task = self.task, None
        task.set_result(result)

    def lose(self, error=None):
        task, self.task = self.task, None
        task.set_exception(error or WorkerLostError(None, 1, -9))


class Slots(list):
    """Opens slots, and remembers them; the test says when slow ones have started."""

    def __init__(self):
        self.slow = False
        self.limit = threading.Semaphore(0)

    def open(self):
        self.append(Slot(self.slow))
        self.limit.release()
        return self[-1]

    def wait_for(self, number):
        for _ in range(number):
            assert self.limit.acquire(timeout=PATIENCE)


@pytest.fixture
def slots():
    return Slots()


@pytest.fixture
def make_pool(slots):
    """Make a pool with these limits; whatever runs at the end of the test is lost."""
    pools = []

    def make(at_once, at_most=None, retire_after=None):
        limits = Limits(at_once=at_once, at_most=at_most or at_once, retire_after=retire_after)
        pools.append(ElasticPool(slots.open, limits))
        return pools[-1]

    yield make
    for pool in pools:
        pool.shutdown(wait=False, cancel_futures=True)
        pool.kill_workers()
        pool.shutdown()


@pytest.fixture
def quick_keeper(monkeypatch):
    monkeypatch.setattr(elastic, "REST_SECONDS", 0.005)
