"""What this process holds: nothing of it may grow from run to run."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psutil

from ewoksppf_core.testing.holdings import descriptors, threads


def processes() -> set[tuple[int, str]]:
    """Return all descendants, zombies included."""
    found = set()
    for child in psutil.Process().children(recursive=True):
        try:
            found.add((child.pid, f"{child.name()} {child.status()}"))
        except psutil.NoSuchProcess:
            continue
    return found


def resident_megabytes() -> float:
    """Return the memory of this process."""
    return float(psutil.Process().memory_info().rss / 1e6)


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition, and tell whether it came true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


class Baseline:
    """Remembers what is held now, and tells what is held too much later.

    :param shared_memory: folder that must be empty.
    """

    def __init__(self, shared_memory: Path) -> None:
        self._shared_memory = shared_memory
        self._threads = threads()
        self._processes = processes()
        self._descriptors = descriptors()

    def surplus(self, patience: float) -> list[str]:
        """Describe what is held too much.

        :param patience: seconds that threads which nobody could stop get to end.
        """
        wait_until(lambda: threads() <= self._threads, patience)
        wait_until(lambda: descriptors().items() <= self._descriptors.items(), 0.2)
        found = {
            "threads": threads() - self._threads,
            "processes": processes() - self._processes,
            "descriptors": descriptors().items() - self._descriptors.items(),
            "shared memory": [*self._shared_memory.rglob("*")],
        }
        return [f"{what} left behind: {items}" for what, items in found.items() if items]
