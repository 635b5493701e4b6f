"""How many workers an elastic pool should have: one pure decision, and what it is based on."""

from __future__ import annotations

import logging
import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from .cpus import usable_cpus
from .memory import free_memory_fraction

T = TypeVar("T")

IDLE_CPU_FRACTION = 0.5
"""Above this idle fraction of the usable CPUs, the running tasks wait rather than compute."""

MIN_TASK_SECONDS = 0.05
"""Below this mean duration of a task, handing out tasks is what limits the run, not workers."""

MIN_FREE_MEMORY_FRACTION = 0.1
"""Below this fraction of free memory, the pool does not grow beyond the CPUs."""

MOST_WORKERS = 512
"""No load makes a pool larger than this."""

FILES_PER_WORKER = 4
"""A worker keeps that many file descriptors open in this process: pipes, and one of the process."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """Bounds of an elastic pool.

    :param at_once: number of workers that are started as soon as there are tasks for them.
    :param at_most: number of workers that is never exceeded.
    :param retire_after: seconds after which an idle worker ends; None for never.
    """

    at_once: int
    at_most: int
    retire_after: float | None

    @classmethod
    def elastic(cls) -> Limits:
        """Follow the load, and leave half of the file descriptors to the program."""
        cpus = usable_cpus().number
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = MOST_WORKERS
        if files != resource.RLIM_INFINITY:
            most = min(most, files // 2 // FILES_PER_WORKER)
        return cls(at_once=cpus, at_most=max(most, cpus), retire_after=3.0)

    @classmethod
    def fixed(cls, workers: int) -> Limits:
        """Keep that many workers."""
        return cls(at_once=workers, at_most=workers, retire_after=None)


@dataclass(frozen=True)
class Workload:
    """What the machine and the workers did during the last look of a :class:`Meter`.

    :param idle_cpu_fraction: idle part of the usable CPUs, 0 to 1.
    :param task_seconds: mean time for which a task occupied its worker.
    :param free_memory_fraction: available part of the memory, 0 to 1.
    """

    idle_cpu_fraction: float
    task_seconds: float
    free_memory_fraction: float


@dataclass(frozen=True)
class Load:
    """What an elastic pool looks like at one moment.

    :param workers: number of workers, starting ones included.
    :param idle: how many of them have nothing to do.
    :param queued: number of tasks that wait for a worker.
    :param workload: what happened lately, None when that is not known.
    """

    workers: int
    idle: int
    queued: int
    workload: Workload | None = None


def workers_to_start(load: Load, limits: Limits) -> int:
    """Decide how many workers to start now."""
    wanted = load.queued - load.idle
    if wanted <= 0:
        return 0
    if load.workers < limits.at_once:
        return min(wanted, limits.at_once - load.workers)
    if load.workers >= limits.at_most or load.workload is None:
        return 0
    tasks_wait = (
        load.workload.idle_cpu_fraction > IDLE_CPU_FRACTION
        and load.workload.task_seconds > MIN_TASK_SECONDS
    )
    return int(tasks_wait and load.workload.free_memory_fraction > MIN_FREE_MEMORY_FRACTION)


class Meter:
    """Measures the workload in intervals.

    :param completed: number of tasks completed so far.
    """

    interval = 0.1
    """Seconds; the kernel counts CPU time in steps of 10 ms."""

    def __init__(self, completed: int) -> None:
        self._start = time.monotonic()
        self._completed = completed
        self._times = _known(_cpu_times)
        self._last: Workload | None = None

    def look(self, workers: int, completed: int) -> Workload | None:
        """Return the workload of the last full interval.

        None during the first one, and while the system does not tell.

        :param workers: number of workers.
        :param completed: number of tasks completed so far.
        """
        now = time.monotonic()
        seconds = now - self._start
        if seconds >= self.interval:
            before, self._times = self._times, _known(_cpu_times)
            free_memory = _known(free_memory_fraction)
            self._last = None
            if before is not None and self._times is not None and free_memory is not None:
                self._last = Workload(
                    idle_cpu_fraction=_idle_between(before, self._times),
                    task_seconds=workers * seconds / max(completed - self._completed, 1),
                    free_memory_fraction=free_memory,
                )
            self._start, self._completed = now, completed
        return self._last


def idle_fraction(usable: int, measured: int, idle_share: float) -> float:
    """Return the idle part of the usable CPUs, 0 to 1.

    :param usable: number of CPUs that this process may keep busy.
    :param measured: number of CPUs that it may run on, which can be more.
    :param idle_share: idle part of those.
    """
    usable = min(usable, measured)
    busy = measured * (1.0 - idle_share)
    return min(max(0.0, (usable - busy) / usable), 1.0)


class CpuTimes(NamedTuple):
    """What the CPUs did that this process may run on.

    :param number: number of those CPUs.
    :param idle: seconds in which they were idle, all together.
    :param total: seconds that have passed, all together.
    """

    number: int
    idle: float
    total: float


def _idle_between(before: CpuTimes, after: CpuTimes) -> float:
    elapsed = max(after.total - before.total, 0.01)
    idle_share = (after.idle - before.idle) / elapsed
    return idle_fraction(usable_cpus().number, after.number, idle_share)


def _known(ask: Callable[[], T]) -> T | None:
    """Ask the system; None when it does not tell, for example because no file can be opened."""
    try:
        return ask()
    except OSError as error:
        _logger.debug("the load of the machine is not known: %s", error)
        return None


def _cpu_times() -> CpuTimes:
    import psutil  # takes a quarter of the time of importing this package, and is rarely needed

    times = psutil.cpu_times(percpu=True)
    if hasattr(os, "sched_getaffinity"):
        mask = os.sched_getaffinity(0)
        times = [cpu for number, cpu in enumerate(times) if number in mask] or times
    idle = sum(cpu.idle + getattr(cpu, "iowait", 0.0) for cpu in times)
    # guest time is already counted as user time
    total = sum(sum(cpu) - getattr(cpu, "guest", 0.0) for cpu in times)
    return CpuTimes(len(times), idle, total)
