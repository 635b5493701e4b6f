"""What follows from what became of an activation: further ones, a result, an error.

Assumes: called in the thread of the run only.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import InitVar, dataclass
from typing import Any

from ewokscore.node import get_task_identifier

from ..errors import (
    LinkError,
    PoolUnavailableError,
    TransferError,
    WorkerLostError,
    WorkerStartError,
    WorkflowStoppedError,
)
from ..graph.plan import Name, Node, Plan
from ..task.outcome import Failure, Outcome
from .events import ActivationFailed, ActivationFinished
from .failures import Failures, add_note, explain, failure_here, presentable
from .flight import outcome_of
from .reports import Reports
from .results import Results
from .scheduler import Activation, Scheduler
from .transfer import Transfer

_logger = logging.getLogger(__name__)


@dataclass
class Consequences:
    """Knows which activations are due, and what the run has achieved so far.

    :param plan: what is run.
    :param transfer: brings values to the workers and back.
    :param reports: who is told what happens.
    :param inputs: dynamic inputs of the start nodes.
    :param retries: how often an activation is run again whose worker died.
    :raises TransferError: one of the inputs cannot be pickled.
    """

    plan: Plan
    transfer: Transfer
    reports: Reports
    inputs: InitVar[Mapping[Name, Any]]
    retries: int = 0

    def __post_init__(self, inputs: Mapping[Name, Any]) -> None:
        self.due: deque[Activation] = deque()
        self._scheduler = Scheduler(self.plan, self.transfer.pack("startargs", inputs))
        self.results = Results(self.plan)
        self.failures = Failures()
        self._attempts: dict[tuple[int, int], int] = {}
        self._stopped = False

    def start(self) -> None:
        """Let the start nodes be due."""
        self.due.extend(self._scheduler.start())

    def stop(self) -> None:
        """Let nothing follow from now on, neither what is due nor handlers of errors."""
        self._stopped = True
        self.due.clear()

    def ended(self, activation: Activation, outcome: Outcome) -> None:
        """Take what a worker said about an activation."""
        if self.retries:
            self._attempts.pop((activation.node, activation.number), None)
        if outcome.failure is not None:
            self._fail(activation, outcome.failure, outcome.pid)
        else:
            self._succeed(activation, outcome)

    def lost(self, activation: Activation, error: BaseException) -> None:
        """Take why the pool did not say what became of an activation.

        :raises WorkflowStoppedError: the pool was shut down.
        :raises WorkerStartError: a worker ended while it was starting.
        :raises PoolUnavailableError: no worker can be started.
        """
        label = self._node(activation).label
        if isinstance(error, CancelledError | WorkerStartError | PoolUnavailableError):
            if self._stopped:
                return  # it had not started
            if isinstance(error, CancelledError):
                raise WorkflowStoppedError("its pool was shut down by somebody else", [label])
            raise error  # no other worker would start either
        explained = explain(label, error)
        if isinstance(explained, WorkerLostError):
            self.transfer.forget_worker(explained.pid)
            self.reports.tell_lost(explained)
            if self._retry(activation):
                _logger.warning("node %r is run again: %s", label, explained)
                return
        self.given_up(activation, explained, None)

    def given_up(
        self, activation: Activation, error: Exception, future: Future[Outcome] | None
    ) -> None:
        """Let an activation fail.

        :param future: its future, if the worker may have said something nevertheless.
        """
        if future is None or not has_ended_by_itself(future):
            self.reports.send_end(activation, error)
        self._fail(activation, failure_here(error), getattr(error, "pid", None))

    def _retry(self, activation: Activation) -> bool:
        """Run an activation again, unless that has been done too often."""
        which = activation.node, activation.number
        attempts = self._attempts.pop(which, 0)
        if self._stopped or attempts >= self.retries:
            return False
        self._attempts[which] = attempts + 1
        self.due.appendleft(activation)
        return True

    def _succeed(self, activation: Activation, outcome: Outcome) -> None:
        assert outcome.outputs is not None
        if not self._stopped:
            try:
                compared = self.transfer.load_compared(self._node(activation), outcome.outputs)
                step = self._scheduler.succeed(activation, outcome.outputs, compared)
            except (LinkError, TransferError) as error:
                self._fail(activation, failure_here(error), outcome.pid)
                return
            self.results.add(activation, outcome.outputs, step.ended)
            self.failures.succeeded(activation)
            self.due.extend(step.due)
        self.reports.tell(
            ActivationFinished,
            activation,
            time=outcome.finished,
            started=outcome.started,
            pid=outcome.pid,
        )

    def _fail(self, activation: Activation, failure: Failure, pid: int | None) -> None:
        node = self._node(activation)
        raised = failure.unpack()
        in_worker = raised is not failure.exception
        error = presentable(node.label, get_task_identifier(dict(node.attrs)), raised)
        if error is not raised:
            failure = Failure(error, failure.traceback)
        due = None
        if not self._stopped:  # otherwise no handlers run
            payload = self.transfer.pack_error(node.label, failure, error)
            due = self._scheduler.fail(activation, payload)
        handled = due is not None
        self.reports.tell(ActivationFailed, activation, error=error, handled=handled, pid=pid)
        if due is not None:
            _logger.info("node %r failed and is handled: %s", node.label, error)
            self.due.extend(due)
            return
        _logger.error("node %r failed: %s", node.label, error)
        if in_worker:
            add_note(error, f"Traceback in worker {pid}:\n{failure.traceback}")
        self.failures.add(activation, error)

    def _node(self, activation: Activation) -> Node:
        return self.plan.nodes[activation.node]


def has_ended_by_itself(future: Future[Outcome]) -> bool:
    """Tell whether an activation that was to be stopped came to its end nevertheless."""
    outcome = outcome_of(future)
    if outcome is None:
        return False
    # Other exceptions are how tasks are killed, and Ewoks says nothing of them.
    return outcome.failure is None or isinstance(outcome.failure.unpack(), Exception)
