"""Greenlets of this process, and the default backend where gevent has been monkey patched."""

from concurrent.futures import Executor
from importlib.util import find_spec

from ewoksppf_core import Location, PoolBackend, PoolOptions, Scaling, hookimpl
from ewoksppf_core.pool.obstacles import is_monkey_patched, why_nothing_waits


def _open(options: PoolOptions) -> Executor:
    from .executor import GreenletExecutor

    return GreenletExecutor(options.max_workers)


def _unavailable() -> str | None:
    if find_spec("gevent") is None:
        return "gevent is not installed: pip install gevent"
    return why_nothing_waits()


@hookimpl
def ewoksppf_pool_backend() -> PoolBackend:
    """Declare the backend."""
    return PoolBackend(
        pool_type="gevent",
        summary="greenlets, for many tasks that wait",
        made_of="gevent.Greenlet",
        open=_open,
        location=Location.SAME_PROCESS,
        scaling=Scaling.EXECUTOR,
        unavailable=_unavailable,
    )


@hookimpl
def ewoksppf_default_pool_type() -> str | None:
    """Prefer greenlets in a process that gevent has patched."""
    return "gevent" if is_monkey_patched() else None
