"""How a pool is left."""

import threading
from concurrent.futures import Executor, ThreadPoolExecutor

import pytest

from ewoksppf_core.errors import WorkerLostError
from ewoksppf_core.pool.options import request_pool
from ewoksppf_core.pool.pool import Pool
from ewoksppf_core.pool.shutdown import Exit, end_pool
from ewoksppf_core.testing import tasks

PATIENCE = 20


class Recorder(Executor):
    """Remembers how it was ended; its tasks end when it is killed."""

    def __init__(self):
        self.calls = []
        self.killed = threading.Event()

    def shutdown(self, wait=True, *, cancel_futures=False):
        self.calls.append(("shutdown", wait, cancel_futures))
        if wait:
            assert self.killed.wait(PATIENCE)

    def kill_workers(self):
        self.calls.append("kill")
        self.killed.set()


def test_exit_waits_by_default_and_cancels_what_has_not_started():
    pool = Recorder()
    pool.killed.set()
    end_pool(Pool(pool, None), Exit())
    assert pool.calls == [("shutdown", True, True)]


def test_exit_does_not_need_to_wait():
    pool = Recorder()
    end_pool(Pool(pool, None), Exit(wait_on_exit=False))
    assert pool.calls == [("shutdown", False, True)]


def test_workers_are_killed_when_waiting_takes_too_long():
    pool = Recorder()
    end_pool(Pool(pool, None), Exit(wait_on_exit_timeout=0.01))
    assert pool.calls == [("shutdown", True, True), "kill"]


def test_interrupt_kills_before_waiting():
    pool = Recorder()
    end_pool(Pool(pool, None), Exit(interrupt_on_exit=True))
    assert pool.calls[0] == "kill"
    assert pool.calls[-1] == ("shutdown", True, True)


def test_executor_that_cannot_kill_says_so():
    with ThreadPoolExecutor(1) as executor:
        assert Pool(executor, None).kill_workers() is False


def hold(folder, name):
    return folder / name, folder / "never", tasks.time.sleep, PATIENCE


@pytest.mark.parametrize("way", [{"interrupt_on_exit": True}, {"wait_on_exit_timeout": 0.01}])
def test_leaving_can_interrupt_running_processes(tmp_path, way):
    request = request_pool(
        pool_type="process", scaling_workers=False, max_workers=1, pool_options=way
    )
    with request.open() as pool:
        running = pool.submit(tasks.hold, *hold(tmp_path, "a"))
        waiting = pool.submit(tasks.hold, *hold(tmp_path, "b"))
        tasks.wait_until((tmp_path / "a").exists, tasks.time.sleep, PATIENCE)
    assert isinstance(running.exception(0), WorkerLostError)
    assert waiting.done()


def test_keyboard_interrupt_stops_all_tasks(tmp_path):
    futures = []

    def leave_by_interrupt():
        request = request_pool(pool_type="process", scaling_workers=False, max_workers=1)
        with request.open() as pool:
            futures.extend(pool.submit(tasks.hold, *hold(tmp_path, name)) for name in "ab")
            tasks.wait_until((tmp_path / "a").exists, tasks.time.sleep, PATIENCE)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        leave_by_interrupt()
    assert isinstance(futures[0].exception(0), WorkerLostError)
    assert futures[1].cancelled()
