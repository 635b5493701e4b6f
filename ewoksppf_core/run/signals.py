"""Stop a run when the process gets a signal."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from ..errors import OptionError

DEFAULT_STOP_SIGNALS = (signal.SIGTERM,)
_UNSTOPPABLE = (signal.SIGKILL, signal.SIGSTOP)

_logger = logging.getLogger(__name__)


def parse_signals(signals: Iterable[int | str] | None) -> tuple[signal.Signals, ...]:
    """Turn numbers and names of signals into signals.

    :param signals: for example ``["SIGTERM", 2]``; None for SIGTERM.
    :raises OptionError: there is no such signal, or no program can catch it.
    """
    if signals is None:
        return DEFAULT_STOP_SIGNALS
    if isinstance(signals, str | int):
        raise OptionError("stop_signals", signals, "a list of signals is expected")
    parsed = []
    for item in signals:
        try:
            parsed.append(signal.Signals[item] if isinstance(item, str) else signal.Signals(item))
        except (KeyError, ValueError, TypeError):
            cure = "a signal name such as 'SIGTERM', or its number, is expected"
            raise OptionError("stop_signals", item, cure) from None
        if parsed[-1] in _UNSTOPPABLE:
            raise OptionError("stop_signals", item, "no program can catch this signal")
    return tuple(parsed)


@contextmanager
def stop_on(signals: Iterable[signal.Signals], stop: Callable[[str], None]) -> Iterator[None]:
    """Call ``stop`` with a reason when one of the signals arrives.

    Only the main thread can do that; elsewhere a warning is logged.
    """
    if threading.current_thread() is not threading.main_thread():
        _logger.warning("stop_on_signals has no effect outside the main thread")
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        stop(f"signal {signal.Signals(number).name} received")

    previous: dict[signal.Signals, Any] = {}
    try:
        for number in signals:
            handler = signal.signal(number, handle)
            previous.setdefault(number, handler)  # a signal may be given twice
        yield
    finally:
        for number, handler in previous.items():
            # None: the handler was not installed from Python and cannot be put back
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
