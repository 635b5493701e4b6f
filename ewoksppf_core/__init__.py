"""Run Ewoks workflows in parallel, on any pool of workers."""

from .api import execute_graph, open_pool
from .errors import (
    BrokenBackendError,
    DuplicatePoolTypeError,
    EwoksPpfError,
    ForeignPoolError,
    GraphError,
    GraphNotFoundError,
    LinkError,
    OptionError,
    PoolUnavailableError,
    RemoteTaskError,
    TaskTimeoutError,
    TransferError,
    UnknownOptionError,
    UnknownPoolTypeError,
    WorkerLostError,
    WorkerStartError,
    WorkflowStoppedError,
    WorkflowTimeoutError,
)
from .hookspecs import Location, PoolBackend, PoolOptions, Scaling, hookimpl
from .run.stopper import Stopper

__all__ = [
    "BrokenBackendError",
    "DuplicatePoolTypeError",
    "EwoksPpfError",
    "ForeignPoolError",
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
    "Stopper",
    "TaskTimeoutError",
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
