"""Count what a run tells its observers."""

from __future__ import annotations

import os
import time

from ..errors import WorkerLostError
from ..run.events import (
    ActivationFailed,
    ActivationFinished,
    ActivationQueued,
    ActivationStarted,
    Event,
    RunFinished,
    RunStarted,
    WorkerLost,
)


class Tally:
    """An observer that counts; read by other threads, which may see it between two events.

    :param name: what the workflow is called until it tells its label.
    """

    def __init__(self, name: str | None) -> None:
        self._name = name
        self._began = time.monotonic()
        self._end: float | None = None
        self._queued = 0
        self._told_started = 0
        self._handled = 0
        self._retried = 0
        self.label: str | None = None
        self.started = False
        self.done = 0
        self.failed = 0
        self.error: BaseException | None = None
        self.failures: list[tuple[str, BaseException]] = []
        """Node and error of each unhandled failure."""

    def observe(self, event: Event) -> None:
        """Count an event."""
        match event:
            case ActivationQueued():
                self._queued += 1
            case ActivationStarted():
                self._told_started += 1
            case ActivationFinished():
                self.done += 1
            case ActivationFailed(node=node, error=error, handled=handled):
                self.failed += 1
                if isinstance(error, WorkerLostError):
                    self._retried -= 1
                if handled:
                    self._handled += 1
                else:
                    self.failures.append((node, error))
            case WorkerLost():
                # Unless the failure of its activation follows, that is queued again.
                self._retried += 1
            case RunStarted(graph=label):
                self.started = True
                self.label = label
            case RunFinished(error=error):
                self.error = error
                self._end = time.monotonic()

    @property
    def name(self) -> str:
        """What the workflow is called."""
        return self._name or self.label or "workflow"

    @property
    def short_name(self) -> str:
        """The name without folders, which leaves room on a line."""
        return os.path.basename(self.name)

    @property
    def ended(self) -> bool:
        """The run has ended."""
        return self._end is not None

    @property
    def unhandled(self) -> int:
        """Number of failures that no on_error link handles."""
        return len(self.failures)

    @property
    def seconds(self) -> float:
        """Time since the beginning, until the end of the run."""
        return (self._end or time.monotonic()) - self._began

    def node_of(self, error: BaseException) -> str | None:
        """Return the node which failed with an error."""
        return next((node for node, failure in self.failures if failure is error), None)

    def counts(self) -> str:
        """Return the counts as text."""
        parts = [f"{self.done} done"]
        ended = self.done + self.failed + self._retried
        in_flight = max(0, self._queued - ended)
        if in_flight and not self.ended:
            # A run tells what has started when it looks, at the latest when a task ends. Something
            # is running in any case.
            running = min(in_flight, max(1, self._told_started - ended))
            parts.append(f"{running} running")
            if in_flight > running:
                parts.append(f"{in_flight - running} waiting")
        parts.append(f"{self.failed} failed")
        if self._handled:
            parts[-1] += f" ({self._handled} handled)"
        return ", ".join([*parts, format_seconds(self.seconds)])

    def line(self) -> str:
        """Return the state of the workflow as one line of text."""
        if not self.started:
            state = "starting"
        elif not self.ended:
            state = "running"
        elif self.error is None:
            state = "finished"
        else:
            state = "failed" if self.failures else "stopped"
        return f"{self.short_name}: {state}; {self.counts()}"


def format_seconds(seconds: float) -> str:
    """Return a duration for people."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02} min"
