"""What a task has started ends with the worker that a run or a program stops."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from ewoksppf_core import Stopper, WorkflowStoppedError, execute_graph
from ewoksppf_core.hookspecs import PoolOptions
from ewoksppf_core.pool.registry import get_backend
from ewoksppf_core.testing.base import is_gone
from ewoksppf_core.testing.tasks import wait_until

PATIENCE = 30.0

TASKS = """
import subprocess, time
from ewokscore import Task
from ewoksppf_core import execute_graph

def run(command):
    subprocess.run(command)

def run_inner(graph, pool_type):
    execute_graph(graph, pool_type=pool_type)

class Careful(Task, input_names=["command", "end"], output_names=["none"]):
    def run(self):
        self.program = subprocess.Popen(self.inputs.command)
        self.program.wait()

    def cancel(self):
        subprocess.run(["touch", self.inputs.end])
"""


def has_ended(pid):
    wait_until(lambda: is_gone(pid), time.sleep, PATIENCE)
    return True


@pytest.fixture
def marker(tmp_path):
    """A program that tells its process id, and what becomes of it."""

    class Marker:
        file = tmp_path / "pid"
        command = tmp_path / "marker"

        def write(self, body, ready=""):
            tell = f"echo $$ > {self.file}.draft && mv {self.file}.draft {self.file}"
            self.command.write_text(f"#!/bin/sh\n{ready}\n{tell}\n{body}\n")
            self.command.chmod(0o755)

        @property
        def pid(self):
            wait_until(self.file.exists, time.sleep, PATIENCE)
            return int(self.file.read_text())

    marker = Marker()
    yield marker
    if marker.file.exists() and not is_gone(marker.pid):
        os.kill(marker.pid, signal.SIGKILL)


@pytest.fixture
def stop(marker):
    """Run a graph of one node until its marker runs, and stop it then."""

    def run(task_type, task, inputs, pool_type):
        node = {
            "id": "node",
            "task_type": task_type,
            "task_identifier": task,
            "default_inputs": [{"name": name, "value": value} for name, value in inputs.items()],
        }
        stopper = Stopper()

        def press():
            try:
                wait_until(marker.file.exists, time.sleep, PATIENCE)
            finally:
                stopper.stop(forced=True)

        thread = threading.Thread(target=press)
        thread.start()
        with pytest.raises(WorkflowStoppedError):
            execute_graph(
                {"graph": {"id": "g"}, "nodes": [node]}, pool_type=pool_type, stopper=stopper
            )
        thread.join()
        return marker.pid

    return run


@pytest.fixture
def patience(monkeypatch):
    """Give workers, and what they have started, all the time that they need to end."""
    monkeypatch.setattr("ewoksppf_core.pool.pool.GRACE_SECONDS", PATIENCE)
    monkeypatch.setattr("ewoksppf_core.pool.descendants.ENDING_SECONDS", PATIENCE)


@pytest.fixture
def tasks(importable):
    importable("orphan_tasks.py", TASKS)


SLEEP = "exec sleep 1000"


def test_script_ends_with_a_stopped_run(process_type, marker, stop):
    marker.write(SLEEP)
    pid = stop("script", str(marker.command), {}, process_type)
    assert has_ended(pid)


@pytest.mark.usefixtures("tasks", "patience")
def test_program_of_a_task_may_clean_up(process_type, marker, stop, tmp_path):
    marker.write("sleep 1000 & wait", ready=f"trap 'touch {tmp_path}/clean; exit' TERM")
    pid = stop("method", "orphan_tasks.run", {"command": [str(marker.command)]}, process_type)
    assert has_ended(pid)
    assert (tmp_path / "clean").exists()


@pytest.mark.usefixtures("tasks")
def test_program_that_does_not_end_is_killed(process_type, marker, stop):
    marker.write("while true; do sleep 0.1; done", ready="trap '' TERM")
    pid = stop("method", "orphan_tasks.run", {"command": [str(marker.command)]}, process_type)
    assert has_ended(pid)


@pytest.mark.usefixtures("tasks")
def test_workers_of_a_run_inside_a_task_end_with_it(process_type, marker, stop):
    marker.write(SLEEP)
    node = {"id": "n", "task_type": "script", "task_identifier": str(marker.command)}
    inner = {"graph": {"id": "inner"}, "nodes": [node]}
    inputs = {"graph": inner, "pool_type": "billiard"}
    pid = stop("method", "orphan_tasks.run_inner", inputs, process_type)
    assert has_ended(pid)


@pytest.mark.usefixtures("tasks", "patience")
def test_task_with_cancel_ends_its_program_itself(process_type, marker, stop, tmp_path):
    end, seen = tmp_path / "end", tmp_path / "seen"
    marker.write(
        f"while [ ! -e {end} ]; do sleep 0.01; done\ntouch {seen}",
        ready=f"trap 'touch {tmp_path}/killed' TERM",
    )
    inputs = {"command": [str(marker.command)], "end": str(end)}
    pid = stop("class", "orphan_tasks.Careful", inputs, process_type)
    assert has_ended(pid)
    assert seen.exists()
    assert not (tmp_path / "killed").exists()


def test_killed_worker_takes_along_what_its_task_has_started(process_type, marker):
    marker.write(SLEEP)
    worker = get_backend(process_type).open(PoolOptions(max_workers=1))
    worker.submit(subprocess.run, [str(marker.command)])
    pid = marker.pid
    worker.kill_workers()
    worker.shutdown()
    assert has_ended(pid)


def test_memory_shared_by_a_task_is_freed_though_its_worker_is_killed(process_type, tmp_path):
    code = (
        "from multiprocessing import resource_tracker, shared_memory\n"
        "import os\n"
        "resource_tracker._resource_tracker._fd = None  # one of the task's own\n"
        "block = shared_memory.SharedMemory(create=True, size=1000)\n"
        f"open({str(tmp_path / 'draft')!r}, 'w').write(block.name)\n"
        f"os.rename({str(tmp_path / 'draft')!r}, {str(tmp_path / 'name')!r})\n"
        "os.read(os.pipe()[0], 1)\n"
    )
    worker = get_backend(process_type).open(PoolOptions(max_workers=1))
    worker.submit(exec, code, {})
    wait_until((tmp_path / "name").exists, time.sleep, PATIENCE)
    block = Path("/dev/shm", (tmp_path / "name").read_text())
    assert block.exists()
    worker.kill_workers()
    worker.shutdown()
    wait_until(lambda: not block.exists(), time.sleep, PATIENCE)
