import threading
from concurrent.futures import ThreadPoolExecutor

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


def test_no_lock_is_shared_where_the_standard_library_has_its_semaphore():
    """Fails when a new Python counts its idle threads in another way."""
    with ThreadPoolExecutor(1) as standard:
        assert isinstance(standard._idle_semaphore, threading.Semaphore)
        assert "_idle_semaphore" in standard._adjust_thread_count.__code__.co_names
