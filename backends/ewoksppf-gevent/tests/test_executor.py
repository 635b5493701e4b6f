import gc
import threading
import weakref

import gevent
import gevent.event
import pytest

from ewoksppf_gevent.executor import GreenletExecutor, GreenletKilledError

PATIENCE = 20


@pytest.fixture
def executor():
    with GreenletExecutor() as executor:
        yield executor


def test_thousand_tasks_wait_concurrently(executor):
    count = 0
    everybody = gevent.event.Event()

    def meet():
        nonlocal count
        count += 1
        if count == 1000:
            everybody.set()
        return everybody.wait(PATIENCE)

    futures = [executor.submit(meet) for _ in range(1000)]
    assert all(future.result(PATIENCE) for future in futures)


def test_tasks_can_be_submitted_from_many_threads(executor):
    futures = []

    def submit():
        futures.extend([executor.submit(pow, number, 2) for number in range(200)])

    threads = [threading.Thread(target=submit) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(future.result(PATIENCE) for future in futures) == 8 * sum(n * n for n in range(200))


def test_killing_fails_only_tasks_that_run():
    started = threading.Event()

    def wait():
        started.set()
        gevent.sleep(PATIENCE)

    with GreenletExecutor(max_workers=1) as executor:
        running, queued = executor.submit(wait), executor.submit(pow, 2, 3)
        started.wait(PATIENCE)
        executor.kill_workers()
        error = running.exception(PATIENCE)
        assert isinstance(error, GreenletKilledError)
        assert str(error) == "a greenlet was killed"
        assert queued.result(PATIENCE) == 8


def test_task_may_refuse_to_be_killed(executor):
    started = threading.Event()

    def stubborn():
        started.set()
        try:
            gevent.sleep(PATIENCE)
        except gevent.GreenletExit:
            return "still here"

    future = executor.submit(stubborn)
    started.wait(PATIENCE)
    executor.kill_workers()
    assert future.result(PATIENCE) == "still here"


def test_tasks_do_not_wait_for_one_that_refuses_to_be_killed():
    release = gevent.event.Event()

    def stubborn():
        started.set()
        try:
            return release.wait(PATIENCE)
        except gevent.GreenletExit:
            return release.wait(PATIENCE)

    with GreenletExecutor(max_workers=1) as executor:
        futures = []
        for _ in range(2):
            started = threading.Event()
            futures.append(executor.submit(stubborn))
            assert started.wait(PATIENCE)
            executor.stop_tasks(futures[-1:], grace=0.01)
        assert not any(future.done() for future in futures)
        executor.submit(release.set).result(PATIENCE)
        assert all(future.result(PATIENCE) for future in futures)


def test_memory_of_an_executor_is_freed_after_its_end():
    executor = GreenletExecutor()
    assert executor.submit(gevent.sleep, 0).exception(PATIENCE) is None
    executor.shutdown()
    left = weakref.ref(executor)
    del executor
    gc.collect()
    assert left() is None


def test_executor_does_not_wait_for_greenlets_that_tasks_have_left_behind():
    ended = []

    def linger():
        gevent.sleep(10 * PATIENCE)
        ended.append(True)

    with GreenletExecutor() as executor:
        executor.submit(gevent.spawn, linger)
    assert not ended


def test_error_of_opening_arrives_instead_of_hanging(monkeypatch):
    def no_hub():
        raise OSError("too many open files")

    monkeypatch.setattr(gevent, "get_hub", no_hub)
    with pytest.raises(OSError, match="too many open files"):
        GreenletExecutor()


def test_killing_after_shutdown_does_nothing():
    executor = GreenletExecutor()
    executor.shutdown()
    executor.kill_workers()


def test_submitting_does_not_wait_for_running_tasks():
    release = threading.Event()

    def hold():
        while not release.is_set():
            gevent.sleep(0.002)
        return "held"

    with GreenletExecutor(max_workers=1) as executor:
        futures = [executor.submit(hold) for _ in range(3)]
        assert not any(future.done() for future in futures)
        release.set()
        assert [future.result(PATIENCE) for future in futures] == ["held"] * 3


def test_stopped_task_leaves_the_others_alone(executor):
    started = [threading.Event(), threading.Event()]
    release = gevent.event.Event()

    def wait(number):
        started[number].set()
        return release.wait(PATIENCE)

    stopped, other = executor.submit(wait, 0), executor.submit(wait, 1)
    assert all(event.wait(PATIENCE) for event in started)
    executor.stop_tasks([stopped], PATIENCE)
    assert isinstance(stopped.exception(PATIENCE), GreenletKilledError)
    assert not other.done()
    executor.submit(release.set)
    assert other.result(PATIENCE)
