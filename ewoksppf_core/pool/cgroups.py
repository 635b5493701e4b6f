"""Control groups, which limit what processes may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")


class Group(NamedTuple):
    """A control group that this process is in, or one above that.

    :param folder: where its files are.
    :param version: 1 or 2, which have other files.
    """

    folder: Path
    version: int


def own_groups(controller: str) -> Iterator[Group]:
    """Give the control groups of this process, and those above them; none without control groups.

    Format: https://man7.org/linux/man-pages/man7/cgroups.7.html (/proc/pid/cgroup).

    :param controller: what they limit, for example ``cpu``.
    """
    try:
        lines = OWN_GROUPS.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        root = ROOT / controller if controllers else ROOT
        folder = root / path.lstrip("/")
        for each in (folder, *folder.parents):
            if each.is_relative_to(root):
                yield Group(each, 1 if controllers else 2)
