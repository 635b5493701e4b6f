"""Execute a workflow from its arguments to its result."""

from __future__ import annotations

import gc
import logging
import sys
import time
from collections.abc import Hashable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from typing import Any

import networkx
from ewokscore.events import workflow_context
from ewokscore.inittask import task_executable

from ..errors import GraphError, TransferError
from ..graph import analysis
from ..graph.compile import compile_plan
from ..graph.load import load_graph
from ..graph.plan import Plan
from ..graph.select import apply_inputs, select_outputs
from ..hookspecs import Location
from ..pool.options import request_pool
from ..pool.pool import Pool
from ..task.failure import format_traceback, message_of
from ..task.outcome import RunInfo
from ..task.store import open_store
from .arguments import Arguments
from .events import Observers, RunFinished, RunStarted
from .failures import final_error
from .runner import Runner
from .signals import stop_on
from .stopper import Stopper

_logger = logging.getLogger(__name__)


def execute_workflow(arguments: Arguments, execinfo: dict[str, Any] | None) -> dict[Hashable, Any]:
    """Load a graph, run it on a pool, and return the selected outputs.

    :param execinfo: fields of the Ewoks events of the job; None for no events.
    """
    with _without_garbage_collection():
        loaded = load_graph(arguments.graph, arguments.load_options)
        plan = _plan(loaded, arguments)
    imports = _import_tasks(plan) if arguments.pre_import else ()
    opened = _pool(arguments, len(plan.nodes), imports)
    if not plan.nodes:
        return {}
    # Signals are caught before there is a pool, and until it has been closed.
    on_signal = Stopper()
    stop = partial(on_signal.stop, forced=arguments.forced_interruption)
    with (
        stop_on(arguments.signals, stop) if arguments.signals else nullcontext(),
        workflow_context(execinfo, workflow=loaded) as workflow,
        opened as pool,
        open_store() if pool.location is Location.SAME_MACHINE else nullcontext() as store,
    ):
        info = RunInfo(arguments.varinfo, workflow, arguments.task_options, store)
        observers = Observers(arguments.observers)
        start = arguments.startargs or {}
        runner = Runner(plan, pool, info, start, observers, arguments.limits)
        stoppers = [on_signal, arguments.stopper or Stopper()]
        result, error = _run(runner, loaded, stoppers, bool(arguments.merge_outputs))
        if error is not None:
            if arguments.raise_on_error or not isinstance(error, Exception):
                raise error
            for events in (execinfo, workflow):
                if events is not None:
                    events["exception"] = error
        return result


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    # Big graphs are many small objects and no garbage: looking for it takes a quarter of the time.
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _plan(loaded: networkx.DiGraph, arguments: Arguments) -> Plan:
    def start_nodes() -> list[Hashable]:
        return analysis.start_nodes(loaded, analysis.required_links(loaded))

    apply_inputs(loaded, arguments.inputs, start_nodes)
    selected = select_outputs(loaded, arguments.outputs, lambda: analysis.end_nodes(loaded))
    return compile_plan(loaded, selected)


def _pool(
    arguments: Arguments, nodes: int, imports: tuple[str, ...]
) -> AbstractContextManager[Pool]:
    pool = arguments.pool
    if pool is not None:
        return nullcontext(pool if isinstance(pool, Pool) else Pool(pool, None))
    return request_pool(
        pool_type=arguments.pool_type,
        scaling_workers=arguments.scaling_workers,
        max_workers=arguments.max_workers,
        context=arguments.context,
        pool_options=arguments.pool_options,
        nodes=nodes,
        imports=imports,
    ).open()


def _import_tasks(plan: Plan) -> tuple[str, ...]:
    """Import all tasks; return the names of their modules."""
    imported = set()
    for node in plan.nodes:
        name, import_task = task_executable(node.id, dict(node.attrs))
        if import_task is None or name in imported:
            continue
        imported.add(name)
        try:
            import_task(name)
        except Exception as error:
            why = f"{type(error).__name__}: {message_of(error)}"
            problem = f"task {name!r} cannot be imported: {why}"
            raise GraphError(problem, f"node {node.label!r}") from error
    modules = {name.rpartition(".")[0] for name in imported}
    return tuple(sorted(modules & sys.modules.keys() - {"__main__"}))


def _run(
    runner: Runner, loaded: networkx.DiGraph, stoppers: list[Stopper], merge: bool
) -> tuple[dict[Hashable, Any], BaseException | None]:
    """Run, tell the observers, and return the result and what went wrong."""
    label = str(loaded.graph.get("label") or loaded.graph["id"])
    pool_type = runner.pool.pool_type
    _logger.info("workflow %r runs on %s", label, pool_type or "the given pool")
    nodes = len(runner.plan.nodes)
    runner.observers.tell(
        RunStarted(time=time.time(), graph=label, nodes=nodes, pool_type=pool_type)
    )
    error: BaseException | None
    try:
        with ExitStack() as stack:
            for stopper in stoppers:
                stack.enter_context(stopper.stopping(runner.stop))
            runner.run()
        error = final_error(runner.errors)
    except BaseException as exception:
        error = exception
    result, problems = _collect(runner, merge)
    error = error or final_error(list(problems))
    if error is not None:
        result["WorkflowException"] = {
            "errorMessage": message_of(error),
            "traceBack": format_traceback(error).splitlines(keepends=True),
        }
        result["WorkflowExceptionInstance"] = error
    runner.observers.tell(RunFinished(time=time.time(), error=error))
    return result, error


def _collect(runner: Runner, merge: bool) -> tuple[dict[Hashable, Any], list[TransferError]]:
    nodes = runner.plan.nodes
    return runner.results.collect(
        lambda index, name, output: runner.transfer.load(nodes[index], name, output), merge
    )
