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
from typing import Any

from ewokscore.hashing import UniversalHash, uhash
from ewokscore.inittask import instantiate_task
from ewokscore.node import get_varinfo
from ewokscore.variable import Variable, value_from_transfer

from .cancel import RunningTasks, in_this_worker
from .events import are_heard, sending_failures_only
from .failure import forget_frames, format_traceback, pack_exception
from .lease import Lease, give_back
from .logs import naming_node
from .outcome import Failure, NodeInfo, Outcome, RunInfo
from .packing import PackedNode, pack_outputs, unpack_inputs, unpack_node
from .parcel import Bundle


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


def execute_packed(run: bytes, node: PackedNode, inputs: Mapping[Any, Any] | Lease) -> Outcome:
    """Execute an activation whose values travel as parcels.

    :param run: pickled :class:`RunInfo`.
    :param inputs: parcels by name; with a lease its owner is told when they have been unpacked.
    """

    def outputs() -> dict[Any, Any]:
        run_info = _load_run(run)
        # The task and its inputs are gone when its outputs are packed: both can be big.
        label, outputs = _execute_unpacked(run_info, unpack_node(node), inputs)
        return pack_outputs(label, outputs, run_info.store)

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
    values = unpack_inputs(node.label, parcels)
    if isinstance(inputs, Lease):
        give_back(inputs)
    outputs = _execute(run, node, values, in_this_worker)
    return node.label, dict(_wanted(node, outputs))


def _wanted(node: NodeInfo, outputs: Mapping[Any, Any]) -> Mapping[Any, Any]:
    if node.wanted is None:
        return outputs
    return {name: value for name, value in outputs.items() if name in node.wanted}
