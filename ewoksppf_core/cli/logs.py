"""Where log records and warnings go while the command runs: to stderr, without breaking it."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ewoksutils.cli_utils.cli_log_utils import LEVELS

_TOLD_BY_THE_COMMAND = ("ewoksppf_core.run.runner", "ewokscore.events.global_state")
"""Loggers that repeat the failures which the command shows anyway."""

_logger = logging.getLogger(__name__)

Say = Callable[[str], object]


class _Handler(logging.Handler):
    """Says log records, through the progress display while there is one."""

    def __init__(self) -> None:
        super().__init__()
        self.say: Say | None = None
        self._pid = os.getpid()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
            # A forked worker has a copy of the display, but not of the thread that draws it.
            if self.say is not None and os.getpid() == self._pid:
                self.say(line)
            else:
                print(line, file=sys.stderr, flush=True)
        except Exception:
            self.handleError(record)


class Logs:
    """Gives the progress display a say in where log records go.

    :param level: name of a log level.
    """

    def __init__(self, level: str) -> None:
        self._level = LEVELS[level]
        self.debug = self._level <= logging.DEBUG
        self._handler = _Handler()
        detailed = self._level < logging.WARNING
        self._handler.setFormatter(
            logging.Formatter(
                "%(asctime)s - %(name)s - %(levelname)-8s - %(message)s"
                if detailed
                else "%(levelname)s: %(message)s"
            )
        )
        if not detailed:
            self._handler.addFilter(lambda record: record.name not in _TOLD_BY_THE_COMMAND)

    @contextmanager
    def said_by(self, say: Say) -> Iterator[None]:
        """Let a display write the records."""
        self._handler.say = say
        try:
            yield
        finally:
            self._handler.say = None

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show log records and warnings."""
        root = logging.getLogger()
        level = root.level
        root.addHandler(self._handler)
        root.setLevel(self._level)
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _log_warning
                yield
        finally:
            root.setLevel(level)
            root.removeHandler(self._handler)


def _log_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    _logger.warning("%s", message)
