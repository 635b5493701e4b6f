"""Time limits of single activations."""

from __future__ import annotations

import heapq
import weakref
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any


class Deadlines:
    """Tells which tasks have been running for too long; pure, the caller brings the time.

    It keeps no task, nor its outputs, alive: that one is over may be noticed late.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, weakref.ref[Future[Any]], float]] = []
        self._count = 0

    def add(self, future: Future[Any], now: float, limit: float) -> None:
        """Watch a task that has just started.

        :param now: time in seconds, of any clock.
        :param limit: seconds that the task may take.
        """
        self._count += 1  # keeps tuples from comparing futures
        heapq.heappush(self._heap, (now + limit, self._count, weakref.ref(future), limit))

    def next(self) -> float | None:
        """Return when the next limit is reached, None when nothing is watched."""
        while self._heap and self._first() is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop_expired(self, now: float) -> Iterator[tuple[Future[Any], float]]:
        """Yield the tasks that have reached their limit, with the limit, once each."""
        while self._heap and self._heap[0][0] <= now:
            future = self._first()
            _, _, _, limit = heapq.heappop(self._heap)
            if future is not None:
                yield future, limit

    def _first(self) -> Future[Any] | None:
        """Return the task that reaches its limit first, None when it is over."""
        future = self._heap[0][2]()
        return None if future is None or future.done() else future
