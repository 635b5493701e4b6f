"""How many workers to start: a pure decision."""

import errno
import itertools
import os
import resource
from collections import namedtuple

import pytest

from ewoksppf_core.pool.scaling import (
    IDLE_CPU_FRACTION,
    MIN_FREE_MEMORY_FRACTION,
    MIN_TASK_SECONDS,
    MOST_WORKERS,
    Limits,
    Load,
    Meter,
    Workload,
    idle_fraction,
    workers_to_start,
)

ELASTIC = Limits(at_once=4, at_most=8, retire_after=3.0)
WAITING = Workload(idle_cpu_fraction=0.9, task_seconds=1.0, free_memory_fraction=0.5)
COMPUTING = Workload(idle_cpu_fraction=0.1, task_seconds=1.0, free_memory_fraction=0.5)
TINY = Workload(idle_cpu_fraction=0.9, task_seconds=0.001, free_memory_fraction=0.5)
LITTLE_MEMORY = Workload(idle_cpu_fraction=0.9, task_seconds=1.0, free_memory_fraction=0.05)


@pytest.mark.parametrize(
    ("workers", "idle", "queued", "workload", "expected"),
    [
        pytest.param(0, 0, 0, None, 0, id="nothing to do"),
        pytest.param(0, 0, 1, None, 1, id="first task"),
        pytest.param(0, 0, 9, None, 4, id="at once up to the CPUs"),
        pytest.param(3, 0, 9, None, 1, id="at once the rest of the CPUs"),
        pytest.param(2, 1, 1, None, 0, id="an idle worker takes it"),
        pytest.param(2, 1, 2, None, 1, id="idle workers count"),
        pytest.param(4, 0, 9, None, 0, id="not beyond the CPUs unmeasured"),
        pytest.param(4, 0, 9, WAITING, 1, id="one at a time beyond the CPUs"),
        pytest.param(7, 0, 9, WAITING, 1, id="up to the last one"),
        pytest.param(8, 0, 9, WAITING, 0, id="never beyond the limit"),
        pytest.param(9, 0, 9, WAITING, 0, id="not even when already beyond"),
        pytest.param(4, 0, 0, WAITING, 0, id="no task waits"),
        pytest.param(5, 2, 2, WAITING, 0, id="enough idle workers"),
        pytest.param(4, 0, 9, COMPUTING, 0, id="CPUs are busy"),
        pytest.param(4, 0, 9, TINY, 0, id="tasks too short to be worth it"),
        pytest.param(4, 0, 9, LITTLE_MEMORY, 0, id="memory is short"),
        pytest.param(3, 0, 9, LITTLE_MEMORY, 1, id="the CPUs are always used"),
    ],
)
def test_elastic_decision(workers, idle, queued, workload, expected):
    load = Load(workers=workers, idle=idle, queued=queued, workload=workload)
    assert workers_to_start(load, ELASTIC) == expected


@pytest.mark.parametrize(
    "workload",
    [
        Workload(IDLE_CPU_FRACTION, 1.0, 1.0),
        Workload(1.0, MIN_TASK_SECONDS, 1.0),
        Workload(1.0, 1.0, MIN_FREE_MEMORY_FRACTION),
    ],
)
def test_thresholds_themselves_are_not_enough(workload):
    assert workers_to_start(Load(4, 0, 9, workload), ELASTIC) == 0


@pytest.mark.parametrize("workers", range(5))
def test_fixed_limits_are_reached_and_never_exceeded(workers):
    load = Load(workers=workers, idle=0, queued=100, workload=WAITING)
    assert workers + workers_to_start(load, Limits.fixed(4)) == 4


def test_fixed_workers_are_never_retired():
    assert Limits.fixed(3).retire_after is None


def test_elastic_limits_leave_room_beyond_the_cpus():
    limits = Limits.elastic()
    assert 1 <= limits.at_once <= limits.at_most
    assert limits.retire_after > 0


@pytest.mark.parametrize(
    ("files", "workers"),
    [(128, 16), (1024, 128), (1_000_000, MOST_WORKERS), (resource.RLIM_INFINITY, MOST_WORKERS)],
)
def test_workers_leave_half_of_the_file_descriptors_to_the_program(monkeypatch, files, workers):
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "2")
    monkeypatch.setattr(resource, "getrlimit", lambda which: (files, resource.RLIM_INFINITY))
    assert Limits.elastic().at_most == workers


def test_usable_cpus_are_used_however_few_file_descriptors_there_are(monkeypatch):
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "2")
    monkeypatch.setattr(resource, "getrlimit", lambda which: (8, 8))
    assert Limits.elastic().at_most == 2


@pytest.mark.parametrize(
    ("usable", "measured", "idle_share", "expected"),
    [
        pytest.param(4, 4, 0.25, 0.25, id="the whole mask"),
        pytest.param(1, 4, 0.75, 0.0, id="one busy CPU of four is all that may be used"),
        pytest.param(2, 4, 0.75, 0.5, id="half of what may be used"),
        pytest.param(2, 64, 1.0, 1.0, id="all idle"),
        pytest.param(2, 64, 0.5, 0.0, id="others keep more busy than may be used"),
        pytest.param(8, 2, 0.0, 0.0, id="more allowed than there are"),
    ],
)
def test_idle_fraction_is_that_of_the_usable_cpus(usable, measured, idle_share, expected):
    assert idle_fraction(usable, measured, idle_share) == pytest.approx(expected)


def test_meter_looks_at_usable_cpus(monkeypatch):
    """Of 64 CPUs two may be used, and are busy."""
    now = 0.0
    cpu = namedtuple("cpu", ["user", "idle"])
    monkeypatch.setattr("ewoksppf_core.pool.scaling.time.monotonic", lambda: now)
    monkeypatch.setattr(
        "psutil.cpu_times", lambda percpu: [cpu(now, 0.0)] * 2 + [cpu(0.0, now)] * 62
    )
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "2")
    meter = Meter(completed=0)
    now = 3.0
    assert meter.look(workers=2, completed=0).idle_cpu_fraction == 0.0


def test_meter_knows_nothing_during_its_first_interval():
    meter = Meter(completed=0)
    meter.interval = 1000.0
    assert meter.look(workers=2, completed=5) is None


@pytest.mark.parametrize("ask", ["cpu_times", "virtual_memory"])
def test_meter_knows_nothing_while_no_file_can_be_opened(monkeypatch, ask):
    clock = itertools.count(100.0)
    monkeypatch.setattr("ewoksppf_core.pool.scaling.time.monotonic", lambda: next(clock))

    def refuse(*args, **kwargs):
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(f"psutil.{ask}", refuse)
        meter = Meter(completed=0)
        assert meter.look(workers=2, completed=1) is None
    meter.look(workers=2, completed=2)
    assert meter.look(workers=2, completed=3).task_seconds == pytest.approx(2.0)


def test_meter_divides_the_time_of_the_workers_by_the_tasks(monkeypatch):
    clock = iter([100.0, 103.0])
    monkeypatch.setattr("ewoksppf_core.pool.scaling.time.monotonic", lambda: next(clock))
    workload = Meter(completed=10).look(workers=4, completed=16)
    assert workload.task_seconds == pytest.approx(4 * 3.0 / 6)
    assert 0.0 <= workload.free_memory_fraction <= 1.0


def test_meter_takes_a_worker_that_completes_nothing_for_busy(monkeypatch):
    clock = iter([100.0, 103.0])
    monkeypatch.setattr("ewoksppf_core.pool.scaling.time.monotonic", lambda: next(clock))
    workload = Meter(completed=10).look(workers=1, completed=10)
    assert workload.task_seconds == pytest.approx(3.0)
