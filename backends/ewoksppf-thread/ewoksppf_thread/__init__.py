"""Threads of this process."""

from concurrent.futures import Executor, ThreadPoolExecutor

from ewoksppf_core import Location, PoolBackend, PoolOptions, Scaling, hookimpl


def _open(options: PoolOptions) -> Executor:
    return ThreadPoolExecutor(options.max_workers, thread_name_prefix="ewoksppf")


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
    )
