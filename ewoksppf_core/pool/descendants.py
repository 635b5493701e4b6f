"""The processes that a worker has started, and those which they have started.

Assumes: what leaves its family (a daemon, whose parent has ended) is meant to live on. One that is
started between the last look and the death of the worker is not found.
"""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

ENDING_SECONDS = 1.0
"""How long they may take to end by themselves before they are killed."""

_STEP = 0.01


class Descendants:
    """Know and end the descendants of one process.

    :param pid: of that process.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._known: set[psutil.Process] = set()

    def look(self, is_valid: Callable[[], bool]) -> None:
        """Get to know those that exist now.

        :param is_valid: says after the look that the process id belonged to the process.
        """
        found = _find(self._pid)
        if found and is_valid():
            self._known.update(found)

    def kill(self) -> None:
        """Kill those that are known."""
        for process in list(self._known):
            _send(process, signal.SIGKILL)

    def end(self) -> None:
        """Ask those that are known to end (SIGTERM), and kill those that do not."""
        alive = [process for process in list(self._known) if _runs(process)]
        for process in alive:
            _send(process, signal.SIGTERM)
        deadline = time.monotonic() + ENDING_SECONDS
        while any(map(_runs, alive)) and time.monotonic() < deadline:
            time.sleep(_STEP)
        self.kill()
        self._known.clear()


def _find(pid: int) -> list[psutil.Process]:
    if _is_childless(pid):
        return []
    import psutil  # takes its time, and is seldom needed

    try:
        found = psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []
    return [process for process in found if not _is_tracker(process)]


def _is_childless(pid: int) -> bool:
    """Tell at little cost that there is nothing to be found; psutil looks at all processes."""
    try:
        lists = list(Path(f"/proc/{pid}/task").glob("*/children"))
        return bool(lists) and not any(children.read_text() for children in lists)
    except OSError:  # a thread has just ended
        return False


def _is_tracker(process: psutil.Process) -> bool:
    """Tell whether it cleans up behind the others, and ends by itself after them.

    Those of :mod:`multiprocessing` and loky remove what is in shared memory.
    """
    import psutil

    try:
        return any("resource_tracker" in word for word in process.cmdline())
    except psutil.Error:
        return False


def _runs(process: psutil.Process) -> bool:
    import psutil

    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _send(process: psutil.Process, number: signal.Signals) -> None:
    import psutil

    with contextlib.suppress(psutil.Error):  # it has ended, or changed its user
        process.send_signal(number)  # not to another one which has got its id
