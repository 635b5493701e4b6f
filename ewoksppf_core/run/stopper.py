"""Stop runs from another thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_Stop = Callable[[str, bool], None]


class Stopper:
    """A button that stops every run which it was given to.

    .. code-block:: python

        stopper = Stopper()
        threading.Timer(60, stopper.stop).start()
        execute_graph(graph, stopper=stopper)

    It stays pressed: a run which gets it later stops at once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: list[_Stop] = []
        self._pressed: tuple[str, bool] | None = None

    def stop(self, reason: str = "stop() was called", forced: bool = False) -> None:
        """Stop the runs; returns at once. Any thread may call it, and signal handlers may not.

        :param reason: appears in the :class:`~ewoksppf_core.WorkflowStoppedError` of the runs.
        :param forced: interrupt running tasks instead of waiting for them.
        """
        with self._lock:
            self._pressed = reason, forced
            runs = list(self._runs)
        for run in runs:
            run(reason, forced)

    @contextmanager
    def stopping(self, run: _Stop) -> Iterator[None]:
        """Connect a run for the time of a context.

        :param run: called with the arguments of :meth:`stop`.
        """
        with self._lock:
            self._runs.append(run)
            pressed = self._pressed
        if pressed:
            run(*pressed)
        try:
            yield
        finally:
            with self._lock:
                self._runs.remove(run)
