"""Worker processes of billiard, the fork of multiprocessing on which celery runs."""

from importlib.util import find_spec

from ewoksppf_core import PoolBackend, hookimpl
from ewoksppf_core.pool.process import ProcessContext, process_backend


def _get_context(method: str | None) -> ProcessContext:
    from .context import BilliardContext

    return BilliardContext(method)


def _missing() -> str | None:
    if find_spec("billiard") is None:
        return "billiard is not installed: pip install billiard"
    return None


@hookimpl
def ewoksppf_pool_backend() -> PoolBackend:
    """Declare the backend."""
    return process_backend(
        pool_type="billiard",
        summary="billiard worker processes, also inside daemonic processes",
        made_of="billiard.Process",
        get_context=_get_context,
        daemonic=False,
        missing=_missing,
    )
