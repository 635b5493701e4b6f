"""The activations that a pool has: which of them run, and which have run for too long."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future

from ..task.outcome import Outcome
from .deadlines import Deadlines
from .scheduler import Activation

START_POLL_SECONDS = 0.05
"""How often one looks whether tasks with a time limit have started: pools do not tell."""


class InFlight:
    """Knows each activation by its future; the caller brings the time.

    :param limit: returns the seconds that an activation may take, None for any time; None for no
        limits at all.
    :param notice_starts: somebody wants to know when activations start.
    """

    def __init__(
        self, limit: Callable[[Activation], float | None] | None, notice_starts: bool
    ) -> None:
        self._limit = limit
        self._notices = notice_starts or limit is not None
        self._activations: dict[Future[Outcome], Activation] = {}
        self._unstarted: deque[Future[Outcome]] = deque()
        self._deadlines = Deadlines()

    def __len__(self) -> int:
        return len(self._activations)

    def futures(self) -> list[Future[Outcome]]:
        """Return what the pool is to deliver."""
        return list(self._activations)

    def add(self, future: Future[Outcome], activation: Activation) -> None:
        """Take note that the pool has got an activation."""
        self._activations[future] = activation
        if self._notices:
            self._unstarted.append(future)

    def remove(self, future: Future[Outcome]) -> bool:
        """Take note that an activation is over; False when it had been given up."""
        return self._activations.pop(future, None) is not None

    def clear(self) -> None:
        """Give all activations up."""
        self._activations.clear()

    def started(self, now: float) -> Iterator[Activation]:
        """Yield the activations that have started since the last time."""
        # Pools start tasks in the order of submission: looking at the first ones is enough.
        while self._unstarted and (self._unstarted[0].running() or self._unstarted[0].done()):
            future = self._unstarted.popleft()
            activation = self._activations.get(future)
            if activation is None or future.cancelled():
                continue
            if self._limit is not None and (limit := self._limit(activation)):
                self._deadlines.add(future, now, limit)
            yield activation

    def next_look(self, now: float) -> float | None:
        """Return the time at which something may have to be done; None for never."""
        times = [] if (deadline := self._deadlines.next()) is None else [deadline]
        if self._limit is not None and self._unstarted:
            times.append(now + START_POLL_SECONDS)
        return min(times, default=None)

    def pop_expired(self, now: float) -> list[tuple[Future[Outcome], Activation, float]]:
        """Give up the activations that have reached their limit; return them with the limit."""
        return [
            (future, activation, limit)
            for future, limit in self._deadlines.pop_expired(now)
            if (activation := self._activations.pop(future, None)) is not None
        ]

    def running(self) -> Iterator[Activation]:
        """Yield the activations that run."""
        return (activation for future, activation in self._activations.items() if future.running())
