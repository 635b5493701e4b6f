"""One loop, in the caller's thread: submit what is due, wait for a completion, repeat.

Guarantees:

* All decisions are made in the thread that calls :meth:`Runner.run`. Other threads and signal
  handlers only put something into queues.
* A time limit or a stop is noticed after a few submissions and one completion, however much is due.
* An interrupt never makes the run forget a task that the pool has got. A signal is noticed soon,
  also one that comes just before the run begins to wait.
* When ``run`` returns or raises, none of its activations is waiting for a worker, and none is
  running, unless it says that tasks of this pool cannot be stopped.

Assumes: the pool calls the callbacks of every future exactly once, from any thread.
"""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Mapping
from concurrent.futures import BrokenExecutor, Future, wait
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..errors import (
    TaskTimeoutError,
    TransferError,
    WorkflowStoppedError,
    WorkflowTimeoutError,
)
from ..graph.plan import Name, Node, Plan
from ..interrupts import SIGNAL_SECONDS, deferring_interrupts
from ..pool.pool import GRACE_SECONDS, Pool
from ..task.outcome import Outcome, RunInfo
from .consequences import Consequences, has_ended_by_itself
from .events import ActivationFailed, ActivationQueued, ActivationStarted, Observers
from .flight import InFlight, error_of, has_started, outcome_of
from .limits import RunLimits
from .reports import Reports
from .results import Results
from .scheduler import Activation
from .transfer import Transfer

_logger = logging.getLogger(__name__)

_Completion = tuple[Activation, "Future[Outcome]"]

SLICE = 32
"""How many activations are submitted before one looks at what has happened meanwhile."""


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
    limits: RunLimits = field(default_factory=RunLimits)

    def __post_init__(self) -> None:
        self._reports = Reports(self.plan, self.observers, self.info.execinfo)
        self.transfer = Transfer(self.pool, self.info)
        self._after = Consequences(
            self.plan, self.transfer, self._reports, self.start, self.limits.worker_lost_retries
        )
        self._due = self._after.due
        self._completions: queue.SimpleQueue[_Completion | None] = queue.SimpleQueue()
        self._stops: queue.SimpleQueue[_Stop] = queue.SimpleQueue()
        self._has_limits = self.limits.task_timeout is not None or any(
            node.attrs.get("task_timeout") for node in self.plan.nodes
        )
        self._in_flight = InFlight(
            self._limit if self._has_limits else None,
            notice_starts=bool(self.observers),
            in_order=self.pool.backend is not None,  # of other executors nothing is known
        )
        self._stop: _Stop | None = None
        self._interrupting = False
        self._stopped_nodes: list[str] = []

    @property
    def results(self) -> Results:
        """What the run has achieved so far."""
        return self._after.results

    @property
    def errors(self) -> list[BaseException]:
        """Errors that nothing handles, in order of completion."""
        return self._after.failures.unhandled()

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
            self._after.start()
            while self._due or self._in_flight:
                self._submit_some()
                item = None  # frees the values of the last completion before the next one
                item = self._next(deadline)
                self._note_started(item)
                while not self._stops.empty():
                    self._begin_stop(self._stops.get())
                if item is not None:
                    self._complete(*item)
                self._end_expired()
                if deadline is not None and time.monotonic() >= deadline:
                    self._end_all()
        except BaseException as error:
            try:
                self._stop_all()
            finally:
                self._give_up_all(error)
            raise
        if self._stop is not None:
            raise self._stopped(self._stop)

    def stop(self, reason: str, forced: bool = False) -> None:
        """Ask the run to end; can be called from any thread and from signal handlers.

        :param reason: for the error.
        :param forced: interrupt running tasks instead of waiting for them.
        """
        self._stops.put(_Stop(reason, forced))
        self._completions.put(None)  # wakes the run

    def _next(self, deadline: float | None) -> _Completion | None:
        """Wait for a completion, a stop, or a time at which there is something to do."""
        self._note_started()
        now = time.monotonic()
        times = (deadline, self._in_flight.next_look(now), now + SIGNAL_SECONDS)
        until = min(at for at in times if at is not None)
        try:
            if self._can_submit():
                return self._completions.get_nowait()
            return self._completions.get(timeout=max(0.0, until - now))
        except queue.Empty:
            return None

    # Submit

    def _submit_some(self) -> None:
        """Submit some of what is due, as far as the pool can take it."""
        if not self._can_submit():
            return
        submitted: list[Activation] = []
        with deferring_interrupts():
            while self._can_submit() and len(submitted) < SLICE:
                submitted.append(self._submit(self._due.popleft()))
        for activation in submitted:
            self._reports.tell(ActivationQueued, activation)

    def _can_submit(self) -> bool:
        room = self.pool.capacity
        return bool(self._due) and (room is None or len(self._in_flight) < room)

    def _submit(self, activation: Activation) -> Activation:
        node = self._node(activation)
        lend = not self._may_need_inputs_of(node) and self.transfer.are_big(activation.inputs)
        try:
            future = self.transfer.submit(node, activation.inputs, lend)
        except (TransferError, BrokenExecutor) as error:
            future = Future()
            future.set_exception(error)
        if lend:
            activation = Activation(activation.node, activation.number, {})
        self._in_flight.add(future, activation)
        future.add_done_callback(partial(self._put, activation))
        return activation

    def _put(self, activation: Activation, future: Future[Outcome]) -> None:
        self._completions.put((activation, future))

    def _note_started(self, item: _Completion | None = None) -> None:
        over = None if item is None else item[1]
        for activation in self._in_flight.started(time.monotonic(), over):
            self._reports.tell(ActivationStarted, activation)

    # Complete

    def _complete(self, activation: Activation, future: Future[Outcome]) -> None:
        self.transfer.forget(future)
        outcome = self._receive(future)
        if not self._in_flight.remove(future):
            return  # it took too long, and has been given up
        if outcome is None:
            error = error_of(future)
            assert error is not None
            self._after.lost(activation, error)
        elif (limit := self._exceeded(activation, outcome)) is not None:
            label = self._node(activation).label
            self._after.given_up(activation, TaskTimeoutError(limit, label, False), future)
        else:
            self._after.ended(activation, outcome)

    def _exceeded(self, activation: Activation, outcome: Outcome) -> float | None:
        """Return the limit of an activation that took longer, before anybody came to stop it."""
        limit = self._limit(activation) if self._has_limits else None
        took = outcome.finished - outcome.started
        return limit if limit and took > limit and outcome.failure is None else None

    def _receive(self, future: Future[Outcome]) -> Outcome | None:
        """Return what the worker said, and see to it that its memory is freed."""
        outcome = outcome_of(future)
        if outcome is not None:
            self.transfer.adopt(outcome.outputs or {})
        return outcome

    # Stop

    def _end_expired(self) -> None:
        expired = self._in_flight.pop_expired(time.monotonic())
        if not expired:
            return
        self._stop_tasks([future for future, _, _ in expired])
        for future, activation, limit in expired:
            label = self._node(activation).label
            error = TaskTimeoutError(limit, label, not future.done())
            self._after.given_up(activation, error, future)

    def _end_all(self) -> None:
        """End the run because its time is over, unless it has ended just now."""
        if not (self._due or self._in_flight):
            return
        assert self.limits.timeout is not None
        nodes = self._running_nodes()
        error = WorkflowTimeoutError(self.limits.timeout, nodes, self._stop_all())
        self._give_up_all(error)
        raise error

    def _begin_stop(self, stop: _Stop) -> None:
        if self._stop is None:
            self._stopped_nodes = self._running_nodes()
            _logger.warning("stopping the workflow: %s", stop.reason)
        self._stop = stop
        self._after.stop()
        for future in self._in_flight.futures():
            future.cancel()
        if stop.forced:
            self._stop_all()
            self._give_up_all(self._stopped(stop))

    def _stopped(self, stop: _Stop) -> WorkflowStoppedError:
        return WorkflowStoppedError(stop.reason, self._stopped_nodes)

    def _stop_all(self) -> bool:
        """Stop all activations; tell whether some still run because they cannot be stopped."""
        at_once, self._interrupting = self._interrupting, True
        self._after.stop()
        return self._stop_tasks(self._in_flight.futures(), at_once)

    def _stop_tasks(self, futures: list[Future[Outcome]], at_once: bool = False) -> bool:
        """Stop activations; tell whether some still run because they cannot be stopped."""
        # First of all, or what waits would start in the place of what ends.
        running = [future for future in futures if not future.cancel()]
        if not running:
            return False
        try:
            if not at_once and self.transfer.cancel(running):
                wait(running, timeout=GRACE_SECONDS)
            return self.pool.stop_tasks(running, at_once)
        except BaseException:  # Ctrl-C, maybe not the first: nobody wants to wait any longer
            self.pool.stop_tasks(running, at_once=True)
            raise

    def _give_up_all(self, reason: BaseException) -> None:
        """Say how the activations ended that had started, and forget all.

        :param reason: why they were stopped.
        """
        self._note_started()
        for future, activation in self._in_flight.clear():
            self.transfer.forget(future)
            outcome = self._receive(future)
            if outcome is not None and has_ended_by_itself(future):
                self._after.ended(activation, outcome)
            elif has_started(future):
                self._reports.send_end(activation, reason)
                self._reports.tell(
                    ActivationFailed, activation, error=reason, handled=False, pid=None
                )

    # Look up

    def _node(self, activation: Activation) -> Node:
        return self.plan.nodes[activation.node]

    def _may_need_inputs_of(self, node: Node) -> bool:
        """Tell whether the inputs of an activation are wanted again when it has failed."""
        return node.error_needs_inputs or self.limits.worker_lost_retries > 0

    def _limit(self, activation: Activation) -> float | None:
        limit: float | None = self._node(activation).attrs.get("task_timeout")
        return limit or self.limits.task_timeout

    def _running_nodes(self) -> list[str]:
        running = self._in_flight.running()
        return sorted({self._node(activation).label for activation in running})
