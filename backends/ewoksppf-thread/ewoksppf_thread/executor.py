"""Threads that do not wait for each other between two tasks."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor


class ThreadExecutor(ThreadPoolExecutor):
    """A :class:`~concurrent.futures.ThreadPoolExecutor` without a lock that all threads share.

    The standard library counts idle threads with a semaphore, which every thread takes after every
    task. It can happen that a thread gets its lock while another one has the GIL:

    1. A holds the GIL and wants the lock, which B has: A waits, and so gives up the GIL.
    2. B goes on and frees the lock: the system hands it to A, who waits for the GIL now.
    3. B comes to its next task and wants the lock, which A has: the same with changed roles.

    From then on each task costs two switches between threads, for thousands of tasks in a row.

    :param max_workers: number of threads; None for the default of the standard library.
    """

    def __init__(self, max_workers: int | None) -> None:
        super().__init__(max_workers, thread_name_prefix="ewoksppf")
        self._idle_semaphore = _IdleThreads()  # type: ignore[assignment]


class _IdleThreads:
    """Counts idle threads as a semaphore would: the methods of a deque need no lock."""

    def __init__(self) -> None:
        self._idle: deque[None] = deque()

    def release(self) -> None:
        """Count a thread."""
        self._idle.append(None)

    def acquire(self, timeout: float) -> bool:
        """Take a thread, if there is one; nobody asks to wait for it."""
        try:
            self._idle.pop()
        except IndexError:
            return False
        return True
