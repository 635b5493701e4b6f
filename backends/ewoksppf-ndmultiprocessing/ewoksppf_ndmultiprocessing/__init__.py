"""Worker processes like those of the multiprocessing backend, but not daemonic."""

from ewoksppf_core import PoolBackend, hookimpl
from ewoksppf_core.pool.process import process_backend


@hookimpl
def ewoksppf_pool_backend() -> PoolBackend:
    """Declare the backend."""
    return process_backend(
        pool_type="ndmultiprocessing",
        summary="non-daemonic worker processes: tasks may start processes",
        made_of="multiprocessing.Process",
        daemonic=False,
    )
