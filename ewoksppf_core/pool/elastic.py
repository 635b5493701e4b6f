"""A pool of single-worker executors which grows and shrinks with the load.

Guarantees:

* One task per slot at a time: when a worker dies exactly one task fails, with
  :class:`WorkerLostError`; its slot is replaced when there is work for it.
* A task whose worker died before it started the task is handed to another one.
* A task gets a worker that is ready to run it: until then it waits, and can be cancelled.
* Tasks are left to the other workers when one cannot start. If it was the only one, every waiting
  task fails, and if it was killed while it started, one. There is no respawn loop: until one has
  started no further one is opened, then after a rest that becomes longer each time.
* Threads which submit tasks take turns: a run with many does not make another one wait.
* A worker which dies while it is idle is reaped soon.
* Stopping a task never harms the next task of its worker.
* After ``shutdown(wait=True)`` every slot is shut down and the keeper thread has ended. Nobody
  waits for a slot to start that no task waits for.
* Ctrl-C never interrupts the start of a worker.
* In a fork of the process that opened it, the pool refuses work and leaving it does nothing.

Assumes: the executors of the slots set each future exactly once and call its callbacks from
threads (or greenlets) of their own.

Lock order: ``_lock`` is never held while a slot is opened, given work or shut down, nor while
a future is set, because all of these may call back.
"""

from __future__ import annotations

import itertools
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, wait
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from ..errors import ForeignPoolError, WorkerLostError, WorkerStartError
from ..interrupts import SIGNAL_SECONDS, deferring_interrupts
from .fair import FairQueue
from .scaling import Limits, Load, Meter, Workload, workers_to_start
from .slots import NotStartedError, Slot, Slots

P = ParamSpec("P")
T = TypeVar("T")

GROW_SECONDS = 0.02
"""Time between two decisions to grow beyond the CPUs, while tasks wait for a worker."""

REST_SECONDS = 0.5
"""Time between two looks at idle workers."""

KILLED_SECONDS = 5.0
"""How long the news of a worker's death may take on a busy machine, once it has been killed."""

MOST_REST_SECONDS = 30.0
"""Longest time between two attempts to start a worker beside others."""

_logger = logging.getLogger(__name__)


@dataclass(eq=False)
class _Work:
    producer: int  # the thread which submitted it: each run has one
    future: Future[Any]
    call: Callable[[Executor], Future[Any]]


class ElasticPool(Executor):
    """Hand each task to an idle slot, and open slots as the limits and the load allow.

    :param open_slot: opens a single-worker executor.
    :param limits: how many slots there may be.
    """

    def __init__(self, open_slot: Callable[[], Executor], limits: Limits) -> None:
        self._owner = os.getpid()
        self._open_slot = open_slot
        self._limits = limits
        # Locked by itself: an interrupt in the Python code of a condition would leave it locked.
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._queue: FairQueue[_Work] = FairQueue()
        self._slots = Slots(self._lock)
        self._running: dict[Future[Any], Slot] = {}
        self._unwanted: set[Future[Any]] = set()  # until they are done
        self._here = threading.local()
        self._opening = 0
        self._completed = 0
        self._accepting = True
        self._open_again = 0.0  # time before which no slot is opened beside others
        self._rest = REST_SECONDS  # next time that it has to be put off
        self._end_with: str | None = None  # how a slot ends that is still opening at shutdown
        self._keeper: threading.Thread | None = None
        self._keeping = False

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a call in the next free slot.

        :raises ForeignPoolError: the pool belongs to another process.
        :raises RuntimeError: the pool is shut down.
        """
        if os.getpid() != self._owner:
            raise ForeignPoolError(self._owner)
        future: Future[T] = Future()
        work = _Work(
            threading.get_ident(), future, lambda executor: executor.submit(fn, *args, **kwargs)
        )
        with deferring_interrupts():
            with self._lock:
                if not self._accepting:
                    raise RuntimeError("cannot schedule new futures after shutdown")
                self._queue.put(work.producer, work)
            self._pump()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let all slots end after the tasks that were submitted."""
        if os.getpid() != self._owner:
            return
        with self._lock:
            self._accepting = False
            cancelled = self._queue.clear() if cancel_futures else []
            self._wind_up()
        for work in cancelled:
            if work.future.cancel():
                work.future.set_running_or_notify_cancel()
            else:  # it had been handed to a worker that was dead already
                work.future.set_exception(CancelledError())
        if wait:
            with self._lock:
                while not self._changed.wait_for(lambda: not self._busy(), SIGNAL_SECONDS):
                    pass
        with self._lock:
            self._slots.dismiss_idle(0.0)
        self._slots.end_leaving(wait)
        keeper = self._keeper
        if wait and keeper is not None and threading.current_thread() is not keeper:
            keeper.join()

    def terminate_workers(self) -> None:
        """Ask all workers to end; running tasks fail with :class:`WorkerLostError`."""
        self._call_all("terminate_workers")

    def kill_workers(self) -> None:
        """End all workers at once; running tasks fail with :class:`WorkerLostError`."""
        self._call_all("kill_workers")

    def stop_tasks(self, futures: Collection[Future[Any]], grace: float) -> None:
        """End running tasks, which fail with :class:`WorkerLostError`.

        :param futures: the tasks.
        :param grace: seconds that workers get to end by themselves before they are killed.
        """
        with self._lock:
            self._unwanted.update(futures)
        for future in futures:
            future.add_done_callback(self._unwanted.discard)
        for method, seconds in (("terminate_workers", grace), ("kill_workers", KILLED_SECONDS)):
            with self._lock:
                slots = [slot for future in futures if (slot := self._running.get(future))]
                for slot in slots:
                    slot.doomed = True
            for slot in slots:
                slot.call(method)
            if not any(hasattr(slot.executor, method) for slot in slots):
                continue
            # Cancelled ones are done, but only a worker would tell those who wait.
            wait([future for future in futures if not future.done()], timeout=seconds)

    def _call_all(self, method: str) -> None:
        if os.getpid() != self._owner:
            return
        with self._lock:
            slots = self._slots.all()
            if not self._accepting:
                self._end_with = method
        for slot in slots:
            slot.call(method)

    def _busy(self) -> bool:
        return bool(self._queue) or self._opening > 0 or self._slots.busy

    def _wind_up(self) -> None:
        """Dismiss what is not needed after shutdown, and wake up who waits for that."""
        if self._accepting:
            return
        if not self._queue:
            self._slots.dismiss_starting()
        self._changed.notify_all()

    def _pump(self) -> None:
        """Give queued tasks to idle slots, and open slots up to the immediate limit."""
        if not self._queue:
            return  # who puts something into it from now on pumps, too
        if getattr(self._here, "pumping", False):
            return  # a task has failed at once, and calls back: the loop below goes on
        self._here.pumping = True
        try:
            while self._start_next():
                pass
        finally:
            self._here.pumping = False

    def _start_next(self) -> bool:
        """Start one task, or one slot; False when there is no task, or no slot for it."""
        with self._lock:
            if not self._queue:
                return False
            slot = self._slots.take_idle()
            if slot is not None:
                work = self._queue.get()
            elif self._wanted():
                self._opening += 1
            else:
                return False
        if slot is None:
            self._open()
        else:
            self._start(work, slot)
        return True

    def _wanted(self, workload: Workload | None = None) -> int:
        """Tell how many slots to open now."""
        if self._slots and time.monotonic() < self._open_again:
            return 0
        wanted = self._would_open(workload)
        if wanted and not self._has_use_for_another():
            self._drop_cancelled()
            wanted = self._would_open(workload)
        return wanted

    def _has_use_for_another(self) -> bool:
        """Tell whether more tasks wait than slots are free, without those that are cancelled.

        It looks at no more of them than it must: there can be very many.
        """
        waiting = (work for work in self._queue if not work.future.cancelled())
        free = self._slots.free + self._opening
        return next(itertools.islice(waiting, free, None), None) is not None

    def _drop_cancelled(self) -> None:
        """Take cancelled tasks from the queue."""
        cancelled = self._queue.remove(lambda work: work.future.cancelled())
        for work in cancelled:
            work.future.set_running_or_notify_cancel()  # its callbacks have been called before
        self._wind_up()

    def _would_open(self, workload: Workload | None) -> int:
        load = Load(
            workers=len(self._slots) + self._opening,
            idle=self._slots.free + self._opening,
            queued=len(self._queue),
            workload=workload,
        )
        return workers_to_start(load, self._limits)

    def _start(self, work: _Work, slot: Slot) -> None:
        """Run a task in a slot."""
        if not work.future.running() and not work.future.set_running_or_notify_cancel():
            self._release(slot)
            return
        with self._lock:
            unwanted = work.future in self._unwanted
            if not unwanted:
                self._running[work.future] = slot
        if unwanted:  # stopped on its way from a dead worker to this one
            self._release(slot)
            work.future.set_exception(WorkerLostError())
            return
        try:
            inner = work.call(slot.executor)
        except BrokenExecutor as error:
            self._take_back(work, slot, error)
            return  # every caller pumps again
        inner.add_done_callback(lambda inner: self._done(work, slot, inner))
        if self._end_with is not None:
            slot.call(self._end_with)

    def _take_back(self, work: _Work, slot: Slot, error: BaseException) -> None:
        """Let another slot run a task that the worker of this one never started."""
        _logger.warning("a worker was lost between two tasks: %s", error)
        with self._lock:
            del self._running[work.future]
            self._queue.put_back(work.producer, work)
            self._slots.discard(slot)
            self._wind_up()

    def _open(self) -> None:
        """Open a slot, which gets a task when it has started."""
        try:
            slot = Slot(self._open_slot())
        except BaseException as error:
            with self._lock:
                self._opening -= 1
            self._cannot_open(error)
            return
        with self._lock:
            self._opening -= 1
            self._slots.add(slot)
            self._wind_up()
            if not self._keeping:
                self._keeping = True
                self._keeper = threading.Thread(
                    target=self._keep, name="ewoksppf-keeper", daemon=True
                )
                self._keeper.start()
        ready: Future[None] | None = getattr(slot.executor, "ready", None)
        if ready is None:
            self._started(slot, None)
        else:
            ready.add_done_callback(lambda ready: self._started(slot, ready.exception()))

    def _started(self, slot: Slot, error: BaseException | None) -> None:
        """Use a slot that has started; an error says why it has not."""
        with self._lock:
            if not self._slots.has_started(slot):
                return
            if error is None:
                self._slots.release(slot)
                self._rest = REST_SECONDS
                self._open_again = min(self._open_again, time.monotonic() + self._rest)
            else:
                self._slots.discard(slot)
            self._wind_up()
        if error is not None:
            self._cannot_open(error)
        self._pump()

    def _cannot_open(self, error: BaseException) -> None:
        """Leave the tasks to the other slots; without any, one task fails, or all."""
        with self._lock:
            failed = []
            if self._slots:
                hopeless = isinstance(error, WorkerStartError) and not self._slots.any_started
                self._open_again = math.inf if hopeless else time.monotonic() + self._rest
                self._rest = min(2 * self._rest, MOST_REST_SECONDS)
            elif isinstance(error, WorkerStartError):
                failed = self._queue.clear()
            elif self._queue:
                failed = [self._queue.get()]
            self._wind_up()
        for work in failed:
            if work.future.running() or work.future.set_running_or_notify_cancel():
                work.future.set_exception(error)
        if failed:
            return
        if not isinstance(error, Exception):
            raise error
        _logger.warning("no further worker can be started: %s", error)

    def _done(self, work: _Work, slot: Slot, inner: Future[Any]) -> None:
        error: BaseException | None
        try:
            error = inner.exception()
        except CancelledError as cancelled:
            error = cancelled
        if isinstance(error, NotStartedError):
            self._take_back(work, slot, error)
            self._pump()
            return
        if isinstance(error, BrokenExecutor):
            lost = WorkerLostError()
            lost.__cause__ = error
            error = lost
        with self._lock:
            del self._running[work.future]
            if slot.doomed or isinstance(error, WorkerLostError | WorkerStartError):
                self._slots.discard(slot)
            else:
                self._completed += 1
                self._slots.release(slot)
            self._wind_up()
        if isinstance(error, WorkerStartError):
            self._cannot_open(error)
        self._pump()  # first: the slot need not wait for what the outcome sets off
        if error is None:
            work.future.set_result(inner.result())
        else:
            work.future.set_exception(error)

    def _release(self, slot: Slot) -> None:
        with self._lock:
            self._slots.release(slot)
            self._wind_up()

    def _keep(self) -> None:
        """Grow beyond the CPUs and let idle slots go: the body of the keeper thread."""
        meter: Meter | None = None
        while True:
            with self._lock:
                if self._may_rest():
                    self._changed.wait(GROW_SECONDS if self._queue else REST_SECONDS)
                waiting = bool(self._queue)
            if waiting:
                meter = meter or Meter(self._completed)
                self._grow(meter.look(len(self._slots), self._completed))
            else:
                meter = None
            idle_for = self._limits.retire_after if self._accepting else 0.0
            with self._lock:
                self._slots.dismiss_dead()
                if idle_for is not None:
                    self._slots.dismiss_idle(idle_for)
            # A worker that is slow to end must not keep the others from growing.
            self._slots.end_leaving(wait=not waiting)
            with self._lock:
                if not (self._slots or self._slots.leaving or self._busy()):
                    self._keeping = False
                    return

    def _may_rest(self) -> bool:
        return self._accepting or self._busy()

    def _grow(self, workload: Workload | None) -> None:
        with self._lock:
            if not self._queue or not self._wanted(workload):
                return
            self._opening += 1
        self._open()
        self._pump()
