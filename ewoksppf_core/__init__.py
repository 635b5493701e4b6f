"""Run Ewoks workflows in parallel, on any pool of workers."""

from .hookspecs import Location, PoolBackend, PoolOptions, Scaling, hookimpl

__all__ = ["Location", "PoolBackend", "PoolOptions", "Scaling", "hookimpl"]
