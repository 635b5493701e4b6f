"""What this process holds, as Linux tells it."""

from __future__ import annotations

import os


def threads() -> set[str]:
    """Return all threads, those of libraries included."""
    return set(os.listdir("/proc/self/task"))


def descriptors() -> dict[str, str]:
    """Return what is open."""
    found = {}
    for number in os.listdir("/proc/self/fd"):
        try:
            found[number] = os.readlink(f"/proc/self/fd/{number}")
        except FileNotFoundError:
            continue  # the listing itself
    return found
