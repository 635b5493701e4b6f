"""A call has exactly one outcome: what it returned, or what it raised."""

# ruff: noqa: D102  (the names of tests are sentences)

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import wait
from pathlib import Path
from typing import NoReturn

import pytest

from ..hookspecs import Location
from ..pool.options import request_pool
from . import tasks
from .base import ConformanceBase


class CallTests(ConformanceBase):
    """Tests of calls and their outcomes."""

    def test_results_come_back(self) -> None:
        with self.warm_pool() as pool:
            assert pool.submit(tasks.add, 1, right=2).result(self.patience) == 3

    def test_scaling_pool_gives_results(self) -> None:
        with request_pool(pool_type=self.pool_type).open() as pool:
            futures = [pool.submit(tasks.add, number) for number in range(10)]
            assert [future.result(self.patience) for future in futures] == list(range(10))

    def test_big_values_come_back(self) -> None:
        value = bytes(5_000_000)
        with self.warm_pool() as pool:
            assert pool.submit(tasks.same, value).result(self.patience) == value

    def test_tasks_run_concurrently(self, tmp_path: Path) -> None:
        with self.warm_pool(workers=3) as pool:
            futures = [
                pool.submit(tasks.meet, tmp_path, number, 3, self.pause, self.patience)
                for number in range(3)
            ]
            _, missing = wait(futures, self.patience)
            errors = [future.exception() for future in futures if future not in missing]
            assert not missing
            assert errors == [None] * 3

    def test_never_more_tasks_than_workers_run_at_the_same_time(self) -> None:
        with self.warm_pool(workers=2) as pool:
            futures = [pool.submit(tasks.interval, self.pause) for _ in range(20)]
            intervals = [future.result(self.patience) for future in futures]
        changes = sorted(
            [(begin, 1) for begin, _ in intervals] + [(end, -1) for _, end in intervals]
        )
        assert max(itertools.accumulate(change for _, change in changes)) <= 2

    def test_every_task_runs_exactly_once(self, tmp_path: Path) -> None:
        numbers = list(range(300))
        with self.warm_pool(workers=3) as pool:
            futures = [pool.submit(tasks.record, tmp_path, number) for number in numbers]
            done, missing = wait(futures, self.patience)
            assert not missing
        assert sorted(future.result() for future in done) == numbers
        assert len(list(tmp_path.iterdir())) == len(numbers)

    def test_exceptions_arrive_with_type_arguments_and_cause(self) -> None:
        with self.warm_pool() as pool:
            error = pool.submit(tasks.throw_from_cause).exception(self.patience)
        assert type(error) is tasks.SimpleError
        assert error.args == ("a message", 42)
        assert type(error.__cause__) is KeyError
        assert error.__cause__.args == ("the cause",)

    @pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt("stop")], ids=repr)
    def test_exits_of_tasks_arrive_and_the_pool_goes_on(self, error: BaseException) -> None:
        with self.warm_pool(workers=1) as pool:
            arrived = pool.submit(tasks.throw, error).exception(self.patience)
            assert type(arrived) is type(error)
            assert arrived.args == error.args
            assert pool.submit(tasks.add, 1, 2).result(self.patience) == 3

    @pytest.mark.parametrize("function", [tasks.throw_picky, tasks.throw_stuck])
    def test_exceptions_that_cannot_travel_keep_their_message(
        self, function: Callable[[], NoReturn]
    ) -> None:
        with self.warm_pool(workers=1) as pool:
            error = pool.submit(function).exception(self.patience)
            assert "this" in str(error)
            assert pool.submit(tasks.add, 1, 2).result(self.patience) == 3

    @pytest.mark.parametrize("kind", [tasks.Unpicklable, tasks.Unloadable])
    def test_arguments_that_cannot_travel_give_an_error(self, kind: type) -> None:
        self.needs_values_to_travel()
        with self.warm_pool(workers=1) as pool:
            error = pool.submit(tasks.same, kind()).exception(self.patience)
            assert isinstance(error, Exception)
            assert pool.submit(tasks.add, 1, 2).result(self.patience) == 3

    @pytest.mark.parametrize("kind", [tasks.Unpicklable, tasks.Unloadable])
    def test_results_that_cannot_travel_give_an_error(self, kind: type) -> None:
        self.needs_values_to_travel()
        with self.warm_pool(workers=1) as pool:
            error = pool.submit(tasks.make, kind).exception(self.patience)
            assert isinstance(error, Exception)
            assert pool.submit(tasks.add, 1, 2).result(self.patience) == 3

    def test_values_pass_by_reference_exactly_if_declared(self) -> None:
        values: list[int] = []
        with self.warm_pool() as pool:
            result = pool.submit(tasks.append, values, 1).result(self.patience)
        assert result == [1]
        assert (result is values) is (self.backend.location is Location.SAME_PROCESS)
        assert (values == [1]) is (self.backend.location is Location.SAME_PROCESS)
