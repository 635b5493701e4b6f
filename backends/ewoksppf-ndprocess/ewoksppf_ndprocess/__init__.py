"""Worker processes which may start processes, whatever the context."""

from ewoksppf_core import PoolBackend, hookimpl
from ewoksppf_core.pool.process import process_backend


@hookimpl
def ewoksppf_pool_backend() -> PoolBackend:
    """Declare the backend."""
    return process_backend(
        pool_type="ndprocess",
        summary="non-daemonic worker processes: tasks may start processes",
        made_of="multiprocessing.Process",
        daemonic=False,
    )
