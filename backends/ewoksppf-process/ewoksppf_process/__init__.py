"""The default backend: worker processes of the standard library."""

from ewoksppf_core import PoolBackend, hookimpl
from ewoksppf_core.pool.process import process_backend


@hookimpl
def ewoksppf_pool_backend() -> PoolBackend:
    """Declare the backend."""
    return process_backend(
        pool_type="process",
        summary="worker processes, for tasks that compute",
        made_of="multiprocessing.Process",
        daemonic=False,
    )
