"""Let Ctrl-C wait for a moment in which it does no harm.

Guarantees: what is received in a context is handled after it, once, in the main thread. Contexts
may be nested: the outermost one counts. A handler that somebody installs meanwhile stays.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType

try:  # without the conversion to enums and back, which takes most of the time of a submit
    from _signal import getsignal as _get_handler  # type: ignore[import-not-found]
    from _signal import signal as _set_handler
except ImportError:  # it is private
    from signal import getsignal as _get_handler
    from signal import signal as _set_handler

SIGNAL_SECONDS = 0.5
"""How long the main thread may wait before Python looks for signals.

A signal ends a wait only if it comes during it, and to the main thread. One that comes just before,
or to another thread, would have its handler called after the wait.
"""

_received: list[tuple[int, FrameType | None]] = []


def _defer(number: int, frame: FrameType | None) -> None:
    _received.append((number, frame))


class deferring_interrupts:
    """Call the handler of SIGINT, which raises ``KeyboardInterrupt``, after the context.

    Python runs signal handlers in the main thread, between any two instructions: a process that
    is just being started, or a lock just taken, would be forgotten. Blocking the signal is not
    enough, because other threads take it.
    """

    __slots__ = ("_handler",)

    def __enter__(self) -> None:
        self._handler = None
        if threading.current_thread() is threading.main_thread():
            handler = _get_handler(signal.SIGINT)
            if callable(handler) and handler is not _defer:
                _received.clear()
                self._handler = handler
                _set_handler(signal.SIGINT, _defer)

    def __exit__(self, *error: object) -> None:
        if self._handler is None:
            return
        if _get_handler(signal.SIGINT) is _defer:
            _set_handler(signal.SIGINT, self._handler)
        if _received:
            number, frame = _received[0]
            _received.clear()
            self._handler(number, frame)
