"""Turn what the user says about pools into an open executor."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from ..errors import OptionError, PoolUnavailableError, check_known
from ..hookspecs import Location, PoolBackend, PoolOptions, Scaling
from ..warn import warn_caller
from .cpus import usable_cpus
from .elastic import ElasticPool
from .pool import Pool
from .registry import get_backend, get_default_backend
from .scaling import Limits
from .shutdown import Exit, end_pool

_logger = logging.getLogger(__name__)

MOST_QUEUED = 1024
"""Tasks of a run that may be in a pool where values queue up by reference.

An elastic pool sees that it should grow, and no greenlet waits for work. Tens of thousands would
make the garbage collector look at all of them again and again.
"""

_EXIT_OPTIONS = ("wait_on_exit", "wait_on_exit_timeout", "interrupt_on_exit")
POOL_OPTIONS = ("context", "threads_per_worker", *_EXIT_OPTIONS)
"""Names that ``pool_options`` accepts for every pool type."""


@dataclass(frozen=True)
class PoolRequest:
    """A checked wish for a pool.

    :param backend: where to open it.
    :param limits: how many workers an elastic pool may have.
    :param options: what the backend is asked for.
    :param exit: how the pool is left.
    """

    backend: PoolBackend
    limits: Limits
    options: PoolOptions
    exit: Exit

    @contextmanager
    def open(self) -> Iterator[Pool]:
        """Open the pool, and end it on leaving."""
        if self.backend.scaling is Scaling.CORE:
            executor: Executor = ElasticPool(self._open_slot, self.limits)
        else:
            executor = self.backend.open(self.options)
        pool = Pool(executor, self.backend, self._capacity())
        can_wait = True
        try:
            yield pool
        except Exception:
            raise
        except BaseException:  # Ctrl-C: nothing starts any more, nobody waits for what still runs
            pool.shutdown(wait=False, cancel_futures=True)
            can_wait = pool.kill_workers()
            raise
        finally:
            # A pool that nobody left is closed with the interpreter, whose threads have stopped by
            # then: nothing would ever end, and what had to be done was done at exit.
            if not sys.is_finalizing():
                wait = self.exit.wait_on_exit and can_wait and not pool.abandoned
                _end(pool, replace(self.exit, wait_on_exit=wait))

    def _open_slot(self) -> Executor:
        try:
            return self.backend.open(self.options)
        except (OSError, RuntimeError) as error:  # no memory, process, thread or file is left
            reason = f"no worker can be started: {error}"
            raise PoolUnavailableError(self.backend.pool_type, reason) from error

    def _capacity(self) -> int:
        if self.backend.scaling is Scaling.CORE:
            return max(MOST_QUEUED, 2 * self.limits.at_most)
        if self.backend.location is Location.SAME_PROCESS:
            return max(MOST_QUEUED, 2 * (self.options.max_workers or 0))
        # Others may pickle values at once: one task for each worker, and one more.
        return 2 * (self.options.max_workers or usable_cpus().number)


def _end(pool: Pool, leave: Exit) -> None:
    try:
        end_pool(pool, leave)
    except BaseException:  # Ctrl-C, for which waiting takes too long
        pool.shutdown(wait=False, cancel_futures=True)
        if pool.kill_workers():
            pool.shutdown()
        raise


def request_pool(
    *,
    pool_type: str | None = None,
    scaling_workers: bool = True,
    max_workers: int | None = None,
    context: str | None = None,
    pool_options: Mapping[str, Any] | None = None,
    nodes: int | None = None,
    imports: tuple[str, ...] = (),
) -> PoolRequest:
    """Check the pool options of a user and find the backend.

    :param nodes: number of nodes of the graph, None when there is no graph yet.
    :param imports: modules that workers should import before they take tasks.
    :raises OptionError: an option has a value that cannot be used.
    :raises UnknownOptionError: ``pool_options`` has a name that the backend does not know.
    :raises PoolUnavailableError: the backend cannot be used in this process.
    :raises LookupError: there is not exactly one backend of that pool type.
    """
    backend = get_default_backend() if pool_type is None else get_backend(pool_type)
    given = dict(pool_options or {})
    if "context" in given:
        given_context = given.pop("context")
        context = given_context if context is None else context
    leave = Exit(**{name: given.pop(name) for name in _EXIT_OPTIONS if name in given})
    check_known("pool_options", given, (*POOL_OPTIONS, *backend.extra_options))
    _check_context(backend, context)
    workers = _check_workers(max_workers, scaling_workers, nodes)
    reason = backend.unavailable()
    if reason:
        raise PoolUnavailableError(backend.pool_type, reason)
    cpus = usable_cpus()
    fixed = workers or cpus.number
    limits = Limits.elastic() if scaling_workers else Limits.fixed(fixed)
    threads = given.pop("threads_per_worker", None)
    _check_threads(threads)
    by_executor = None if scaling_workers else fixed
    _logger.info(
        "pool type %r: %s workers, context %s, %d usable CPUs according to %s",
        backend.pool_type,
        "scaling" if scaling_workers else fixed,
        context or "default",
        *cpus,
    )
    return PoolRequest(
        backend=backend,
        limits=limits,
        options=PoolOptions(
            max_workers=1 if backend.scaling is Scaling.CORE else by_executor,
            context=context,
            threads_per_worker=threads or max(1, cpus.number // limits.at_once),
            imports=imports,
            extra=given,
        ),
        exit=leave,
    )


def _check_context(backend: PoolBackend, context: str | None) -> None:
    if context is None or context in backend.contexts:
        return
    if not backend.contexts:
        cure = f"pool type {backend.pool_type!r} has no start methods: leave the option out"
    else:
        cure = f"pool type {backend.pool_type!r} accepts {', '.join(backend.contexts)}, or None"
    raise OptionError("context", context, cure)


def _check_threads(threads: object) -> None:
    is_number = isinstance(threads, int) and not isinstance(threads, bool)
    if threads is not None and not (is_number and threads > 0):  # type: ignore[operator]
        raise OptionError("threads_per_worker", threads, "a whole number, 1 or more, is expected")


def _check_workers(max_workers: int | None, scaling_workers: bool, nodes: int | None) -> int | None:
    if not isinstance(scaling_workers, bool):
        raise OptionError("scaling_workers", scaling_workers, "True or False is expected")
    if max_workers is None:
        return None
    if isinstance(max_workers, bool) or not isinstance(max_workers, int):
        raise OptionError("max_workers", max_workers, "a whole number or None is expected")
    if scaling_workers:
        warn_caller(
            f"max_workers={max_workers} has no effect because scaling_workers=True: "
            "pass scaling_workers=False to fix the number of workers"
        )
        return None
    if max_workers <= 0:
        if nodes is None:
            raise OptionError(
                "max_workers", max_workers, "a pool without a graph needs at least 1 worker"
            )
        return max(nodes, 1)
    return max_workers
