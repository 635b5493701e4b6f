"""Workers can die at any moment, in any way: one task is lost, and it is said which."""

# ruff: noqa: D102  (the names of tests are sentences)

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import psutil
import pytest

from ..api import execute_graph
from ..errors import WorkerLostError
from . import tasks
from .base import ConformanceBase, is_gone

NOTICED = 10.0
"""Seconds within which a loss must be known. It is known at once, but machines can be busy."""

KILLED_RUN = """
import sys
from ewoksppf_core import execute_graph

def node(id, task, **inputs):
    inputs = [{"name": name, "value": value} for name, value in inputs.items()]
    task = f"ewoksppf_core.testing.tasks.{task}"
    return {"id": id, "task_type": "method", "task_identifier": task, "default_inputs": inputs}

if __name__ == "__main__":
    pool_type, started, release, patience = sys.argv[1:]
    nodes = [
        node("big", "big_value"),
        node("hold", "hold_value", started=started, release=release, patience=float(patience)),
    ]
    mapping = [{"source_output": "return_value", "target_input": "value"}]
    links = [{"source": "big", "target": "hold", "data_mapping": mapping}]
    graph = {"graph": {"id": "killed"}, "nodes": nodes, "links": links}
    execute_graph(graph, pool_type=pool_type)
"""

NEXT_RUN = {
    "graph": {"id": "next"},
    "nodes": [{"id": "pid", "task_type": "method", "task_identifier": "os.getpid"}],
}


class CrashTests(ConformanceBase):
    """Tests of ways to die."""

    def test_crash_of_a_worker_is_told(self) -> None:
        self.needs_slots()
        with self.pool(workers=1) as pool:
            error = self.loss(pool.submit(tasks.crash))
            assert error.exitcode == -signal.SIGSEGV
            self.check_works(pool)

    def test_lost_workers_leave_no_zombies(self) -> None:
        self.needs_slots()
        with self.pool(workers=1) as pool:
            error = self.loss(pool.submit(os._exit, 1))
            assert error.pid is not None
            assert not psutil.pid_exists(error.pid)

    def test_workers_that_die_without_a_task_leave_no_zombies(self) -> None:
        self.needs_slots()
        with self.pool(workers=1) as pool:
            pid = pool.submit(tasks.pid).result(self.patience)
            os.kill(pid, signal.SIGKILL)
            self.until(lambda: not psutil.pid_exists(pid))
            self.check_works(pool)

    def test_all_workers_die_at_once(self, tmp_path: Path) -> None:
        self.needs_slots()
        with self.pool(workers=3) as pool:
            futures = [
                pool.submit(tasks.hold, path, tmp_path / "-", self.pause, self.patience)
                for path in (tmp_path / name for name in "abc")
            ]
            queued = pool.submit(tasks.add, 1, 2)
            pids = [self.read(tmp_path / name) for name in "abc"]
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            assert [self.loss(future).pid for future in futures] == pids
            assert queued.result(self.patience) == 3
            self.check_works(pool)

    def test_worker_killed_while_it_starts_fails_one_task(self, tmp_path: Path) -> None:
        self.needs_slots()
        if "spawn" not in self.backend.contexts:
            pytest.skip("workers start too quickly")
        before = set(psutil.Process().children())
        with self.pool(workers=1, context="spawn") as pool:
            held = pool.submit(
                tasks.hold, tmp_path / "a", tmp_path / "-", self.pause, self.patience
            )
            for child in set(psutil.Process().children()) - before:
                if "_tracker" not in " ".join(child.cmdline()):
                    child.kill()
            assert self.loss(held).exitcode == -signal.SIGKILL
            self.check_works(pool)

    @pytest.mark.parametrize("with_child", [False, True], ids=["alone", "with a child"])
    def test_worker_dies_while_it_sends_a_big_result(
        self, with_child: bool, tmp_path: Path
    ) -> None:
        self.needs_slots()
        if with_child:
            self.needs_forks()
        size = 100_000_000
        child, release = tmp_path / "child", tmp_path / "release"
        with self.pool(workers=1) as pool:
            future = pool.submit(
                tasks.die_while_sending, size, child if with_child else None, release
            )
            error = future.exception(self.patience)
            release.touch()
            # A machine so slow that nobody saw it send has got it all.
            assert len(future.result()) == size if error is None else self.loss(future)
            self.check_works(pool)
        if with_child:
            self.until(lambda: is_gone(self.read(child)))

    def test_process_forked_by_a_task_does_not_reply(self) -> None:
        self.needs_slots()
        self.needs_forks()
        with self.pool(workers=1) as pool:
            pid = pool.submit(tasks.pid).result(self.patience)
            assert pool.submit(tasks.fork_and_return).result(self.patience) == pid
            self.check_works(pool)

    def test_next_run_removes_what_a_killed_program_left_in_shared_memory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.needs_slots()
        script, shared = tmp_path / "program.py", tmp_path / "shared"
        started, release = tmp_path / "started", tmp_path / "release"
        script.write_text(KILLED_RUN)
        shared.mkdir()
        arguments = [self.pool_type, str(started), str(release), str(self.patience)]
        monkeypatch.setenv("EWOKSPPF_SHM", str(shared))
        with subprocess.Popen([sys.executable, str(script), *arguments]) as program:
            try:
                worker = self.read(started)
                assert list(shared.iterdir()), "the test is in vain"
            finally:
                program.kill()
        release.touch()
        self.until(lambda: is_gone(worker))
        # Not before the last worker has let go of it, which idle ones do in a moment.
        deadline = time.monotonic() + self.patience
        while list(shared.iterdir()) and time.monotonic() < deadline:
            execute_graph(NEXT_RUN, pool_type=self.pool_type)
        assert list(shared.iterdir()) == []

    def needs_forks(self) -> None:
        """Skip the test where a task that forks is not what users should write."""
        if not self.backend.nested_processes or "fork" not in self.backend.contexts:
            pytest.skip("tasks cannot fork")

    def loss(self, future: Future[Any]) -> WorkerLostError:
        """Return how the worker of a task was lost, in time."""
        error = future.exception(min(NOTICED, self.patience))
        assert isinstance(error, WorkerLostError)
        return error

    def check_works(self, pool: Executor) -> None:
        """Check that later tasks run."""
        futures = [pool.submit(tasks.add, number) for number in range(5)]
        assert [future.result(self.patience) for future in futures] == list(range(5))
