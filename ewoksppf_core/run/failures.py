"""Errors that nothing handles, and how they reach the caller."""

from __future__ import annotations

import pickle
from concurrent.futures import BrokenExecutor

from ewoksutils.exceptions import TaskExecutionError, TaskInputError

from ..errors import EwoksPpfError, PoolFailedError, TransferError, WorkerLostError
from ..task.failure import format_traceback, message_of
from ..task.outcome import Failure
from .scheduler import Activation

MOST_NOTES = 10
"""How many further errors are attached to the first one."""


class Failures:
    """Keeps the errors that nothing handles, in order of completion.

    A node can start before its optional links have delivered, and then fail for lack of inputs;
    a later activation of it that succeeds makes up for that. So the order in which the links
    deliver does not decide whether the run fails.
    """

    def __init__(self) -> None:
        # Without the activations, which hold their inputs.
        self._errors: list[tuple[int, int, BaseException]] = []
        self._succeeded: dict[int, int] = {}

    def add(self, activation: Activation, error: BaseException) -> None:
        """Take the error of an activation that nothing handles."""
        self._errors.append((activation.node, activation.number, error))

    def succeeded(self, activation: Activation) -> None:
        """Take note of an activation that succeeded."""
        latest = self._succeeded.get(activation.node, -1)
        self._succeeded[activation.node] = max(latest, activation.number)

    def unhandled(self) -> list[BaseException]:
        """Return the errors that make the run fail."""
        return [
            error
            for node, number, error in self._errors
            if not isinstance(error, TaskInputError) or self._succeeded.get(node, -1) < number
        ]


def final_error(errors: list[BaseException]) -> BaseException | None:
    """Return the first of several errors, with the others attached as notes.

    When thousands of nodes fail for one reason, the notes must not hide it.
    """
    if not errors:
        return None
    first, *others = errors
    for other in others[:MOST_NOTES]:
        add_note(first, f"Another node failed too: {type(other).__name__}: {message_of(other)}")
    if len(others) > MOST_NOTES:
        add_note(first, f"{len(others) - MOST_NOTES} more nodes failed: the log has them all")
    return first


def presentable(label: str, task: str | None, error: BaseException) -> Exception:
    """Return an error that the caller can get: one that ends no program, and can be printed.

    A ``SystemExit`` of a task, for example, becomes the cause of an error of that task.

    :param label: what the user calls the node.
    :param task: identifier of its task.
    """
    try:
        str(error)
        if isinstance(error, Exception):
            return error
    except Exception:
        pass
    what = ": ".join(filter(None, [type(error).__name__, message_of(error)]))
    failed: Exception = TaskExecutionError(
        f"Execution failed for ewoks task (id: {label!r}, task: {task!r}): {what}"
    )
    failed.__cause__ = error
    return failed


def explain(label: str, error: BaseException) -> EwoksPpfError:
    """Return an error for a node whose task the executor did not run to its end.

    :param label: what the user calls the node.
    :param error: what the executor said.
    """
    explained: EwoksPpfError
    if isinstance(error, WorkerLostError):
        return type(error)(label, error.pid, error.exitcode)
    if isinstance(error, EwoksPpfError):
        return error
    reason = f"{type(error).__name__}: {message_of(error)}"
    if isinstance(error, BrokenExecutor):
        explained = WorkerLostError(label)
    elif isinstance(error, pickle.PickleError | TypeError | AttributeError):
        explained = TransferError(label, "the call or the outcome", reason)
    else:
        explained = PoolFailedError(label, reason)
    explained.__cause__ = error
    return explained


def failure_here(error: BaseException) -> Failure:
    """Describe an exception of this process like one of a worker."""
    return Failure(error, format_traceback(error))


def add_note(error: BaseException, note: str) -> None:
    """Add a note to an exception, also on Python 3.10, which does not print it."""
    if hasattr(error, "add_note"):
        error.add_note(note)
    else:  # Python 3.10
        notes = [*getattr(error, "__notes__", ()), note]
        error.__notes__ = notes  # type: ignore[attr-defined]
