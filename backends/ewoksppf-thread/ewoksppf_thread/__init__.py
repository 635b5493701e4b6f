"""Threads of this process."""

from concurrent.futures import Executor

from ewoksppf_core import Location, PoolBackend, PoolOptions, Scaling, hookimpl
from ewoksppf_core.pool.obstacles import why_nothing_waits


def _open(options: PoolOptions) -> Executor:
    from .executor import ThreadExecutor

    return ThreadExecutor(options.max_workers)


@hookimpl
def ewoksppf_pool_backend() -> PoolBackend:
    """Declare the backend."""
    return PoolBackend(
        pool_type="thread",
        summary="threads, for tasks that wait or release the GIL",
        made_of="threading.Thread",
        open=_open,
        location=Location.SAME_PROCESS,
        scaling=Scaling.EXECUTOR,
        unavailable=why_nothing_waits,
    )
