"""What all tests of the kit share."""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import psutil
import pytest

from ..hookspecs import Location, PoolBackend, Scaling
from ..pool.options import request_pool
from ..pool.pool import Pool
from ..pool.registry import get_backend
from . import tasks


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.timeout(120)  # whatever the pytest that runs it is configured for
class ConformanceBase:
    """Opens pools, and waits with a deadline.

    :cvar pool_type: name of the backend.
    :cvar pause: how a task waits for so many seconds while others go on.
    :cvar patience: seconds after which a test gives up.
    """

    pool_type: str
    pause: tasks.Pause = staticmethod(time.sleep)
    patience: float = 40.0

    _warm_pools: ClassVar[dict[int, tuple[contextlib.ExitStack, Pool]]]

    @property
    def backend(self) -> PoolBackend:
        """The tested backend."""
        return get_backend(self.pool_type)

    @contextlib.contextmanager
    def pool(self, workers: int = 2, **options: Any) -> Iterator[Pool]:
        """Open a pool with a fixed number of workers, as users do."""
        request = request_pool(
            pool_type=self.pool_type, scaling_workers=False, max_workers=workers, **options
        )
        with request.open() as pool:
            yield pool

    @contextlib.contextmanager
    def warm_pool(self, workers: int = 2) -> Iterator[Pool]:
        """Share a pool with other tests, which only call harmless functions in it.

        Workers can take long to start. A pool in which a test has failed is not used again.
        """
        if workers not in self._warm_pools:
            stack = contextlib.ExitStack()
            self._warm_pools[workers] = stack, stack.enter_context(self.pool(workers))
        try:
            yield self._warm_pools[workers][1]
        except BaseException:
            self._warm_pools.pop(workers)[0].close()
            raise

    @classmethod
    def setup_class(cls) -> None:
        """Have no shared pools yet."""
        cls._warm_pools = {}

    @classmethod
    def teardown_class(cls) -> None:
        """Close the shared pools."""
        for stack, _ in cls._warm_pools.values():
            stack.close()

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition."""
        tasks.wait_until(condition, self.pause, self.patience)

    def read(self, path: Path) -> int:
        """Read the number that a task writes."""
        self.until(path.exists)
        return int(path.read_text())

    def needs_values_to_travel(self) -> None:
        """Skip the test where values pass by reference."""
        if self.backend.location is Location.SAME_PROCESS:
            pytest.skip("values pass by reference")

    def needs_worker_processes(self) -> None:
        """Skip the test where workers cannot be seen by their process id."""
        if self.backend.location is not Location.SAME_MACHINE:
            pytest.skip("workers are not processes of this machine")

    def needs_slots(self) -> None:
        """Skip the test where the executor keeps its workers itself."""
        self.needs_worker_processes()
        if self.backend.scaling is not Scaling.CORE:
            pytest.skip("the executor decides what becomes of a lost worker")


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended with all its threads, reaped or not."""
    try:
        if hasattr(os, "pidfd_open"):
            with open(os.pidfd_open(pid)) as descriptor:
                return bool(select.select([descriptor], [], [], 0)[0])
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except (ProcessLookupError, psutil.NoSuchProcess):
        return True
