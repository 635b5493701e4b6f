"""An open pool: an executor together with the facts that its backend declares.

Guarantees: in a fork of the process that opened it, a pool refuses work and leaving it does
nothing. The fork has none of its threads, and would wait for ever.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from typing import Any, ParamSpec, TypeVar

from ..errors import ForeignPoolError
from ..hookspecs import Location, PoolBackend

P = ParamSpec("P")
T = TypeVar("T")

GRACE_SECONDS = 1.0
"""How long a worker may take to end after SIGTERM before it is killed."""


class Pool(Executor):
    """What :func:`~ewoksppf_core.open_pool` gives; an executor like any other.

    :param executor: runs the tasks.
    :param backend: who opened the executor; None for an executor that the user made.
    :param capacity: number of tasks that a run should submit before others have ended, so that
        their inputs do not pile up; None for any number.
    """

    def __init__(
        self, executor: Executor, backend: PoolBackend | None, capacity: int | None = None
    ) -> None:
        self._owner = os.getpid()
        self._executor = executor
        self.backend = backend
        self.capacity = capacity
        self._only_kills_all = not hasattr(executor, "stop_tasks")
        self._submitted: set[Future[Any]] = set()
        self._given_up: set[Future[Any]] = set()

    @property
    def abandoned(self) -> bool:
        """Whether tasks that could not be stopped still run: do not wait for them."""
        return bool(self._given_up)

    @property
    def pool_type(self) -> str | None:
        """Pool type of the backend."""
        return self.backend.pool_type if self.backend else None

    @property
    def location(self) -> Location:
        """Where the workers live."""
        if self.backend is not None:
            return self.backend.location
        if isinstance(self._executor, ThreadPoolExecutor):
            return Location.SAME_PROCESS
        return Location.ELSEWHERE  # parcels without shared memory reach every executor

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a call in the pool.

        :raises ForeignPoolError: the pool belongs to another process.
        """
        if os.getpid() != self._owner:
            raise ForeignPoolError(self._owner)
        future = self._executor.submit(fn, *args, **kwargs)
        if self._only_kills_all:
            self._submitted.add(future)
            future.add_done_callback(self._submitted.discard)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Free everything after the tasks that were submitted; in a fork, do nothing."""
        if os.getpid() != self._owner:
            return
        self._executor.shutdown(wait=wait, cancel_futures=cancel_futures)

    def stop_tasks(self, futures: Collection[Future[Any]], at_once: bool = False) -> bool:
        """Cancel tasks, and interrupt those that run already where the pool can.

        An executor that can only kill all of its workers does so when nothing else runs in it.

        :param at_once: give workers no time to end by themselves.
        :returns: True when some still run because they cannot be stopped.
        """
        for future in futures:
            future.cancel()
        stop_tasks = getattr(self._executor, "stop_tasks", None)
        if stop_tasks is not None:
            stop_tasks(futures, 0.0 if at_once else GRACE_SECONDS)
            if at_once:
                wait(futures, timeout=GRACE_SECONDS)  # not for the workers: for news of their end
        elif self.backend is not None and self._runs_only(futures) and self.kill_workers():
            wait(futures, timeout=GRACE_SECONDS)
        still_running = [future for future in futures if not future.done()]
        self._given_up.update(still_running)
        for future in still_running:
            future.add_done_callback(self._given_up.discard)
        return bool(still_running)

    def _runs_only(self, futures: Collection[Future[Any]]) -> bool:
        others = self._submitted.copy().difference(futures)
        return not any(future.running() for future in others)

    def kill_workers(self) -> bool:
        """End all running tasks by killing their workers.

        :returns: False when the executor cannot do that, or belongs to another process.
        """
        if os.getpid() != self._owner:
            return False
        kill = getattr(self._executor, "kill_workers", None)
        if kill is None:
            return False
        kill()
        return True
