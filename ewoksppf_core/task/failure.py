"""Exceptions on their way between processes, with cause, notes and traceback text."""

from __future__ import annotations

import pickle
import traceback
from dataclasses import dataclass

from ..errors import RemoteTaskError

MAX_CAUSES = 50
"""Length of a chain of causes; the traceback text shows the rest."""


@dataclass(frozen=True)
class PackedException:
    """An exception and its causes, in a form which every process can unpickle.

    :param type_name: qualified name of the type.
    :param message: what ``str`` gives, or why it gives nothing.
    :param traceback: formatted traceback of the whole chain; empty for causes.
    :param pickled: the pickled exception, or None when it cannot be rebuilt from a pickle.
    :param cause: what it was raised from, if anything.
    :param explicit: True for ``__cause__``, False for ``__context__``.
    """

    type_name: str
    message: str
    traceback: str
    pickled: bytes | None
    cause: PackedException | None
    explicit: bool

    def unpack(self) -> BaseException:
        """Rebuild the exception, or a :class:`RemoteTaskError` when that is impossible."""
        exception: BaseException | None = None
        if self.pickled is not None:
            try:
                exception = _load(self.pickled)
            except Exception:  # for example a module that only the worker has
                exception = None
        if not isinstance(exception, BaseException):
            exception = RemoteTaskError(self.type_name, self.message, self.traceback)
        if self.cause is not None:
            cause = self.cause.unpack()
            if self.explicit:
                exception.__cause__ = cause
            else:
                exception.__context__ = cause
        return exception


def pack_exception(exception: BaseException) -> PackedException:
    """Pack an exception of this process; never raises."""
    return _pack(exception, traceback=format_traceback(exception), seen=set())


def forget_frames(exception: BaseException) -> None:
    """Cut an exception and its causes off from the frames that they have passed.

    Those hold the inputs of a task, and ewokscore keeps the exception in the task: such a cycle,
    and the memory of the inputs, would stay until garbage is collected.
    """
    pending, seen = [exception], set[int]()
    while pending:
        error = pending.pop()
        seen.add(id(error))
        error.__traceback__ = None
        followed = (error.__cause__, error.__context__)
        pending += [each for each in followed if each is not None and id(each) not in seen]


def format_traceback(exception: BaseException) -> str:
    """Format an exception with its causes, even one that raises when printed."""
    try:
        return "".join(traceback.format_exception(exception))
    except Exception as error:
        return f"{_type_name(exception)}: <traceback not printable: {type(error).__name__}>\n"


def _pack(exception: BaseException, traceback: str, seen: set[int]) -> PackedException:
    seen.add(id(exception))
    cause, explicit = exception.__cause__, True
    if cause is None and not exception.__suppress_context__:
        cause, explicit = exception.__context__, False
    packed_cause = None
    if cause is not None and id(cause) not in seen and len(seen) < MAX_CAUSES:
        packed_cause = _pack(cause, traceback="", seen=seen)
    return PackedException(
        type_name=_type_name(exception),
        message=message_of(exception),
        traceback=traceback,
        pickled=_dump(exception),
        cause=packed_cause,
        explicit=explicit,
    )


def _dump(exception: BaseException) -> bytes | None:
    # Loaded once here: many exceptions pickle but cannot be rebuilt, because their __init__
    # wants other arguments than the ones that BaseException remembers.
    try:
        content = exception, exception.args
        pickled = pickle.dumps(content, protocol=pickle.HIGHEST_PROTOCOL)
        rebuilt = _load(pickled)
    except Exception:
        return None
    same = type(rebuilt) is type(exception) and message_of(rebuilt) == message_of(exception)
    return pickled if same else None


def _load(pickled: bytes) -> BaseException:
    exception: BaseException
    exception, exception_args = pickle.loads(pickled)
    # An __init__ that makes the message from its arguments has made one from the message.
    exception.args = exception_args
    return exception


def _type_name(exception: BaseException) -> str:
    return f"{type(exception).__module__}.{type(exception).__qualname__}"


def message_of(exception: BaseException) -> str:
    """Return the message of an exception, even of one that raises when printed."""
    try:
        return str(exception)
    except Exception as error:
        return f"<message not printable: {type(error).__name__}>"
