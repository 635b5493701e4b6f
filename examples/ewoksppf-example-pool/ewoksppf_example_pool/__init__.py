"""The worker processes of loky as a pool type."""

from concurrent.futures import Executor

from ewoksppf_core import Location, PoolBackend, PoolOptions, hookimpl


def _open(options: PoolOptions) -> Executor:
    from .executor import LokyExecutor

    return LokyExecutor(options.max_workers)


@hookimpl
def ewoksppf_pool_backend() -> PoolBackend:
    """Declare the backend."""
    return PoolBackend(
        pool_type="loky",
        summary="worker processes of loky",
        made_of="loky.ProcessPoolExecutor",
        open=_open,
        location=Location.SAME_MACHINE,
    )
