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
import pickle
import queue
import time
from collections import deque
from collections.abc import Iterable, Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from functools import partial
from typing import Any

from ewokscore.events import send_task_event
from ewokscore.node import get_task_identifier, get_varinfo
from ewokscore.ppftasks import PPF_DICT_ARGUMENT

from ..errors import (
    EwoksPpfError,
    LinkError,
    OptionError,
    TransferError,
    WorkerLostError,
    WorkerStartError,
    WorkflowStoppedError,
    WorkflowTimeoutError,
)
from ..graph.plan import Name, Node, Plan
from ..hookspecs import Location
from ..pool.pool import Pool
from ..task.execute import (
    Failure,
    NodeInfo,
    Outcome,
    RunInfo,
    execute_here,
    execute_packed,
    open_value,
    pack_node,
    pack_value,
)
from ..task.failure import format_traceback, pack_exception
from .events import (
    ActivationFailed,
    ActivationFinished,
    ActivationQueued,
    ActivationStarted,
    Observers,
    WorkerLost,
)
from .results import Results
from .scheduler import Activation, Scheduler

_logger = logging.getLogger(__name__)

_Completion = tuple[Activation, "Future[Outcome]"]


@dataclass(frozen=True)
class _Stop:
    reason: str
    forced: bool


class Runner:
    """Runs a plan on a pool, once.

    :param plan: what to run.
    :param pool: where to run it.
    :param info: what all activations have in common.
    :param start: dynamic inputs of the start nodes.
    :param observers: who is told what happens.
    """

    def __init__(
        self,
        plan: Plan,
        pool: Pool,
        info: RunInfo,
        start: Mapping[Name, Any] | None = None,
        observers: Observers | None = None,
    ) -> None:
        self.results = Results(plan)
        self.errors: list[BaseException] = []
        self._plan = plan
        self._pool = pool
        self._info = info
        self._observers = observers or Observers(())
        self._by_reference = pool.location is Location.SAME_PROCESS
        self._packed_info = b"" if self._by_reference else _pack_info(info)
        self._node_infos: dict[int, NodeInfo | bytes] = {}
        self._scheduler = Scheduler(plan, self._transferable("startargs", dict(start or {})))
        self._completions: queue.SimpleQueue[_Completion | _Stop] = queue.SimpleQueue()
        self._in_flight: dict[Future[Outcome], Activation] = {}
        self._unstarted: deque[Future[Outcome]] = deque()
        self._stop: _Stop | None = None
        self._stopped_nodes: list[str] = []

    def run(self, timeout: float | None = None) -> None:
        """Run the plan to its end; ``results`` and ``errors`` tell what came out.

        :param timeout: seconds after which the run is stopped.
        :raises WorkflowTimeoutError: after stopping what could be stopped.
        :raises WorkflowStoppedError: :meth:`stop` was called.
        :raises WorkerStartError: no worker can be started.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        try:
            self._submit_all(self._scheduler.start())
            while self._in_flight:
                try:
                    item = self._next(deadline)
                except queue.Empty:
                    assert timeout is not None
                    nodes = self._running_nodes()
                    still_running = self._abandon()
                    raise WorkflowTimeoutError(timeout, nodes, still_running) from None
                if isinstance(item, _Stop):
                    self._begin_stop(item)
                else:
                    self._complete(*item)
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

    def _next(self, deadline: float | None) -> _Completion | _Stop:
        if deadline is None:
            return self._completions.get()
        return self._completions.get(timeout=max(0.0, deadline - time.monotonic()))

    # Submit

    def _submit_all(self, activations: Iterable[Activation]) -> None:
        if self._stop is None:
            for activation in activations:
                self._submit(activation)

    def _submit(self, activation: Activation) -> None:
        try:
            future = self._give_to_pool(activation)
        except TransferError as error:
            future = Future()
            future.set_exception(error)
        self._in_flight[future] = activation
        if self._observers:
            self._tell(ActivationQueued, activation)
            self._unstarted.append(future)
        future.add_done_callback(partial(self._put, activation))

    def _give_to_pool(self, activation: Activation) -> Future[Outcome]:
        info = self._node_infos.get(activation.node)
        if info is None:
            info = self._node_infos[activation.node] = self._node_info(
                self._plan.nodes[activation.node]
            )
        if isinstance(info, bytes):
            return self._pool.submit(execute_packed, self._packed_info, info, activation.inputs)
        return self._pool.submit(execute_here, self._info, info, activation.inputs)

    def _node_info(self, node: Node) -> NodeInfo | bytes:
        info = NodeInfo(node.label, node.attrs, node.wanted)
        return info if self._by_reference else pack_node(info)

    def _put(self, activation: Activation, future: Future[Outcome]) -> None:
        self._completions.put((activation, future))

    # Complete

    def _complete(self, activation: Activation, future: Future[Outcome]) -> None:
        del self._in_flight[future]
        self._tell_started()
        try:
            outcome = future.result()
        except CancelledError:
            if self._stop is None:
                label = self._plan.nodes[activation.node].label
                reason = "its pool was shut down by somebody else"
                raise WorkflowStoppedError(reason, [label]) from None
            return
        except WorkerStartError:
            raise  # no other worker would start either
        except Exception as error:
            self._fail(activation, self._lost(activation, error), None)
            return
        if outcome.failure is not None:
            self._fail(activation, outcome.failure, outcome)
        elif self._stop is None:
            self._succeed(activation, outcome)

    def _succeed(self, activation: Activation, outcome: Outcome) -> None:
        assert outcome.outputs is not None
        try:
            compared = self._compared(self._plan.nodes[activation.node], outcome.outputs)
            step = self._scheduler.succeed(activation, outcome.outputs, compared)
        except (LinkError, TransferError) as error:
            self._fail(activation, Failure(error, format_traceback(error)), outcome)
            return
        self.results.add(activation, outcome.outputs, step.ended)
        if self._observers:
            self._tell(
                ActivationFinished,
                activation,
                time=outcome.finished,
                started=outcome.started,
                pid=outcome.pid,
            )
        self._submit_all(step.due)

    def _fail(self, activation: Activation, failure: Failure, outcome: Outcome | None) -> None:
        if self._stop is not None:
            return  # no handlers run while the run is being stopped
        error = failure.unpack()
        due = self._scheduler.fail(activation, self._payload(failure, error))
        label = self._plan.nodes[activation.node].label
        if self._observers:
            self._tell(
                ActivationFailed,
                activation,
                error=error,
                handled=due is not None,
                pid=outcome.pid if outcome else getattr(error, "pid", None),
            )
        if due is None:
            _logger.error("node %r failed: %s", label, error)
            if failure.exception is not error and failure.traceback:
                _add_note(
                    error, f"Traceback in worker {outcome and outcome.pid}:\n{failure.traceback}"
                )
            self.errors.append(error)
        else:
            _logger.info("node %r failed and is handled: %s", label, error)
            self._submit_all(due)

    def _payload(self, failure: Failure, error: BaseException) -> dict[Name, Any]:
        description = {
            "errorMessage": str(error),
            "traceBack": failure.traceback.splitlines(keepends=True),
        }
        instance: object = failure.exception
        if not self._by_reference and instance is error:
            instance = pack_exception(error)
        return {
            "WorkflowException": self._transferable("error", {"": description})[""],
            "WorkflowExceptionInstance": instance,
        }

    def _lost(self, activation: Activation, error: Exception) -> Failure:
        node = self._plan.nodes[activation.node]
        if isinstance(error, WorkerLostError):
            error = WorkerLostError(node.label, error.pid, error.exitcode)
            if self._observers:
                self._observers.tell(
                    WorkerLost(time=time.time(), pid=error.pid, exitcode=error.exitcode)
                )
        elif not isinstance(error, EwoksPpfError):
            reason = f"{type(error).__name__}: {error}"
            error = TransferError(node.label, "the call or the outcome", reason)
        if self._info.execinfo:
            # The worker could not say that the task has ended.
            send_task_event(
                execinfo=self._info.execinfo,
                event="end",
                node_id=node.label,
                task_id=get_task_identifier(dict(node.attrs), ""),
                exception=error,
            )
        return Failure(error, format_traceback(error))

    def _compared(self, node: Node, outputs: Mapping[Name, Any]) -> dict[Name, Any]:
        """Load the outputs that the conditions of a node look at."""
        if not node.compared:
            return {}
        names: set[Name] = set(node.compared)
        if node.is_ppf:
            names.add(PPF_DICT_ARGUMENT)
        values = {name: self.load(node, name, outputs[name]) for name in names if name in outputs}
        inside = values.get(PPF_DICT_ARGUMENT)
        if node.is_ppf and isinstance(inside, Mapping):
            values = {**values, **inside}
        return values

    def load(self, node: Node, name: Name, output: Any) -> Any:
        """Return the value of an output.

        :raises TransferError: it cannot be unpickled here.
        """
        try:
            return open_value(output, get_varinfo(dict(node.attrs), self._info.varinfo))
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise TransferError(node.label, f"output {name!r}", reason) from error

    def _transferable(self, label: str, values: Mapping[Name, Any]) -> dict[Name, Any]:
        if self._by_reference:
            return dict(values)
        return {name: pack_value(label, f"input {name!r}", value) for name, value in values.items()}

    # Stop

    def _begin_stop(self, stop: _Stop) -> None:
        if self._stop is None:
            _logger.warning("stopping the workflow: %s", stop.reason)
            self._stopped_nodes = self._running_nodes()
        self._stop = stop
        for future in list(self._in_flight):
            future.cancel()
        if stop.forced and self._abandon():
            self._in_flight.clear()

    def _abandon(self) -> bool:
        """Stop all activations; tell whether some still run because they cannot be stopped."""
        return bool(self._in_flight) and self._pool.stop_tasks(list(self._in_flight))

    def _running_nodes(self) -> list[str]:
        return sorted(
            {
                self._plan.nodes[activation.node].label
                for future, activation in self._in_flight.items()
                if future.running()
            }
        )

    # Tell

    def _tell(self, event: Any, activation: Activation, **details: Any) -> None:
        details.setdefault("time", time.time())
        label = self._plan.nodes[activation.node].label
        self._observers.tell(event(node=label, number=activation.number, **details))

    def _tell_started(self) -> None:
        # Pools start tasks in the order of submission: looking at the first ones is enough.
        while self._unstarted and (self._unstarted[0].running() or self._unstarted[0].done()):
            future = self._unstarted.popleft()
            if future in self._in_flight and not future.cancelled():
                self._tell(ActivationStarted, self._in_flight[future])


def final_error(errors: list[BaseException]) -> BaseException | None:
    """Return the first of several errors, with the others attached as notes."""
    if not errors:
        return None
    first, *others = errors
    for other in others:
        _add_note(first, f"Another node failed too: {type(other).__name__}: {other}")
    return first


def _pack_info(info: RunInfo) -> bytes:
    try:
        return pickle.dumps(info, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception:
        for name in ("varinfo", "execinfo", "task_options"):
            value = getattr(info, name)
            try:
                pickle.dumps(value)
            except Exception as error:
                cure = f"it must be picklable to reach the workers: {error}"
                raise OptionError(name, value, cure) from error
        raise


def _add_note(error: BaseException, note: str) -> None:
    if hasattr(error, "add_note"):
        error.add_note(note)
    else:  # Python 3.10
        notes = [*getattr(error, "__notes__", ()), note]
        error.__notes__ = notes  # type: ignore[attr-defined]
