"""A process of :mod:`multiprocessing`, or of a library like it, seen from its parent.

The death of a child is read from a process file descriptor. The ``sentinel`` of the library, used
where the platform has no such descriptors, stays silent as long as processes that the child
started hold copies of it.

Guarantees: when the process was told to end, those that it had started before, and theirs, have
ended when it has been reaped: they get SIGTERM after it, and SIGKILL soon after that. A process
that ends by itself leaves its own to the system.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import threading
from typing import Any

from .descendants import Descendants

start_lock = threading.Lock()
"""Held while a process is started or reaped: starting one makes the libraries look at all."""


def _renew_lock() -> None:
    global start_lock
    start_lock = threading.Lock()


os.register_at_fork(after_in_child=_renew_lock)


class Child:
    """Start, watch, signal and reap one process.

    :param process: is started; billiard's lack some methods of multiprocessing's.
    """

    def __init__(self, process: Any) -> None:
        self._process = process
        process.start()
        try:
            self._fd, self._is_pidfd = _open_death_watch(process)
        except BaseException:  # there are no descriptors left
            process.terminate()
            process.join()
            raise
        self._signal_lock = threading.Lock()
        self.pid: int = process.pid
        self._descendants = Descendants(self.pid)

    def fileno(self) -> int:
        """Return a descriptor that is readable when the process is dead."""
        return self._fd

    def is_dead(self, seconds: float | None = 0) -> bool:
        """Wait that long for the process to end; None waits for ever."""
        if self._fd < 0:
            return True
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        return bool(poll.poll(None if seconds is None else 1000 * seconds))

    def terminate(self) -> None:
        """Ask the process to end (SIGTERM), and after it those that it has started."""
        with self._signal_lock:
            self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process and those that it has started (SIGKILL)."""
        with self._signal_lock:
            self._signal(signal.SIGKILL)
            self._descendants.kill()

    def _signal(self, number: signal.Signals) -> None:
        if self.is_dead():
            return
        self._descendants.look(is_valid=lambda: not self.is_dead())
        with contextlib.suppress(ProcessLookupError):
            if self._is_pidfd:
                signal.pidfd_send_signal(self._fd, number)
            elif not self.is_dead():
                os.kill(self.pid, number)

    def reap(self, seconds: float) -> int | None:
        """Wait for the process, kill it after that many seconds, and return its exit code."""
        if not self.is_dead(seconds):
            self.kill()
            self.is_dead(None)
        self._descendants.end()
        with start_lock:
            self._process.join()
        exitcode: int | None = self._process.exitcode
        return exitcode

    def close(self) -> None:
        """Give the descriptors back; the process must have been reaped."""
        with self._signal_lock:
            os.close(self._fd)
            self._fd = -1
        try:
            self._process.close()
        except ValueError:  # SIGCHLD is ignored: the system has reaped it, the library cannot tell
            disown(self._process)
            self._process._popen.close()


def disown(process: Any) -> None:
    """Make the library of a process forget that it is a child of this one."""
    for base in type(process).__mro__:
        getattr(sys.modules.get(base.__module__), "_children", set()).discard(process)


def _open_death_watch(process: Any) -> tuple[int, bool]:
    if hasattr(os, "pidfd_open") and hasattr(signal, "pidfd_send_signal"):
        with contextlib.suppress(OSError):
            return os.pidfd_open(process.pid), True
    return os.dup(process.sentinel), False
