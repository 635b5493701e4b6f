"""Run Ewoks workflows in parallel, on any pool of workers."""

from .api import execute_graph, open_pool
from .errors import (
    BrokenBackendError,
    DuplicatePoolTypeError,
    EwoksPpfError,
    GraphError,
    GraphNotFoundError,
    LinkError,
    OptionError,
    PoolUnavailableError,
    RemoteTaskError,
    TransferError,
    UnknownOptionError,
    UnknownPoolTypeError,
    WorkerLostError,
    WorkerStartError,
    WorkflowStoppedError,
    WorkflowTimeoutError,
)
from .hookspecs import Location, PoolBackend, PoolOptions, Scaling, hookimpl

__all__ = [
    "BrokenBackendError",
    "DuplicatePoolTypeError",
    "EwoksPpfError",
    "GraphError",
    "GraphNotFoundError",
    "LinkError",
    "Location",
    "OptionError",
    "PoolBackend",
    "PoolOptions",
    "PoolUnavailableError",
    "RemoteTaskError",
    "Scaling",
    "TransferError",
    "UnknownOptionError",
    "UnknownPoolTypeError",
    "WorkerLostError",
    "WorkerStartError",
    "WorkflowStoppedError",
    "WorkflowTimeoutError",
    "execute_graph",
    "hookimpl",
    "open_pool",
]
