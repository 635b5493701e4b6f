"""Threads that do not wait for each other between two tasks, nor for tasks that were given up."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class ThreadExecutor(ThreadPoolExecutor):
    """A :class:`~concurrent.futures.ThreadPoolExecutor` without a lock that all threads share.

    The standard library counts idle threads with a semaphore, which every thread takes after every
    task. It can happen that a thread gets its lock while another one has the GIL:

    1. A holds the GIL and wants the lock, which B has: A waits, and so gives up the GIL.
    2. B goes on and frees the lock: the system hands it to A, who waits for the GIL now.
    3. B comes to its next task and wants the lock, which A has: the same with changed roles.

    From then on each task costs two switches between threads, for thousands of tasks in a row.

    A task that is given up keeps its thread until it ends, and another thread takes its place. The
    executor changes attributes of its base class for that, ``_max_workers`` and
    ``_idle_semaphore``: threads of its own could not be told, by public means, that Python ends.

    :param max_workers: number of threads, besides those of tasks that were given up; None for the
        default of the standard library.
    """

    def __init__(self, max_workers: int | None) -> None:
        super().__init__(max_workers, thread_name_prefix="ewoksppf")
        self._idle_semaphore = _IdleThreads()  # type: ignore[assignment]
        self._wanted = self._max_workers
        self._given_up: set[Future[Any]] = set()
        self._accepting = True

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the threads end after the tasks that were submitted."""
        self._accepting = False
        super().shutdown(wait, cancel_futures=cancel_futures)

    def stop_tasks(self, futures: Collection[Future[Any]], grace: float) -> None:
        """Give up running tasks, which nothing can stop: they go on, but no other waits for them.

        :param grace: not used; whoever could ask a task to end has done so.
        """
        running = [future for future in futures if future.running()]
        self._given_up.update(running)
        for future in running:
            future.add_done_callback(self._given_up.discard)
        # A thread whose task ends after all stays, and takes the place of the next one.
        self._max_workers = max(self._max_workers, self._wanted + len(self._given_up))
        enough = min(self._max_workers, len(self._threads) + len(running))
        # Some tasks may wait already, and idle threads are not counted while there are such tasks.
        while self._accepting and len(self._threads) < enough:
            self.submit(int)


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
