"""How much memory is free for this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .cgroups import own_groups


def free_memory_fraction() -> float:
    """Return the available part of the memory, 0 to 1: of the machine, or of a control group.

    The smallest one counts.
    """
    import psutil  # takes a quarter of the time of importing this package, and is rarely needed

    memory = psutil.virtual_memory()
    return min(memory.available / memory.total, *free_in_groups(), 1.0)


def free_in_groups() -> Iterator[float]:
    """Give the free part of each control group with a limit that this process is in.

    Formats: https://docs.kernel.org/admin-guide/cgroup-v2.html (memory.max) and
    https://docs.kernel.org/admin-guide/cgroup-v1/memory.html (memory.limit_in_bytes).
    """
    for folder, version in own_groups("memory"):
        free = _free_in_group(folder, *(_V1 if version == 1 else _V2))
        if free is not None:
            yield free


_V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
_V2 = ("memory.max", "memory.current", "inactive_file")


def _free_in_group(group: Path, limit_file: str, used_file: str, cache: str) -> float | None:
    try:
        limit = int((group / limit_file).read_text())
        used = int((group / used_file).read_text())
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        # The kernel takes the cache of files back when it needs memory.
        return min(max(0.0, (limit - used + int(stat.get(cache, 0))) / limit), 1.0)
    except (OSError, ValueError, ZeroDivisionError):  # no such group, or no limit: "max"
        return None
