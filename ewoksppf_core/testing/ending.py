"""Nothing is left behind when a pool ends, or when its program does."""

# ruff: noqa: D102  (the names of tests are sentences)

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

import psutil
import pytest

from ..hookspecs import PoolOptions
from . import tasks
from .base import ConformanceBase, is_gone
from .holdings import descriptors, threads

SOON = 2.0
"""Seconds within which workers without a task follow their program."""

KILLED_PROGRAM = """
import contextlib, sys, time
from pathlib import Path
from ewoksppf_core.pool.options import request_pool
from ewoksppf_core.testing import tasks

if __name__ == "__main__":
    pool_type, patience, *folders = sys.argv[1:]
    folders = [*map(Path, folders)]
    with contextlib.ExitStack() as stack:
        idle = []
        for folder in folders:
            request = request_pool(
                pool_type=pool_type, context=folder.name, scaling_workers=False, max_workers=2
            )
            pool = stack.enter_context(request.open())
            release = folder / "release"
            pool.submit(tasks.hold, folder / "busy", release, time.sleep, float(patience))
            idle.append(pool.submit(tasks.pid))
        for folder, future in zip(folders, idle):
            tasks.write(folder / "idle", future.result())
        time.sleep(float(patience))
"""

UNGUARDED_PROGRAM = """
import sys
from ewoksppf_core.pool.options import request_pool
from ewoksppf_core.testing import tasks

pool_type, log, count = sys.argv[1:]
with open(log, "a") as file:
    file.write("started\\n")
with request_pool(pool_type=pool_type, context="spawn").open() as pool:
    print([future.result() for future in [pool.submit(tasks.add, i) for i in range(int(count))]])
"""

UNGUARDED_TASKS = 10


class EndingTests(ConformanceBase):
    """Tests of shutting down."""

    @pytest.mark.parametrize("use", ["nothing", "tasks", "lost workers"])
    def test_shutdown_leaves_nothing_behind(self, use: str) -> None:
        if not sys.platform.startswith("linux"):
            pytest.skip("what a process holds is read from /proc")
        if use == "lost workers":
            self.needs_slots()
        self._use(use)  # what starts once per program starts now
        before = _holdings()
        self._use(use)
        try:
            self.until(lambda: _holdings() == before)
        except TimeoutError:
            assert _holdings() == before

    def _use(self, use: str) -> None:
        with self.pool(workers=3) as pool:
            calls: dict[str, list[tuple[Callable[..., object], object]]] = {
                "nothing": [],
                "tasks": [(tasks.add, 1), (tasks.throw, tasks.SimpleError("x"))],
                "lost workers": [(os._exit, 1)],
            }
            futures = [
                pool.submit(function, argument)
                for function, argument in calls[use]
                for _ in range(6)
            ]
            for future in futures:
                future.exception(self.patience)
        gc.collect()

    def test_processes_are_gone_when_shutdown_returns(self) -> None:
        self.needs_worker_processes()
        with self.pool(workers=2) as pool:
            pids = {pool.submit(tasks.pid).result(self.patience) for _ in range(4)}
        assert not [pid for pid in pids if psutil.pid_exists(pid)]

    def test_submit_after_shutdown_raises(self) -> None:
        with self.pool() as pool:
            pass
        with pytest.raises(RuntimeError, match="shutdown"):
            pool.submit(tasks.add, 1)

    def test_submit_to_an_executor_after_shutdown_raises(self) -> None:
        executor = self._open()
        executor.shutdown()
        with pytest.raises(RuntimeError, match="shutdown"):
            executor.submit(tasks.add, 1)

    def test_shutdown_can_be_repeated(self) -> None:
        executor = self._open()
        assert executor.submit(tasks.add, 1, 2).result(self.patience) == 3
        executor.shutdown(wait=False)
        executor.shutdown(wait=True)
        executor.shutdown(wait=True)

    def test_shutdown_waits_for_submitted_tasks(self) -> None:
        executor = self._open()
        futures = [executor.submit(tasks.interval, self.pause) for _ in range(3)]
        executor.shutdown(wait=True)
        assert all(future.done() for future in futures)

    def test_cancel_futures_cancels_what_waits_and_finishes_what_runs(self, tmp_path: Path) -> None:
        release = tmp_path / "release"
        with self.pool(workers=1) as pool:
            held = pool.submit(tasks.hold, tmp_path / "a", release, self.pause, self.patience)
            self.until((tmp_path / "a").exists)
            waiting = [pool.submit(tasks.add, number) for number in range(3)]
            pool.shutdown(wait=False, cancel_futures=True)
            release.touch()
            assert held.result(self.patience)
        assert all(future.cancelled() for future in waiting)

    def test_workers_end_after_their_task_when_the_program_is_killed(self, tmp_path: Path) -> None:
        self.needs_worker_processes()
        script = tmp_path / "program.py"
        script.write_text(KILLED_PROGRAM)
        folders = [tmp_path / context for context in self.backend.contexts]
        for folder in folders:
            folder.mkdir()
        arguments = [self.pool_type, self.patience, *folders]
        with subprocess.Popen([sys.executable, script, *map(str, arguments)]) as program:
            try:
                busy = [self.read(folder / "busy") for folder in folders]
                idle = [self.read(folder / "idle") for folder in folders]
            finally:
                program.kill()
        for orphans in zip(folders, busy, idle, strict=True):
            self._check_orphans(*orphans)

    def _check_orphans(self, folder: Path, busy: int, idle: int) -> None:
        assert busy != idle
        tasks.wait_until(lambda: is_gone(idle), self.pause, SOON)
        if self.backend.daemonic:
            tasks.wait_until(lambda: is_gone(busy), self.pause, SOON)
        else:
            assert not is_gone(busy), "the worker did not finish its task"
        (folder / "release").touch()
        tasks.wait_until(lambda: is_gone(busy), self.pause, SOON)
        assert (folder / "release.seen").exists() is not self.backend.daemonic

    def test_script_without_main_guard_ends_with_an_explanation(self, tmp_path: Path) -> None:
        if "spawn" not in self.backend.contexts:
            pytest.skip("no worker imports the main script")
        script, log = tmp_path / "unguarded.py", tmp_path / "log"
        script.write_text(UNGUARDED_PROGRAM)
        result = subprocess.run(
            [sys.executable, str(script), self.pool_type, str(log), str(UNGUARDED_TASKS)],
            capture_output=True,
            text=True,
            timeout=self.patience,
        )
        assert result.returncode != 0
        assert '`if __name__ == "__main__":`' in result.stderr
        # The program, and at most one worker for each task.
        assert len(log.read_text().split()) <= 1 + UNGUARDED_TASKS

    def _open(self) -> Executor:
        return self.backend.open(PoolOptions(max_workers=1))


def _holdings() -> dict[str, object]:
    return {
        "processes": {child.pid for child in psutil.Process().children(recursive=True)},
        "threads": threads(),
        "file descriptors": descriptors(),
    }
