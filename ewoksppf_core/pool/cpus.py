"""How many CPUs this process may use."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import NamedTuple

from .cgroups import own_groups


class Cpus(NamedTuple):
    """A number of CPUs and who says so."""

    number: int
    source: str


def usable_cpus() -> Cpus:
    """Count the usable CPUs.

    In this order: the environment variable ``SLURM_CPUS_PER_TASK``, the quota of the control
    group if it is smaller than what follows, the affinity mask, the machine.
    """
    slurm = os.environ.get("SLURM_CPUS_PER_TASK", "")
    if slurm.isdigit() and int(slurm) > 0:
        return Cpus(int(slurm), "SLURM_CPUS_PER_TASK")
    quota = _cgroup_quota()
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    if quota is not None and quota < (affinity or os.cpu_count() or 1):
        return Cpus(max(1, math.ceil(quota)), "the quota of the control group")
    if affinity is not None:
        return Cpus(affinity, "the affinity mask")
    return Cpus(os.cpu_count() or 1, "the machine")


def _cgroup_quota() -> float | None:
    """Return the smallest CPU quota of this process's control group and its parents.

    Formats: https://docs.kernel.org/admin-guide/cgroup-v2.html (cpu.max) and
    https://docs.kernel.org/scheduler/sched-bwc.html (cpu.cfs_quota_us).
    """
    quotas = [
        _quota_v1(folder) if version == 1 else _quota_v2(folder)
        for folder, version in own_groups("cpu")
    ]
    known = [quota for quota in quotas if quota is not None]
    return min(known, default=None)


def _quota_v2(group: Path) -> float | None:
    try:
        quota, period = (group / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        return None


def _quota_v1(group: Path) -> float | None:
    try:
        quota = int((group / "cpu.cfs_quota_us").read_text())
        period = int((group / "cpu.cfs_period_us").read_text())
        return None if quota <= 0 else quota / period
    except (OSError, ValueError):
        return None
