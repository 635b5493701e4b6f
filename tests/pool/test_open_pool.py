"""Open pools, of whatever executor."""

import os
import signal
import threading

import pytest

from ewoksppf_core import ForeignPoolError, WorkerLostError, open_pool
from ewoksppf_core.pool import options
from ewoksppf_core.testing import tasks

PATIENCE = 20


def in_fork(function):
    """Return the exit code of a fork that calls a function."""
    child = os.fork()
    if child == 0:
        signal.alarm(PATIENCE)
        code = 1
        try:
            code = function()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("pool_type", ["thread", "gevent", "process"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_fork_is_refused_by_a_pool_of_its_parent(pool_type):
    owner = os.getpid()

    def use_and_leave():
        with pytest.raises(ForeignPoolError) as caught:
            pool.submit(int)
        context.__exit__(None, None, None)
        return 0 if caught.value.pid == owner else 2

    context = open_pool(pool_type)
    with context as pool:
        pool.submit(int).result(PATIENCE)
        assert in_fork(use_and_leave) == 0
        assert pool.submit(int).result(PATIENCE) == 0


def test_pool_is_waited_for_again_when_a_task_that_could_not_be_stopped_has_ended():
    started, release = threading.Event(), threading.Event()

    def hold():
        started.set()
        return release.wait(PATIENCE)

    with open_pool("thread", scaling_workers=False, max_workers=1) as pool:
        stubborn = pool.submit(hold)
        assert started.wait(PATIENCE)
        assert pool.stop_tasks([stubborn])
        assert pool.abandoned
        release.set()
        assert stubborn.result(PATIENCE)
        pool.submit(int).result(PATIENCE)  # by the same thread, after all callbacks
        assert not pool.abandoned


def test_interrupt_while_leaving_kills_the_workers(monkeypatch, tmp_path):
    def interrupted(pool, leave):
        raise KeyboardInterrupt

    monkeypatch.setattr(options, "end_pool", interrupted)
    futures = []

    def leave():
        with open_pool("process", scaling_workers=False, max_workers=1) as pool:
            started = tmp_path / "started"
            hold = tasks.hold, started, tmp_path / "never", tasks.time.sleep, PATIENCE
            futures.extend(pool.submit(*hold) for _ in range(2))
            tasks.wait_until(started.exists, tasks.time.sleep, PATIENCE)

    with pytest.raises(KeyboardInterrupt):
        leave()
    assert isinstance(futures[0].exception(0), WorkerLostError)
    assert futures[1].cancelled()
