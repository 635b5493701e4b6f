"""The number of workers follows the load."""

from __future__ import annotations

import os
import threading
import time

import psutil
import pytest

from ewoksppf_core import execute_graph, open_pool
from ewoksppf_core.pool import options
from ewoksppf_core.pool.cpus import usable_cpus
from ewoksppf_core.pool.scaling import Limits
from ewoksppf_core.run.events import ActivationFinished

PATIENCE = 50


@pytest.fixture
def cpus():
    return usable_cpus().number


class Pids(set):
    """An observer that collects the workers."""

    def __call__(self, event):
        if isinstance(event, ActivationFinished):
            self.add(event.pid)


def test_thousand_trivial_tasks_need_no_more_workers_than_cpus(process_type, many, cpus):
    pids = Pids()
    execute_graph(many("pid", [{}] * 1000), pool_type=process_type, observers=[pids])
    assert 1 <= len(pids) <= cpus


def test_tasks_that_compute_need_hardly_more_workers_than_cpus(many, cpus):
    pids = Pids()
    execute_graph(many("busy", [{}] * 100), pool_type="process", observers=[pids])
    assert 1 <= len(pids) <= cpus + 1


@pytest.fixture
def waiting_machine(monkeypatch):
    """Let the tasks of others, who compute, not count as work of this machine."""
    from ewoksppf_core.pool import scaling

    times = iter(range(10**9))
    monkeypatch.setattr(
        scaling, "_cpu_times", lambda: scaling.CpuTimes(1, float(t := next(times)), float(t))
    )


def test_tasks_that_wait_get_more_workers_than_cpus(
    process_type, many, cpus, tmp_path, waiting_machine
):
    party = cpus + 3
    inputs = {"folder": str(tmp_path), "party": party, "patience": PATIENCE}
    pids = Pids()
    nodes = [{**inputs, "name": str(number)} for number in range(party)]
    execute_graph(many("meet", nodes), pool_type=process_type, observers=[pids])
    assert len(pids) == party


def test_idle_workers_are_retired(process_type, many, monkeypatch):
    limits = Limits(at_once=2, at_most=2, retire_after=0.2)
    monkeypatch.setattr(options.Limits, "elastic", lambda: limits)
    with open_pool(process_type) as pool:
        pids = Pids()
        execute_graph(many("pid", [{}] * 20), pool=pool, observers=[pids])
        deadline = time.monotonic() + PATIENCE
        while any(map(psutil.pid_exists, pids)):
            assert time.monotonic() < deadline, "a worker is still there"
            time.sleep(0.01)
        assert execute_graph(many("pid", [{}]), pool=pool)


def test_runs_that_share_a_pool_take_turns(process_type, many, tmp_path):
    """A short run which begins when a long one has queued up ends long before it."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    finished = []
    queued = threading.Event()
    short_queued = threading.Event()

    def release():  # not in the observer: one that is slow would be dropped
        assert short_queued.wait(PATIENCE)
        os.close(os.open(fifo, os.O_WRONLY))

    def observer(name):
        def observe(event):
            if type(event).__name__ == "ActivationQueued":
                count[name] = count.get(name, 0) + 1
                if count == {"long": 101}:
                    queued.set()
                if count.get("short") == 10:
                    short_queued.set()
            if isinstance(event, ActivationFinished):
                finished.append(name)

        return observe

    count: dict[str, int] = {}
    graph = many("pid", [{}] * 100)
    first = many("read", [{"fifo": str(fifo)}])["nodes"][0]
    graph["nodes"].insert(0, {**first, "id": "first"})

    with open_pool(process_type, scaling_workers=False, max_workers=1) as pool:
        thread = threading.Thread(
            target=execute_graph,
            args=(graph,),
            kwargs={"pool": pool, "observers": [observer("long")]},
        )
        releasing = threading.Thread(target=release)
        thread.start()
        releasing.start()
        assert queued.wait(PATIENCE)
        execute_graph(many("pid", [{}] * 10), pool=pool, observers=[observer("short")])
        ended = list(finished)
        thread.join(PATIENCE)
        releasing.join(PATIENCE)
    assert ended.count("short") == 10
    assert ended.count("long") < 60
    assert finished.count("long") == 101
