import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from ewoksppf_thread.executor import ThreadExecutor

PATIENCE = 20


@pytest.fixture
def executor():
    with ThreadExecutor(3) as executor:
        yield executor


def threads():
    return {thread for thread in threading.enumerate() if thread.name.startswith("ewoksppf_")}


def test_threads_start_when_they_are_needed_and_not_before(executor):
    release = threading.Event()
    futures = []
    for number in range(5):
        futures.append(executor.submit(release.wait, PATIENCE))
        assert len(threads()) == min(number + 1, 3)
    release.set()
    assert all(future.result(PATIENCE) for future in futures)


def test_idle_thread_is_used_before_another_one_is_started(executor):
    executor.submit(int).result(PATIENCE)
    worker = next(iter(threads()))
    # It says that it is idle after it has given the result.
    while not executor._idle_semaphore._idle:
        assert worker.is_alive()
    executor.submit(int).result(PATIENCE)
    assert threads() == {worker}


@pytest.fixture
def single():
    with ThreadExecutor(1) as executor:
        yield executor


@pytest.fixture
def hung(single):
    """A task that nobody can stop, which ends with the test."""
    release = threading.Event()
    yield lambda: release.wait(PATIENCE)
    release.set()


def start_and_give_up(executor, call):
    """Submit a call, and stop it when it runs; return its future."""
    started = threading.Event()
    future = executor.submit(lambda: (started.set(), call()))
    assert started.wait(PATIENCE)
    executor.stop_tasks([future], 0.0)
    return future


def test_tasks_do_not_wait_for_one_that_was_given_up(single, hung):
    single.submit(int).result(PATIENCE)
    for _ in range(3):
        start_and_give_up(single, hung)
        assert single.submit(int).result(PATIENCE) == 0


def test_tasks_that_wait_already_do_not_wait_for_one_that_was_given_up(single, hung):
    begin, started = threading.Event(), threading.Event()
    # Since the queue is not empty between the two, nobody knows how many threads are idle.
    first = single.submit(begin.wait, PATIENCE)
    stuck = single.submit(lambda: (started.set(), hung()))
    waiting = single.submit(int)
    begin.set()
    assert first.result(PATIENCE)
    assert started.wait(PATIENCE)
    single.stop_tasks([stuck], 0.0)
    assert waiting.result(PATIENCE) == 0


def test_no_more_threads_are_added_than_tasks_are_given_up_at_a_time(single):
    for _ in range(3):
        release, ended = threading.Event(), threading.Event()
        future = start_and_give_up(single, partial(release.wait, PATIENCE))
        future.add_done_callback(lambda _, ended=ended: ended.set())
        release.set()
        assert ended.wait(PATIENCE)
    assert len(threads()) == 2


def test_stopping_after_shutdown_does_nothing(single, hung):
    future = single.submit(hung)
    single.shutdown(wait=False)
    single.stop_tasks([future], 0.0)
    assert not future.done()


def test_no_lock_is_shared_where_the_standard_library_has_its_semaphore():
    """Fails when a new Python counts its threads in another way."""
    with ThreadPoolExecutor(1) as standard:
        assert isinstance(standard._idle_semaphore, threading.Semaphore)
        assert "_idle_semaphore" in standard._adjust_thread_count.__code__.co_names
        assert "_max_workers" in standard._adjust_thread_count.__code__.co_names
