"""The activations that a pool has: which of them run, and which have run for too long."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future

from ..errors import PoolUnavailableError, TransferError, WorkerStartError
from ..task.outcome import Outcome
from .deadlines import Deadlines
from .scheduler import Activation

START_POLL_SECONDS = 0.05
"""How often one looks whether tasks with a time limit have started: pools do not tell."""

_NEVER_STARTED = (CancelledError, PoolUnavailableError, TransferError, WorkerStartError)


class InFlight:
    """Knows each activation by its future; the caller brings the time.

    :param limit: returns the seconds that an activation may take, None for any time; None for no
        limits at all.
    :param notice_starts: somebody wants to know when activations start.
    :param in_order: the pool starts tasks in the order of submission.
    """

    def __init__(
        self,
        limit: Callable[[Activation], float | None] | None,
        notice_starts: bool,
        in_order: bool,
    ) -> None:
        self._limit = limit
        self._notices = notice_starts or limit is not None
        self._activations: dict[Future[Outcome], Activation] = {}
        self._in_order = in_order
        self._unstarted: OrderedDict[Future[Outcome], None] = OrderedDict()
        self._next_search = 0.0
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
            self._unstarted[future] = None

    def remove(self, future: Future[Outcome]) -> bool:
        """Take note that an activation is over; False when it had been given up."""
        return self._activations.pop(future, None) is not None

    def clear(self) -> list[tuple[Future[Outcome], Activation]]:
        """Give all activations up, and return them."""
        activations = list(self._activations.items())
        self._activations.clear()
        return activations

    def started(self, now: float, over: Future[Outcome] | None = None) -> Iterator[Activation]:
        """Yield the activations that have started since the last time.

        :param over: one that is over, and so has started.
        """
        for future in self._no_longer_waiting(now, over):
            activation = self._activations.get(future)
            if activation is None or future.cancelled():
                continue
            if self._limit is not None and (limit := self._limit(activation)):
                self._deadlines.add(future, now, limit)
            yield activation

    def _no_longer_waiting(
        self, now: float, over: Future[Outcome] | None
    ) -> Iterator[Future[Outcome]]:
        waiting = self._unstarted
        while waiting and _waits_no_longer(first := next(iter(waiting))):
            del waiting[first]
            yield first
        if self._in_order or not waiting:
            return
        found = [] if over is None or over not in waiting else [over]
        if now >= self._next_search:
            self._next_search = now + START_POLL_SECONDS  # there can be thousands
            found = [future for future in waiting if _waits_no_longer(future)]
        for future in found:
            del waiting[future]
            yield future

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


def has_started(future: Future[Outcome]) -> bool:
    """Tell whether a worker has, or had, an activation."""
    if not future.done():
        return future.running()
    return not isinstance(error_of(future), _NEVER_STARTED)


def outcome_of(future: Future[Outcome]) -> Outcome | None:
    """Return what the worker said about an activation; None when it said nothing."""
    return future.result() if future.done() and error_of(future) is None else None


def error_of(future: Future[Outcome]) -> BaseException | None:
    """Return why nobody said what became of an activation that is over."""
    # Never raised: nobody could tell a KeyboardInterrupt in there from Ctrl-C.
    return CancelledError() if future.cancelled() else future.exception()


def _waits_no_longer(future: Future[Outcome]) -> bool:
    return future.running() or future.done()
