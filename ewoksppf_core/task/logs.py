"""Send the log records and warnings of a worker to its parent.

Guarantees: a record takes the same way as in the parent, past the same levels, and reaches the
handlers of the parent only. Handlers that a fork copied into the worker are removed, except those
of the Ewoks events, which workers send themselves.

A process forked by a task does not use the pipe of the worker: its records go to ``stderr``.
"""

from __future__ import annotations

import logging
import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from ewokscore.events.global_state import EWOKS_EVENT_LOGGER_NAME

LOG = b"L"
"""First byte of a message that is a log record; pickles begin with another one."""

_node: ContextVar[str | None] = ContextVar("node", default=None)


@dataclass(frozen=True)
class Levels:
    """What the parent wants to hear of.

    :param loggers: levels by logger name, the root's by an empty name.
    :param disabled: everything up to this level is disabled.
    """

    loggers: dict[str, int]
    disabled: int

    @classmethod
    def of_this_process(cls) -> Levels:
        """Return the levels set here."""
        loggers = {"": logging.root.level}
        for name, logger in list(logging.root.manager.loggerDict.items()):
            if isinstance(logger, logging.Logger) and logger.level != logging.NOTSET:
                loggers[name] = logger.level
        return cls(loggers, logging.root.manager.disable)


def send_logs(levels: Levels, send: Callable[[bytes], None]) -> None:
    """Make all loggers of this process send their records.

    :param send: sends a message to the parent; must accept calls from any thread.
    """
    handler = _Sender(send)
    for logger in list(logging.root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger) and logger.name != EWOKS_EVENT_LOGGER_NAME:
            logger.handlers = [] if logger.propagate else [handler]
    logging.root.handlers = [handler]
    # Setting a level, also the same again, makes logging look at all loggers.
    for name, level in levels.loggers.items():
        logger = logging.getLogger(name or None)
        if logger.level != level:
            logger.setLevel(level)
    if logging.root.manager.disable != levels.disabled:
        logging.disable(levels.disabled)
    logging.captureWarnings(True)


def close_event_handlers() -> None:
    """Let the handlers of Ewoks events finish what they have accepted, also asynchronous ones.

    :mod:`logging` does so at the exit of a program, but processes of :mod:`multiprocessing` skip
    that.
    """
    for handler in list(logging.getLogger(EWOKS_EVENT_LOGGER_NAME).handlers):
        try:
            handler.close()
        except Exception:
            logging.getLogger(__name__).exception("events may be lost")


@contextmanager
def naming_node(label: str) -> Iterator[None]:
    """Mark the records of this context with the node that they come from."""
    token = _node.set(label)
    try:
        yield
    finally:
        _node.reset(token)


def handle_log(message: bytes) -> None:
    """Give a message of a worker to the loggers of this process."""
    record = logging.makeLogRecord(pickle.loads(message[len(LOG) :]))
    logger = logging.getLogger(record.name)
    if logger.isEnabledFor(record.levelno):
        logger.handle(record)


class _Sender(logging.Handler):
    def __init__(self, send: Callable[[bytes], None]) -> None:
        super().__init__()
        self._send = send
        self._owner = os.getpid()
        self._text = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        if os.getpid() != self._owner:
            if logging.lastResort is not None and record.levelno >= logging.lastResort.level:
                logging.lastResort.handle(record)
            return
        if record.name == EWOKS_EVENT_LOGGER_NAME:
            return
        try:
            self._send(LOG + pickle.dumps(self._sendable(record)))
        except OSError:
            pass  # the parent is gone
        except Exception:
            self.handleError(record)

    def _sendable(self, record: logging.LogRecord) -> dict[str, object]:
        """Return the record with everything formatted that may not travel."""
        fields = dict(vars(record), msg=record.getMessage(), args=None)
        if record.exc_info:
            fields["exc_text"] = record.exc_text or self._text.formatException(record.exc_info)
            fields["exc_info"] = None
        fields.setdefault("node", _node.get())
        try:
            pickle.dumps(fields)
        except Exception:  # extra fields of the application
            known = vars(logging.makeLogRecord({})).keys() | {"node"}
            fields = {name: value for name, value in fields.items() if name in known}
        return fields
