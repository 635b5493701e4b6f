"""Daemonic worker processes of the standard library."""

from ewoksppf_core import PoolBackend, hookimpl
from ewoksppf_core.pool.process import process_backend


@hookimpl
def ewoksppf_pool_backend() -> PoolBackend:
    """Declare the backend."""
    return process_backend(
        pool_type="multiprocessing",
        summary="daemonic worker processes, which end at once with the program",
        made_of="multiprocessing.Process, daemonic",
        daemonic=True,
    )
