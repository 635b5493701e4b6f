"""Stop runs from another thread."""

from __future__ import annotations

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
        # No lock: a signal handler may interrupt any of this, in the same thread. A run connects
        # itself before it looks, stop() presses before it tells: a run may be told twice, which
        # does no harm, but never not at all.
        self._runs: list[_Stop] = []
        self._pressed: tuple[str, bool] | None = None

    def stop(self, reason: str = "stop() was called", forced: bool = False) -> None:
        """Stop the runs; returns at once. Any thread, and any signal handler, may call it.

        :param reason: appears in the :class:`~ewoksppf_core.WorkflowStoppedError` of the runs.
        :param forced: interrupt running tasks instead of waiting for them.
        """
        self._pressed = reason, forced
        for run in list(self._runs):
            run(reason, forced)

    @contextmanager
    def stopping(self, run: _Stop) -> Iterator[None]:
        """Connect a run for the time of a context.

        :param run: called with the arguments of :meth:`stop`.
        """
        self._runs.append(run)
        if self._pressed:
            run(*self._pressed)
        try:
            yield
        finally:
            self._runs.remove(run)
