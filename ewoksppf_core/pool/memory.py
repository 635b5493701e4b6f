"""How much memory is free for this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .cpus import CGROUP_ROOT

OWN_GROUPS = Path("/proc/self/cgroup")


def free_memory_fraction() -> float:
    """Return the available part of the memory, 0 to 1: of the machine, or of a control group.

    The smallest one counts.
    """
    import psutil  # takes a quarter of the time of importing this package, and is rarely needed

    memory = psutil.virtual_memory()
    return min(memory.available / memory.total, *free_in_groups(CGROUP_ROOT, OWN_GROUPS), 1.0)


def free_in_groups(root: Path, own_groups: Path) -> Iterator[float]:
    """Give the free part of each control group with a limit that this process is in.

    Formats: https://docs.kernel.org/admin-guide/cgroup-v2.html (memory.max) and
    https://docs.kernel.org/admin-guide/cgroup-v1/memory.html (memory.limit_in_bytes).

    :param root: where the control groups are mounted.
    :param own_groups: file that says which ones this process is in.
    """
    try:
        lines = own_groups.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        mount = root / "memory" if controllers else root
        names = _V1 if controllers else _V2
        folder = mount / path.lstrip("/")
        for group in (folder, *folder.parents):
            if group.is_relative_to(mount):
                free = _free_in_group(group, *names)
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
