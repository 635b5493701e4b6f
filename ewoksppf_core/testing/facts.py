"""A backend is what it says about itself."""

# ruff: noqa: D102  (the names of tests are sentences)

from __future__ import annotations

import contextlib
import functools
import subprocess
import sys
from collections.abc import Mapping

import pytest

from ..errors import OptionError
from ..hookspecs import Location, PoolOptions
from ..pool.registry import installed_backends
from . import tasks
from .base import ConformanceBase

IMPORTS = """
import os, sys
from importlib.metadata import entry_points
from ewoksppf_core.hookspecs import ENTRY_POINT_GROUP
from ewoksppf_core.pool.registry import get_backend

def packages(modules):
    return {name.partition(".")[0] for name in modules}

before = set(sys.modules)
for pool_type in sys.argv[1:]:
    child = os.fork()
    if child == 0:
        get_backend(pool_type)
        (plugin,) = entry_points(group=ENTRY_POINT_GROUP, name=pool_type)
        own = packages({"ewoksppf_core", plugin.module})
        new = packages(set(sys.modules) - before)
        print(pool_type, *new - own - sys.stdlib_module_names, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


@functools.cache
def _imported_by_plugins() -> Mapping[str, set[str]]:
    """Return the packages of others that are imported with each plugin."""
    pool_types = [installed.pool_type for installed in installed_backends()]
    result = subprocess.run(
        [sys.executable, "-c", IMPORTS, *pool_types],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    lines = [line.split() for line in result.stdout.splitlines()]
    return {pool_type: set(packages) for pool_type, *packages in lines}


class FactTests(ConformanceBase):
    """Tests of the declared facts."""

    def test_backend_is_found_by_its_pool_type(self) -> None:
        assert self.backend.pool_type == self.pool_type

    def test_backend_is_available(self) -> None:
        assert self.backend.unavailable() is None

    def test_facts_are_fit_for_the_table(self) -> None:
        assert self.backend.summary
        assert "\n" not in self.backend.summary + self.backend.made_of

    def test_facts_agree_with_each_other(self) -> None:
        if self.backend.location is Location.SAME_PROCESS:
            assert self.backend.contexts == (), "there are no processes to start"
            assert not self.backend.daemonic, "there are no processes that could be daemonic"
        if self.backend.daemonic:
            assert not self.backend.nested_processes, "daemonic processes cannot start processes"

    def test_importing_the_plugin_is_cheap(self) -> None:
        imported = _imported_by_plugins()[self.pool_type]
        assert not imported, "import them inside `open` or `unavailable`"

    def test_every_declared_context_works(self) -> None:
        if not self.backend.contexts:
            pytest.skip("the backend declares no contexts")
        with contextlib.ExitStack() as stack:
            futures = [
                stack.enter_context(self.pool(context=context)).submit(tasks.same, context)
                for context in self.backend.contexts
            ]
            contexts = [future.result(self.patience) for future in futures]
        assert contexts == list(self.backend.contexts)

    def test_another_context_is_refused(self) -> None:
        with pytest.raises(OptionError, match="context='nonsense'"), self.pool(context="nonsense"):
            pass

    def test_tasks_may_start_processes_exactly_if_declared(self) -> None:
        with self.warm_pool() as pool:
            future = pool.submit(tasks.run_child_process)
            if self.backend.nested_processes:
                assert future.result(self.patience) == 0
            else:
                error = future.exception(self.patience)
                assert error is not None
                assert "daemonic" in str(error)

    def test_tasks_may_open_a_pool_where_they_may_start_processes(self) -> None:
        if not self.backend.nested_processes:
            pytest.skip("tasks may not start processes")
        if self.backend.location is Location.SAME_PROCESS:
            pytest.skip("a task that waits for another pool can block this one")
        with self.warm_pool() as pool:
            assert pool.submit(tasks.run_pool, self.pool_type).result(self.patience) == 42

    def test_an_executor_opened_without_options_works(self) -> None:
        workers = 1 if self.backend.scaling.name == "CORE" else None
        with self.backend.open(PoolOptions(max_workers=workers)) as executor:
            assert executor.submit(tasks.add, 1, right=2).result(self.patience) == 3
