"""What a run tells its observers."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

SLOW_SECONDS = 1.0
"""An observer which takes longer than this for one event is dropped."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened in a run.

    :param time: when, in seconds since the epoch.
    """

    time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted(Event):
    """The run begins.

    :param graph: label of the graph.
    :param nodes: number of nodes of the graph.
    :param pool_type: where the tasks run; None for a pool that the caller made.
    """

    graph: str
    nodes: int
    pool_type: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished(Event):
    """The run has ended.

    :param error: what it raises or returns, None after a success.
    """

    error: BaseException | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationEvent(Event):
    """Something that happened to one activation.

    :param node: label of the node.
    :param number: n-th execution of the node in this run, from 0.
    """

    node: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationQueued(ActivationEvent):
    """It has been given to the pool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationStarted(ActivationEvent):
    """A worker has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationFinished(ActivationEvent):
    """It succeeded.

    :param started: when the worker began, in seconds since the epoch.
    :param pid: process id of the worker.
    """

    started: float
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationFailed(ActivationEvent):
    """It failed.

    :param error: the exception.
    :param handled: an on_error link takes care of it.
    :param pid: process id of the worker, None when it never reached one.
    """

    error: BaseException
    handled: bool
    pid: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLost(Event):
    """A worker died while running a task; the failure of the activation follows.

    :param pid: process id of the worker, None when unknown.
    :param exitcode: exit code, minus the signal number, None when unknown.
    """

    pid: int | None
    exitcode: int | None


Observer = Callable[[Event], None]


class Observers:
    """Tells events to a list of observers, none of which can change the run.

    An observer that raises or takes more than :data:`SLOW_SECONDS` is reported and dropped.
    """

    def __init__(self, observers: Iterable[Observer]) -> None:
        self._observers = list(observers)

    def __bool__(self) -> bool:
        return bool(self._observers)

    def tell(self, event: Event) -> None:
        """Tell an event to all of them."""
        for observer in list(self._observers):
            began = time.monotonic()
            try:
                observer(event)
            except Exception:
                _logger.exception("observer %r failed and is dropped", observer)
                self._observers.remove(observer)
                continue
            if (seconds := time.monotonic() - began) > SLOW_SECONDS:
                _logger.error("observer %r took %.1f s and is dropped", observer, seconds)
                self._observers.remove(observer)
