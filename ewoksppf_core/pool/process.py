"""Backends whose workers are processes of a library like :mod:`multiprocessing`."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from typing import cast

from ..hookspecs import Location, PoolBackend, PoolOptions, Scaling
from .obstacles import why_no_processes
from .worker_process import ProcessContext, WorkerProcess

__all__ = ["ProcessContext", "process_backend"]


def _get_context(method: str | None) -> ProcessContext:
    return cast(ProcessContext, multiprocessing.get_context(method))


def process_backend(
    *,
    pool_type: str,
    summary: str,
    made_of: str,
    daemonic: bool,
    get_context: Callable[[str | None], ProcessContext] = _get_context,
    contexts: Callable[[], Iterable[str]] = multiprocessing.get_all_start_methods,
    missing: Callable[[], str | None] = lambda: None,
) -> PoolBackend:
    """Declare a backend whose workers are processes of a :mod:`multiprocessing`-like library.

    :param daemonic: whether the processes are daemonic; those may not start processes.
    :param get_context: returns the library's context of a start method; None is its default.
    :param contexts: returns the start methods that exist on this platform.
    :param missing: says why the library cannot be imported, or returns None when it can.
    """

    def open_worker(options: PoolOptions) -> Executor:
        return WorkerProcess(
            get_context(options.context),
            daemonic,
            threads=options.threads_per_worker,
            imports=options.imports,
        )

    def unavailable() -> str | None:
        return missing() or why_no_processes(get_context(None).current_process())

    return PoolBackend(
        pool_type=pool_type,
        summary=summary,
        made_of=made_of,
        open=open_worker,
        location=Location.SAME_MACHINE,
        scaling=Scaling.CORE,
        contexts=tuple(contexts()),
        nested_processes=not daemonic,
        daemonic=daemonic,
        unavailable=unavailable,
    )
