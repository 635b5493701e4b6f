"""Errors that nothing handles, and how they reach the caller."""

from __future__ import annotations

from ewoksutils.exceptions import TaskInputError

from ..task.failure import format_traceback
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
        self._errors: list[tuple[Activation, BaseException]] = []
        self._succeeded: dict[int, int] = {}

    def add(self, activation: Activation, error: BaseException) -> None:
        """Take the error of an activation that nothing handles."""
        self._errors.append((activation, error))

    def succeeded(self, activation: Activation) -> None:
        """Take note of an activation that succeeded."""
        latest = self._succeeded.get(activation.node, -1)
        self._succeeded[activation.node] = max(latest, activation.number)

    def unhandled(self) -> list[BaseException]:
        """Return the errors that make the run fail."""
        return [
            error
            for activation, error in self._errors
            if not isinstance(error, TaskInputError)
            or self._succeeded.get(activation.node, -1) < activation.number
        ]


def final_error(errors: list[BaseException]) -> BaseException | None:
    """Return the first of several errors, with the others attached as notes.

    When thousands of nodes fail for one reason, the notes must not hide it.
    """
    if not errors:
        return None
    first, *others = errors
    for other in others[:MOST_NOTES]:
        add_note(first, f"Another node failed too: {type(other).__name__}: {other}")
    if len(others) > MOST_NOTES:
        add_note(first, f"{len(others) - MOST_NOTES} more nodes failed: the log has them all")
    return first


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
