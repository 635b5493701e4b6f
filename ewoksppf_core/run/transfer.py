"""Bring activations to the workers of a pool, and look at what comes back."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import Any

from ewokscore.node import get_varinfo
from ewokscore.ppftasks import PPF_DICT_ARGUMENT

from ..errors import OptionError, TransferError
from ..graph.plan import Name, Node
from ..hookspecs import Location
from ..pool.pool import Pool
from ..task.cancel import RunningTasks
from ..task.defaults import BigDefaults
from ..task.execute import execute_here, execute_packed
from ..task.failure import message_of, pack_exception
from ..task.lease import Lease, need_memory, start_lease
from ..task.outcome import Failure, NodeInfo, Outcome, RunInfo
from ..task.packing import PackedNode, open_value, pack_node, pack_value
from ..task.parcel import adopt, remove_orphans


class Transfer:
    """Passes values by reference or as parcels, as the location of the workers demands.

    What all activations of a run or of a node have in common is pickled once, and so is a big
    default input that several nodes have in common.

    :param pool: where the activations go.
    :param info: what they have in common.
    :raises OptionError: the run cannot be described to workers in other processes.
    """

    def __init__(self, pool: Pool, info: RunInfo) -> None:
        self._pool = pool
        self._by_reference = pool.location is Location.SAME_PROCESS
        self._info = info
        self._packed_info = b"" if self._by_reference else _pack_info(info)
        self._node_infos: dict[Node, NodeInfo | PackedNode] = {}
        self._defaults = BigDefaults(info.store)
        self._tasks: dict[Future[Outcome], RunningTasks] = {}
        self._leases: dict[Future[Outcome], Lease] = {}

    def submit(self, node: Node, inputs: Mapping[Name, Any], lend: bool = False) -> Future[Outcome]:
        """Give an activation to the pool.

        :param lend: the caller lets go of the inputs: their shared memory may go as soon as the
            worker has them.
        :raises TransferError: the attributes of the node cannot be pickled.
        """
        info = self._info_of(node)
        if isinstance(info, PackedNode):
            if not lend:
                return self._pool.submit(execute_packed, self._packed_info, info, inputs)
            lease = start_lease(inputs)
            future = self._pool.submit(execute_packed, self._packed_info, info, lease)
            self._leases[future] = lease
            return future
        running = RunningTasks()
        future = self._pool.submit(execute_here, self._info, info, inputs, running)
        self._tasks[future] = running
        return future

    def _info_of(self, node: Node) -> NodeInfo | PackedNode:
        info = self._node_infos.get(node)
        if info is None:
            info = NodeInfo(node.label, node.attrs, node.wanted)
            if not self._by_reference:
                info = pack_node(info, self._defaults)
            self._node_infos[node] = info
        return info

    def are_big(self, inputs: Mapping[Name, Any]) -> bool:
        """Tell whether inputs are in shared memory as long as somebody refers to them."""
        return not self._by_reference and need_memory(inputs)

    def forget(self, future: Future[Outcome]) -> None:
        """Take note that an activation is over."""
        self._tasks.pop(future, None)
        self._leases.pop(future, None)

    def cancel(self, futures: Iterable[Future[Outcome]]) -> bool:
        """Ask running activations to end by themselves, where this process can.

        :returns: True when one of them knows how to.
        """
        known = [self._tasks[future] for future in futures if future in self._tasks]
        asked = [running.cancel() for running in known]
        return any(asked)

    def pack(self, label: str, values: Mapping[Name, Any]) -> dict[Name, Any]:
        """Prepare inputs that come from this process.

        :param label: node, or option, to name in the error.
        :raises TransferError: a value cannot be pickled.
        """
        if self._by_reference:
            return dict(values)
        store = self._info.store
        packed = {
            name: pack_value(label, f"input {name!r}", value, store)
            for name, value in values.items()
        }
        self.adopt(packed)
        return packed

    def adopt(self, values: Mapping[Name, Any]) -> None:
        """Free the shared memory of values when nothing refers to them any more."""
        if not self._by_reference:
            for value in values.values():
                adopt(value)

    def forget_worker(self, pid: int | None) -> None:
        """Take note that a worker has died, maybe while it was writing outputs."""
        if self._info.store is not None and pid is not None:
            remove_orphans(self._info.store, pid)

    def pack_error(self, label: str, failure: Failure, error: BaseException) -> dict[Name, Any]:
        """Describe a failure to the nodes that handle it."""
        description = {
            "errorMessage": message_of(error),
            "traceBack": failure.traceback.splitlines(keepends=True),
        }
        instance: object = failure.exception
        if not self._by_reference and instance is error:
            instance = pack_exception(error)
        return {
            **self.pack(label, {"WorkflowException": description}),
            "WorkflowExceptionInstance": instance,
        }

    def load(self, node: Node, name: Name, output: Any) -> Any:
        """Return the value of an output.

        :raises TransferError: it cannot be unpickled here.
        """
        try:
            return open_value(output, get_varinfo(dict(node.attrs), self._info.varinfo))
        except (Exception, SystemExit) as error:
            reason = f"{type(error).__name__}: {message_of(error)}"
            raise TransferError(node.label, f"output {name!r}", reason) from error

    def load_compared(self, node: Node, outputs: Mapping[Name, Any]) -> dict[Name, Any]:
        """Return the values of the outputs that the conditions of a node look at.

        :raises TransferError: one cannot be unpickled here.
        """
        if not node.compared:
            return {}
        names: set[Name] = set(node.compared)
        if node.is_ppf:
            names.add(PPF_DICT_ARGUMENT)
        values = {name: self.load(node, name, outputs[name]) for name in names if name in outputs}
        inside = values.get(PPF_DICT_ARGUMENT)
        if node.is_ppf and isinstance(inside, Mapping):
            values = {**values, **inside}
        return values


def _pack_info(info: RunInfo) -> bytes:
    try:
        return pickle.dumps(info, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception:
        for name in ("varinfo", "execinfo", "task_options"):
            value = getattr(info, name)
            try:
                pickle.dumps(value)
            except Exception as error:
                cure = f"it must be picklable to reach the workers: {error}"
                raise OptionError(name, value, cure) from error
        raise
