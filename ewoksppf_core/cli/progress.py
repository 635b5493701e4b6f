"""Show how a workflow gets on, on stderr.

Invariants of the live display:

* The observer only counts. A thread of the display draws the counts, and it has ended when the
  context of the display is left.
* Workers may be forked at any moment, also while that thread holds the lock of a stream. So it
  writes to a stream of its own, which no worker touches.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from ..run.events import ActivationFailed, Event, RunFinished, RunStarted
from .tally import Tally

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

_REDRAW_SECONDS = 0.1
_LINE_SECONDS = 1.0


class Progress(Protocol):
    """A display of progress."""

    def observe(self, event: Event) -> None:
        """Take notice of an event that has been counted."""

    def say(self, line: str) -> None:
        """Write a line of text beside the progress."""


class NoProgress:
    """Shows nothing."""

    def observe(self, event: Event) -> None:
        """Do nothing."""

    def say(self, line: str) -> None:
        """Write a line."""
        print(line, file=sys.stderr, flush=True)


class PlainProgress(NoProgress):
    """Writes a line for the start, the end, unhandled failures, and else one per second."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._last = time.monotonic()

    def observe(self, event: Event) -> None:
        """Write a line if it is time for one."""
        tally = self._tally
        if isinstance(event, RunStarted):
            pool = f" on pool type {event.pool_type}" if event.pool_type else ""
            self.say(f"{tally.short_name}: started, {event.nodes} nodes{pool}")
        elif isinstance(event, RunFinished):
            self.say(tally.line())
        elif isinstance(event, ActivationFailed) and not event.handled:
            self.say(f"{tally.short_name}: node {event.node!r} failed; {tally.counts()}")
        elif time.monotonic() - self._last >= _LINE_SECONDS:
            self.say(tally.line())
        else:
            return
        self._last = time.monotonic()


@contextmanager
def plain_progress(tally: Tally) -> Iterator[Progress]:
    """Show progress as lines."""
    yield PlainProgress(tally)


@contextmanager
def no_progress(tally: Tally) -> Iterator[Progress]:
    """Show no progress."""
    yield NoProgress()


@contextmanager
def live_progress(tally: Tally) -> Iterator[Progress]:
    """Show progress in one line of a terminal which is drawn again and again."""
    from rich.console import Console
    from rich.live import Live

    with open(os.dup(sys.stderr.fileno()), "w", encoding=sys.stderr.encoding) as stream:
        console = Console(file=stream, markup=False, emoji=False, highlight=False)
        if not console.is_terminal or console.is_dumb_terminal:
            yield PlainProgress(tally)
            return
        spinner = _Spinner(tally)
        live = Live(
            get_renderable=spinner.draw,
            console=console,
            auto_refresh=False,
            # Forked workers would inherit redirected streams.
            redirect_stdout=False,
            redirect_stderr=False,
        )
        display = _LiveProgress(live)
        with live, display.drawing():
            try:
                yield display
            finally:
                live.transient = not tally.started


class _LiveProgress(NoProgress):
    def __init__(self, live: Live) -> None:
        self._live = live
        self._ended = threading.Event()

    def say(self, line: str) -> None:
        self._live.console.print(line, soft_wrap=True)

    @contextmanager
    def drawing(self) -> Iterator[None]:
        thread = threading.Thread(target=self._draw, name="ewoksppf-progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _draw(self) -> None:
        while not self._ended.wait(_REDRAW_SECONDS):
            self._live.refresh()


class _Spinner:
    def __init__(self, tally: Tally) -> None:
        from rich.spinner import Spinner

        self._tally = tally
        self._spinner = Spinner("line")

    def draw(self) -> RenderableType:
        from rich.text import Text

        tally = self._tally
        style = "red" if tally.unhandled else ""
        text = Text(tally.line(), style=style, no_wrap=True, overflow="ellipsis")
        if tally.ended:
            return text
        self._spinner.update(text=text)
        return self._spinner
