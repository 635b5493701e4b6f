"""One loop, in the caller's thread: submit what is due, wait for a completion, repeat.

Guarantees:

* All decisions are made in the thread that calls :meth:`Runner.run`. Other threads and signal
  handlers only put something into the queue of completions.
* When ``run`` returns or raises, none of its activations is waiting for a worker, and none is
  running, unless it says that tasks of this pool cannot be stopped.

Assumes: the pool calls the callbacks of every future exactly once, from any thread.
"""

from __future__ import annotations

import logging
import queue
import time
from collections import deque
from collections.abc import Iterable, Mapping
from concurrent.futures import CancelledError, Future, wait
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ewokscore.events import send_task_event
from ewokscore.node import get_task_identifier

from ..errors import (
    EwoksPpfError,
    LinkError,
    PoolUnavailableError,
    TaskTimeoutError,
    TransferError,
    WorkerLostError,
    WorkerStartError,
    WorkflowStoppedError,
    WorkflowTimeoutError,
)
from ..graph.plan import Name, Node, Plan
from ..pool.pool import GRACE_SECONDS, Pool
from ..task.outcome import Failure, Outcome, RunInfo
from .events import (
    ActivationFailed,
    ActivationFinished,
    ActivationQueued,
    ActivationStarted,
    Observers,
    WorkerLost,
)
from .failures import Failures, add_note, failure_here
from .flight import InFlight
from .results import Results
from .scheduler import Activation, Scheduler
from .transfer import Transfer

_logger = logging.getLogger(__name__)

_Completion = tuple[Activation, "Future[Outcome]"]


@dataclass(frozen=True)
class Limits:
    """What a run allows.

    :param timeout: seconds for the whole run; None for no limit.
    :param task_timeout: seconds for one activation, where the node attribute of that name says
        nothing else; None for no limit.
    :param worker_lost_retries: how often an activation is run again whose worker died.
    """

    timeout: float | None = None
    task_timeout: float | None = None
    worker_lost_retries: int = 0


@dataclass(frozen=True)
class _Stop:
    reason: str
    forced: bool


@dataclass
class Runner:
    """Runs a plan on a pool, once.

    :param plan: what to run.
    :param pool: where to run it.
    :param info: what all activations have in common.
    :param start: dynamic inputs of the start nodes.
    :param observers: who is told what happens.
    :param limits: what the run allows.
    """

    plan: Plan
    pool: Pool
    info: RunInfo
    start: Mapping[Name, Any] = field(default_factory=dict)
    observers: Observers = field(default_factory=lambda: Observers(()))
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self.results = Results(self.plan)
        self._failures = Failures()
        self.transfer = Transfer(self.pool, self.info)
        start = self.transfer.pack("startargs", self.start)
        self._scheduler = Scheduler(self.plan, start)
        self._completions: queue.SimpleQueue[_Completion | _Stop] = queue.SimpleQueue()
        self._ready: deque[Activation] = deque()
        has_limits = self.limits.task_timeout is not None or any(
            node.attrs.get("task_timeout") for node in self.plan.nodes
        )
        self._in_flight = InFlight(self._limit if has_limits else None, bool(self.observers))
        self._attempts: dict[Activation, int] = {}
        self._stop: _Stop | None = None
        self._stopped_nodes: list[str] = []

    @property
    def errors(self) -> list[BaseException]:
        """Errors that nothing handles, in order of completion."""
        return self._failures.unhandled()

    def run(self) -> None:
        """Run the plan to its end; ``results`` and ``errors`` tell what came out.

        :raises WorkflowTimeoutError: after stopping what could be stopped.
        :raises WorkflowStoppedError: :meth:`stop` was called, or the pool was shut down.
        :raises WorkerStartError: a worker ended while it was starting.
        :raises PoolUnavailableError: no worker can be started.
        """
        timeout = self.limits.timeout
        deadline = None if timeout is None else time.monotonic() + timeout
        try:
            self._submit_all(self._scheduler.start())
            while self._in_flight or self._ready:
                item = None  # frees the values of the last completion before the next one
                item = self._next(deadline)
                self._note_started()
                if isinstance(item, _Stop):
                    self._begin_stop(item)
                elif item is not None:
                    self._complete(*item)
                    self._submit_all(())
                elif deadline is not None and time.monotonic() >= deadline:
                    assert timeout is not None
                    nodes = self._running_nodes()
                    raise WorkflowTimeoutError(timeout, nodes, self._abandon())
                self._end_expired()
        except BaseException:
            self._abandon()
            raise
        if self._stop is not None:
            raise WorkflowStoppedError(self._stop.reason, self._stopped_nodes)

    def stop(self, reason: str, forced: bool = False) -> None:
        """Ask the run to end; can be called from any thread and from signal handlers.

        :param reason: for the error.
        :param forced: interrupt running tasks instead of waiting for them.
        """
        self._completions.put(_Stop(reason, forced))

    def _next(self, deadline: float | None) -> _Completion | _Stop | None:
        """Wait for a completion, a stop, or a time at which there is something to do."""
        self._note_started()
        now = time.monotonic()
        times = [at for at in (deadline, self._in_flight.next_look(now)) if at is not None]
        try:
            if not times:
                return self._completions.get()
            return self._completions.get(timeout=max(0.0, min(times) - now))
        except queue.Empty:
            return None

    # Submit

    def _submit_all(self, activations: Iterable[Activation]) -> None:
        """Submit what the pool can take, and keep the rest for later."""
        if self._stop is not None:
            return
        self._ready.extend(activations)
        room = self.pool.capacity
        while self._ready and (room is None or len(self._in_flight) < room):
            self._submit(self._ready.popleft())

    def _submit(self, activation: Activation) -> None:
        node = self._node(activation)
        lend = not self._may_need_inputs_of(node) and self.transfer.are_big(activation.inputs)
        try:
            future = self.transfer.submit(node, activation.inputs, lend)
        except TransferError as error:
            future = Future()
            future.set_exception(error)
        if lend:
            activation = Activation(activation.node, activation.number, {})
        self._in_flight.add(future, activation)
        if self.observers:
            self._tell(ActivationQueued, activation)
        future.add_done_callback(partial(self._put, activation))

    def _put(self, activation: Activation, future: Future[Outcome]) -> None:
        self._completions.put((activation, future))

    def _note_started(self) -> None:
        for activation in self._in_flight.started(time.monotonic()):
            if self.observers:
                self._tell(ActivationStarted, activation)

    # Complete

    def _complete(self, activation: Activation, future: Future[Outcome]) -> None:
        self.transfer.forget(future)
        if not self._in_flight.remove(future):
            return  # it took too long, and has been given up
        try:
            outcome = future.result()
        except CancelledError:
            if self._stop is None:
                reason = "its pool was shut down by somebody else"
                raise WorkflowStoppedError(reason, [self._node(activation).label]) from None
            return
        except (WorkerStartError, PoolUnavailableError):
            if self._stop is not None:
                return  # stopped while it started
            raise  # no other worker would start either
        except Exception as error:
            self._lost(activation, error)
            return
        self.transfer.adopt(outcome.outputs or {})
        if outcome.failure is not None:
            self._fail(activation, outcome.failure, outcome.pid)
        elif self._stop is None:
            self._succeed(activation, outcome)

    def _succeed(self, activation: Activation, outcome: Outcome) -> None:
        assert outcome.outputs is not None
        try:
            compared = self.transfer.load_compared(self._node(activation), outcome.outputs)
            step = self._scheduler.succeed(activation, outcome.outputs, compared)
        except (LinkError, TransferError) as error:
            self._fail(activation, failure_here(error), outcome.pid)
            return
        self.results.add(activation, outcome.outputs, step.ended)
        self._failures.succeeded(activation)
        if self.observers:
            self._tell(
                ActivationFinished,
                activation,
                time=outcome.finished,
                started=outcome.started,
                pid=outcome.pid,
            )
        self._submit_all(step.due)

    def _lost(self, activation: Activation, error: Exception) -> None:
        """Handle an activation that did not get to say what became of it."""
        label = self._node(activation).label
        if isinstance(error, WorkerLostError):
            error = type(error)(label, error.pid, error.exitcode)
            self.observers.tell(
                WorkerLost(time=time.time(), pid=error.pid, exitcode=error.exitcode)
            )
            attempts = self._attempts.get(activation, 0)
            if attempts < self.limits.worker_lost_retries and self._stop is None:
                _logger.warning("node %r is run again: %s", label, error)
                self._attempts[activation] = attempts + 1
                self._submit(activation)
                return
        elif not isinstance(error, EwoksPpfError):
            reason = f"{type(error).__name__}: {error}"
            error = TransferError(label, "the call or the outcome", reason)
        self._give_up(activation, error)

    def _give_up(self, activation: Activation, error: Exception) -> None:
        if self.info.execinfo:
            # The worker cannot say that the task has ended.
            node = self._node(activation)
            send_task_event(
                execinfo=self.info.execinfo,
                event="end",
                node_id=node.label,
                task_id=get_task_identifier(dict(node.attrs), ""),
                exception=error,
            )
        self._fail(activation, failure_here(error), getattr(error, "pid", None))

    def _fail(self, activation: Activation, failure: Failure, pid: int | None) -> None:
        if self._stop is not None:
            return  # no handlers run while the run is being stopped
        error = failure.unpack()
        label = self._node(activation).label
        payload = self.transfer.pack_error(label, failure, error)
        due = self._scheduler.fail(activation, payload)
        if self.observers:
            handled = due is not None
            self._tell(ActivationFailed, activation, error=error, handled=handled, pid=pid)
        if due is not None:
            _logger.info("node %r failed and is handled: %s", label, error)
            self._submit_all(due)
            return
        _logger.error("node %r failed: %s", label, error)
        if failure.exception is not error:
            add_note(error, f"Traceback in worker {pid}:\n{failure.traceback}")
        self._failures.add(activation, error)

    # Stop

    def _end_expired(self) -> None:
        expired = self._in_flight.pop_expired(time.monotonic())
        if not expired:
            return
        self._stop_tasks([future for future, _, _ in expired])
        for future, activation, limit in expired:
            label = self._node(activation).label
            self._give_up(activation, TaskTimeoutError(limit, label, not future.done()))

    def _begin_stop(self, stop: _Stop) -> None:
        if self._stop is None:
            self._stopped_nodes = self._running_nodes()
            _logger.warning("stopping the workflow: %s", stop.reason)
        self._stop = stop
        self._ready.clear()
        for future in self._in_flight.futures():
            future.cancel()
        if stop.forced and self._abandon():
            self._in_flight.clear()

    def _abandon(self) -> bool:
        """Stop all activations; tell whether some still run because they cannot be stopped."""
        self._ready.clear()
        return bool(self._in_flight) and self._stop_tasks(self._in_flight.futures())

    def _stop_tasks(self, futures: list[Future[Outcome]]) -> bool:
        """Stop activations; tell whether some still run because they cannot be stopped."""
        if self.transfer.cancel(futures):
            wait(futures, timeout=GRACE_SECONDS)
        return self.pool.stop_tasks(futures)

    # Look up

    def _node(self, activation: Activation) -> Node:
        return self.plan.nodes[activation.node]

    def _may_need_inputs_of(self, node: Node) -> bool:
        """Tell whether the inputs of an activation are wanted again when it has failed."""
        return bool(node.error_links) or self.limits.worker_lost_retries > 0

    def _limit(self, activation: Activation) -> float | None:
        limit: float | None = self._node(activation).attrs.get("task_timeout")
        return limit or self.limits.task_timeout

    def _running_nodes(self) -> list[str]:
        running = self._in_flight.running()
        return sorted({self._node(activation).label for activation in running})

    def _tell(self, event: Any, activation: Activation, **details: Any) -> None:
        details.setdefault("time", time.time())
        label = self._node(activation).label
        self.observers.tell(event(node=label, number=activation.number, **details))
