"""Workers can be lost, and are replaced."""

# ruff: noqa: D102  (the names of tests are sentences)

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from ..errors import WorkerLostError
from . import tasks
from .base import ConformanceBase, is_gone


class WorkerTests(ConformanceBase):
    """Tests of workers that die."""

    def test_workers_are_other_processes(self) -> None:
        self.needs_worker_processes()
        with self.warm_pool() as pool:
            assert pool.submit(tasks.pid).result(self.patience) != os.getpid()

    def test_worker_is_reused(self) -> None:
        self.needs_worker_processes()
        with self.warm_pool(workers=1) as pool:
            assert len({pool.submit(tasks.pid).result(self.patience) for _ in range(5)}) == 1

    def test_lost_worker_fails_only_its_own_task(self, tmp_path: Path) -> None:
        self.needs_slots()
        release = tmp_path / "release"
        with self.pool(workers=2) as pool:
            lost, other = [
                pool.submit(tasks.hold, tmp_path / name, release, self.pause, self.patience)
                for name in ("lost", "other")
            ]
            queued = pool.submit(tasks.add, 1, 2)
            pid = self.read(tmp_path / "lost")
            self.until((tmp_path / "other").exists)
            os.kill(pid, signal.SIGKILL)
            error = lost.exception(self.patience)
            release.touch()
            assert other.result(self.patience) != pid
            assert queued.result(self.patience) == 3
        assert isinstance(error, WorkerLostError)
        assert (error.pid, error.exitcode) == (pid, -signal.SIGKILL)

    def test_exit_code_of_a_lost_worker_is_told(self) -> None:
        self.needs_slots()
        with self.pool(workers=1) as pool:
            error = pool.submit(os._exit, 7).exception(self.patience)
        assert isinstance(error, WorkerLostError)
        assert error.exitcode == 7

    def test_worker_lost_while_its_processes_live_on_is_noticed(self, tmp_path: Path) -> None:
        self.needs_slots()
        if not self.backend.nested_processes or "fork" not in self.backend.contexts:
            pytest.skip("tasks cannot fork")
        release = tmp_path / "release"
        with self.pool(workers=1) as pool:
            future = pool.submit(
                tasks.hold_with_child, tmp_path / "task", release, self.pause, self.patience
            )
            os.kill(self.read(tmp_path / "task"), signal.SIGKILL)
            error = future.exception(self.patience / 2)
            child = self.read(tmp_path / "task.child")
            assert not is_gone(child)
            release.touch()
        self.until(lambda: is_gone(child))
        assert isinstance(error, WorkerLostError)

    def test_lost_worker_is_replaced(self, tmp_path: Path) -> None:
        self.needs_slots()
        with self.pool(workers=2) as pool:
            assert isinstance(pool.submit(os._exit, 1).exception(self.patience), WorkerLostError)
            futures = [
                pool.submit(tasks.meet, tmp_path, number, 2, self.pause, self.patience)
                for number in range(2)
            ]
            assert len({future.result(self.patience) for future in futures}) == 2

    def test_worker_killed_between_tasks_loses_no_task(self) -> None:
        self.needs_slots()
        with self.pool(workers=1) as pool:
            pid = pool.submit(tasks.pid).result(self.patience)
            os.kill(pid, signal.SIGKILL)
            self.until(lambda: is_gone(pid))
            futures = [pool.submit(tasks.add, number) for number in range(5)]
            assert [future.result(self.patience) for future in futures] == list(range(5))

    def test_interrupted_task_fails_with_worker_lost_error(self, tmp_path: Path) -> None:
        release = tmp_path / "release"
        with self.pool(workers=1) as pool:
            held = pool.submit(tasks.hold, tmp_path / "a", release, self.pause, self.patience)
            self.until((tmp_path / "a").exists)
            if not pool.kill_workers():
                release.touch()
                pytest.skip("running tasks cannot be interrupted")
            assert isinstance(held.exception(self.patience), WorkerLostError)

    def test_stopping_a_task_leaves_the_others_alone(self, tmp_path: Path) -> None:
        names = ("stopped", "other")
        releases = [tmp_path / f"release-{name}" for name in names]
        with self.pool(workers=2) as pool:
            stopped, other = [
                pool.submit(tasks.hold, tmp_path / name, release, self.pause, self.patience)
                for name, release in zip(names, releases, strict=True)
            ]
            self.until(lambda: (tmp_path / "stopped").exists() and (tmp_path / "other").exists())
            still_running = pool.stop_tasks([stopped])
            for release in releases:
                release.touch()
            assert other.result(self.patience)
            if not still_running:
                assert isinstance(stopped.exception(self.patience), WorkerLostError)
