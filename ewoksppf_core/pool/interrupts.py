"""Let Ctrl-C wait for a moment in which it does no harm."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def deferring_interrupts() -> Iterator[None]:
    """Call the handler of SIGINT, which raises ``KeyboardInterrupt``, after the context.

    Python runs signal handlers in the main thread, between any two instructions: a process that
    is just being started, or a lock just taken, would be forgotten. Blocking the signal is not
    enough, because other threads take it.
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    received: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda number, frame: received.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if received:
            handler(*received[0])
