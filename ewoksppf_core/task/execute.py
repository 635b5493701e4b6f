"""How one activation is executed, inside a worker.

Failures are returned, not raised, so that they take the same way through every executor.
"""

from __future__ import annotations

import functools
import os
import pickle
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from ewokscore.hashing import UniversalHash, uhash
from ewokscore.inittask import instantiate_task
from ewokscore.node import get_varinfo
from ewokscore.variable import Variable, value_from_transfer

from ..errors import TransferError
from .cancel import RunningTasks, in_this_worker
from .defaults import BigDefaults, put_back
from .events import are_heard, sending_failures_only
from .failure import PackedException, forget_frames, format_traceback, pack_exception
from .lease import Lease, give_back
from .logs import naming_node
from .parcel import Bundle, Parcel, Pickled


@dataclass(frozen=True)
class RunInfo:
    """What all activations of a run have in common.

    :param varinfo: arguments of the variables: persistence.
    :param execinfo: fields of the Ewoks events; None for no events.
    :param task_options: further arguments of every task.
    :param store: folder in shared memory for big values; None for none.
    """

    varinfo: Mapping[str, Any] | None
    execinfo: Mapping[str, Any] | None
    task_options: Mapping[str, Any] | None
    store: str | None = None


@dataclass(frozen=True)
class NodeInfo:
    """What all activations of a node have in common.

    :param label: what the user calls the node; also its id in Ewoks events.
    :param attrs: attributes of the node.
    :param wanted: outputs that are sent back; None for all.
    :param incomplete: big default inputs have been taken out of the attributes.
    """

    label: str
    attrs: Mapping[str, Any]
    wanted: frozenset[Any] | None
    incomplete: bool = False


@dataclass(frozen=True)
class Failure:
    """An exception and its traceback text.

    :param exception: the exception, packed when it comes from another process.
    :param traceback: formatted traceback.
    """

    exception: BaseException | PackedException
    traceback: str

    def unpack(self) -> BaseException:
        """Return the exception."""
        if isinstance(self.exception, PackedException):
            return self.exception.unpack()
        return self.exception


@dataclass(frozen=True)
class Outcome:
    """What became of an activation.

    :param outputs: values or parcels by name; None after a failure.
    :param failure: the failure; None after a success.
    :param pid: process which ran it.
    :param started: when it began, in seconds since the epoch.
    :param finished: when it ended.
    """

    outputs: Mapping[Any, Any] | None
    failure: Failure | None
    pid: int
    started: float
    finished: float


def execute_here(
    run: RunInfo, node: NodeInfo, inputs: Mapping[Any, Any], running: RunningTasks
) -> Outcome:
    """Execute an activation; values pass by reference.

    :param running: gets to know the task, so that it can be cancelled.
    """
    return _outcome(
        lambda: _wanted(node, _execute(run, node, inputs, running)),
        lambda error: Failure(error, format_traceback(error)),
    )


def execute_packed(run: bytes, node: Parcel, inputs: Mapping[Any, Any] | Lease) -> Outcome:
    """Execute an activation whose values travel as parcels.

    :param run: pickled :class:`RunInfo`.
    :param node: a :class:`NodeInfo`.
    :param inputs: parcels by name; with a lease its owner is told when they have been unpacked.
    """

    def outputs() -> dict[Any, Any]:
        run_info = _load_run(run)
        # The task and its inputs are gone when its outputs are packed: both can be big.
        label, outputs = _execute_unpacked(run_info, _unpack_node(node), inputs)
        return _pack(label, outputs, run_info.store)

    def failure(error: BaseException) -> Failure:
        packed = pack_exception(error)
        forget_frames(error)
        return Failure(packed, packed.traceback)

    return _outcome(outputs, failure)


@functools.lru_cache(maxsize=4)
def _load_run(run: bytes) -> RunInfo:
    # Runs that share a pool take turns in a worker, so that it meets few at a time.
    info: RunInfo = pickle.loads(run)
    return info


def pack_node(node: NodeInfo, defaults: BigDefaults) -> Parcel:
    """Pack what all activations of a node have in common.

    :param defaults: packs its big default inputs.
    :raises TransferError: naming the default input that cannot be pickled.
    """
    try:
        if defaults.store is None:
            return Parcel.pack(node)
        pickled = Pickled(_without_defaults(node, defaults))
        if pickled.is_big and defaults.add(node.attrs):
            pickled = Pickled(_without_defaults(node, defaults))
        return pickled.parcel(defaults.store)
    except Exception as error:
        for item in node.attrs.get("default_inputs") or ():
            pack_value(node.label, f"input {item['name']!r}", item["value"], None)
        raise TransferError(node.label, "attributes", _reason(error)) from error


def pack_value(label: str, variable: str, value: Any, store: str | None) -> Any:
    """Turn a value into a parcel, unless it can travel already.

    :param label: node to name in the error.
    :param variable: variable to name in the error.
    :param store: folder in shared memory for big values.
    :raises TransferError: it cannot be pickled.
    """
    if isinstance(value, Parcel | PackedException):
        return value
    if isinstance(value, Bundle):
        packed = {name: pack_value(label, variable, item, store) for name, item in value.items()}
        return Bundle(packed)
    try:
        return Parcel.pack(value, store)
    except Exception as error:
        raise TransferError(label, variable, _reason(error)) from error


def open_value(value: Any, varinfo: Mapping[str, Any] | None) -> Any:
    """Return the value that a transferred output stands for.

    :param value: a value, parcel, Ewoks variable or URI.
    """
    if isinstance(value, Parcel):
        value = value.unpack()
    return value_from_transfer(value, varinfo=varinfo)


def _execute(
    run: RunInfo, node: NodeInfo, inputs: Mapping[Any, Any], running: RunningTasks
) -> Mapping[Any, Any]:
    attrs = _with_main_module(node.attrs)
    varinfo = get_varinfo(attrs, run.varinfo)
    hashing = bool(varinfo.get("root_uri") or varinfo.get("enable_hashing"))
    # A profile is named after the job: ewokscore looks for that before it begins.
    profiled = bool(run.task_options and run.task_options.get("profile_directory"))
    unheard = None if profiled or not run.execinfo or are_heard(run.execinfo) else run.execinfo
    task = instantiate_task(
        node.label,
        attrs,
        inputs={name: _as_input(value, varinfo, hashing) for name, value in inputs.items()},
        varinfo=run.varinfo,
        execinfo=None if unheard else run.execinfo,
        task_options=run.task_options,
    )
    with ExitStack() as stack:
        stack.enter_context(naming_node(node.label))
        stack.enter_context(running.running(task))
        if unheard is not None:
            stack.enter_context(sending_failures_only(task, attrs, unheard))
        task.execute()
    outputs: Mapping[Any, Any] = task.get_output_transfer_data()
    return outputs


def _with_main_module(attrs: Mapping[str, Any]) -> Mapping[str, Any]:
    # A spawned worker imports the main script under this name, and Ewoks registers its classes so.
    name = str(attrs.get("task_identifier", ""))
    main = sys.modules.get("__mp_main__")
    if main is None or main.__name__ != "__mp_main__" or not name.startswith("__main__."):
        return attrs
    return {**attrs, "task_identifier": name.replace("__main__", "__mp_main__", 1)}


def _as_input(value: Any, varinfo: Mapping[str, Any], hashing: bool) -> Any:
    if isinstance(value, Bundle):
        return {name: value_from_transfer(item, varinfo=varinfo) for name, item in value.items()}
    if hashing and isinstance(value, BaseException):
        # Ewoks has no hash for exceptions, and the outputs of a task are stored by the hash of
        # its inputs.
        digest: UniversalHash = uhash((type(value).__qualname__, str(value)))
        return Variable(value=value, pre_uhash=digest, varinfo={"enable_hashing": True})
    return value


def _outcome(
    outputs: Callable[[], Mapping[Any, Any]], failure: Callable[[BaseException], Failure]
) -> Outcome:
    started = time.time()
    try:
        return Outcome(outputs(), None, os.getpid(), started, time.time())
    except BaseException as error:  # SystemExit of a task is a failure of that task
        return Outcome(None, failure(error), os.getpid(), started, time.time())


def _execute_unpacked(
    run: RunInfo, node: NodeInfo, inputs: Mapping[Any, Any] | Lease
) -> tuple[str, dict[Any, Any]]:
    """Return the label of the node, and the outputs that are wanted."""
    parcels = inputs.inputs if isinstance(inputs, Lease) else inputs
    values = {name: _unpack(node, name, value) for name, value in parcels.items()}
    if isinstance(inputs, Lease):
        give_back(inputs)
    outputs = _execute(run, node, values, in_this_worker)
    return node.label, dict(_wanted(node, outputs))


def _wanted(node: NodeInfo, outputs: Mapping[Any, Any]) -> Mapping[Any, Any]:
    if node.wanted is None:
        return outputs
    return {name: value for name, value in outputs.items() if name in node.wanted}


def _pack(label: str, outputs: dict[Any, Any], store: str | None) -> dict[Any, Any]:
    """Pack outputs, letting go of each when it is packed."""
    return {
        name: pack_value(label, f"output {name!r}", outputs.pop(name), store)
        for name in list(outputs)
    }


def _without_defaults(node: NodeInfo, defaults: BigDefaults) -> NodeInfo:
    attrs = defaults.take_out(node.attrs)
    return node if attrs is node.attrs else replace(node, attrs=attrs, incomplete=True)


def _unpack_node(parcel: Parcel) -> NodeInfo:
    node: NodeInfo = parcel.unpack()
    if not node.incomplete:
        return node
    attrs = put_back(node.attrs, functools.partial(_unpack, node))
    return replace(node, attrs=attrs, incomplete=False)


def _unpack(node: NodeInfo, name: Any, value: Any) -> Any:
    if isinstance(value, Bundle):
        return Bundle({key: _unpack(node, name, item) for key, item in value.items()})
    if not isinstance(value, Parcel | PackedException):
        return value
    try:
        return value.unpack()
    except Exception as error:
        raise TransferError(node.label, f"input {name!r}", _reason(error)) from error


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
