"""Ask running tasks to end by themselves: those that implement ``Task.cancel``."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_logger = logging.getLogger(__name__)


class RunningTasks:
    """Knows the tasks that run, each in a thread of its own."""

    def __init__(self) -> None:
        self._tasks: set[Any] = set()

    @contextmanager
    def running(self, task: Any) -> Iterator[None]:
        """Know a task for the time of a context."""
        self._tasks.add(_Identity(task))
        try:
            yield
        finally:
            self._tasks.discard(_Identity(task))

    def cancel(self) -> bool:
        """Call ``cancel`` of all tasks; tell whether one of them implements it."""
        asked = False
        for item in list(self._tasks):
            try:
                item.task.cancel()
                asked = True
            except NotImplementedError:
                pass
            except Exception:
                _logger.exception("cancel() of %r failed", item.task)
        return asked


class _Identity:
    """A task as an element of a set: the hash of a task is that of its outputs."""

    def __init__(self, task: Any) -> None:
        self.task = task

    def __hash__(self) -> int:
        return id(self.task)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and other.task is self.task


in_this_worker = RunningTasks()
"""The task of a worker process."""
