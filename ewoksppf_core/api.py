"""What users call: :func:`execute_graph` and :func:`open_pool`."""

from __future__ import annotations

import inspect
import logging
import time
import warnings
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import networkx
from ewokscore.events import job_context, workflow_context
from ewokscore.inittask import task_executable

from .errors import GraphError, OptionError, UnknownOptionError
from .graph import analysis
from .graph.load import load_graph
from .graph.plan import Plan, compile_plan
from .graph.select import apply_inputs, select_outputs
from .hookspecs import Location
from .pool.options import POOL_OPTIONS, request_pool
from .pool.pool import Pool
from .pool.shutdown import check_seconds
from .run.events import Observer, Observers, RunFinished, RunStarted
from .run.runner import Limits, Runner, final_error
from .run.signals import parse_signals, stop_on
from .run.stopper import Stopper
from .task.execute import RunInfo
from .task.failure import format_traceback
from .task.store import open_store

_logger = logging.getLogger(__name__)


def execute_graph(
    graph: Any,
    inputs: Sequence[Mapping[str, Any]] | None = None,
    load_options: Mapping[str, Any] | None = None,
    pre_import: bool | None = None,
    stop_on_signals: bool = False,
    forced_interruption: bool = False,
    stop_signals: Sequence[int | str] | None = None,
    db_options: Mapping[str, Any] | None = None,
    startargs: Mapping[str, Any] | None = None,
    raise_on_error: bool | None = True,
    outputs: Sequence[Mapping[str, Any]] | None = None,
    merge_outputs: bool | None = True,
    timeout: float | None = None,
    varinfo: Mapping[str, Any] | None = None,
    execinfo: Mapping[str, Any] | bool | str | None = None,
    task_options: Mapping[str, Any] | None = None,
    max_workers: int | None = None,
    scaling_workers: bool = True,
    pool_type: str | None = None,
    pool_options: Mapping[str, Any] | None = None,
    context: str | None = None,
    pool: Executor | None = None,
    observers: Iterable[Observer] = (),
    task_timeout: float | None = None,
    retries: Mapping[str, int] | None = None,
    stopper: Stopper | None = None,
    **deprecated_pool_options: Any,
) -> dict[Hashable, Any]:
    """Execute an Ewoks graph and return its outputs.

    :param graph: anything that ``ewokscore.load_graph`` accepts: a file name, a JSON string, a
        dictionary, a ``TaskGraph``... It is not modified.
    :param inputs: input values: dictionaries with ``name``, ``value`` and one of ``id``,
        ``label`` and ``task_identifier``, or ``all``; start nodes without any of these.
    :param load_options: ``representation``, ``root_dir``, ``root_module``.
    :param pre_import: import all tasks in this process first, so that forked workers need not.
    :param stop_on_signals: stop the run when one of ``stop_signals`` arrives.
    :param forced_interruption: interrupt running tasks when the run is stopped by a signal,
        instead of waiting for them.
    :param stop_signals: numbers or names of signals; default SIGTERM.
    :param db_options: not supported any more, see ``execinfo``.
    :param startargs: dynamic inputs of every start node.
    :param raise_on_error: raise the first unhandled error; otherwise it is returned as
        ``WorkflowExceptionInstance``, beside ``WorkflowException``.
    :param outputs: output values to return: dictionaries with one of ``id``, ``label`` and
        ``task_identifier``, or ``all``, and optionally ``name`` and ``new_name``. Default: all
        outputs of the end nodes.
    :param merge_outputs: return the outputs by name; otherwise by node id, then by name.
    :param timeout: seconds after which the run is stopped.
    :param varinfo: where and how outputs are stored: ``root_uri``, ``scheme``.
    :param execinfo: fields and handlers of the Ewoks events; False for no events.
    :param task_options: further arguments of every task, for example ``profile_directory``.
    :param max_workers: number of workers, with ``scaling_workers=False``. None: the number of
        usable CPUs; 0 or less: one per node of the graph.
    :param scaling_workers: let the number of workers follow the load.
    :param pool_type: name of the backend which runs the tasks. Default: the environment variable
        ``EWOKSPPF_POOL_TYPE``, ``gevent`` under monkey patching, ``process``.
    :param pool_options: ``context``, ``wait_on_exit``, ``wait_on_exit_timeout`` (seconds),
        ``interrupt_on_exit``, and those that the backend declares.
    :param context: start method of processes: ``fork``, ``spawn`` or ``forkserver``.
    :param pool: a pool from :func:`open_pool`, or any :class:`concurrent.futures.Executor`, to
        use instead of opening one. It stays open.
    :param observers: called with each event of the run, see :mod:`ewoksppf_core.run.events`.
    :param task_timeout: seconds after which a task is stopped and fails with
        :class:`TaskTimeoutError`; the node attribute ``task_timeout`` sets it for one node.
    :param retries: how often a task is run again after a mishap: ``{"worker_lost": n}``.
    :param stopper: stops the run when its ``stop`` is called, from any thread.
    :returns: output values by name, or by node id and name; empty without outputs.
    :raises OptionError: an argument has a value that cannot be used.
    :raises GraphError: the graph cannot be executed.
    :raises LookupError: there is no such pool type.
    :raises PoolUnavailableError: the pool type cannot be used in this process.
    :raises WorkflowTimeoutError: the run took longer than ``timeout``.
    :raises WorkflowStoppedError: a signal or the stopper stopped the run.
    :raises Exception: the first error of a task that no on_error link handles, as ewokscore
        raises it: ``TaskExecutionError`` with the original as ``__cause__``.
    """
    arguments = dict(locals())
    arguments |= arguments.pop("deprecated_pool_options")
    return execute_as("ppf_core", **arguments)


def execute_as(engine: str, graph: Any, **arguments: Any) -> dict[Hashable, Any]:
    """Execute a graph under the name of an engine, which appears in the Ewoks events.

    :param engine: name of the Ewoks engine.
    :param arguments: those of :func:`execute_graph`.
    """
    bound = _bind(graph, arguments)
    execinfo = bound.pop("execinfo")
    with _event_context(job_context, execinfo, engine=engine) as job:
        return _execute(execinfo=job, **bound)


@contextmanager
def open_pool(
    pool_type: str | None = None,
    *,
    max_workers: int | None = None,
    scaling_workers: bool = True,
    context: str | None = None,
    pool_options: Mapping[str, Any] | None = None,
) -> Iterator[Pool]:
    """Open a pool for several calls of :func:`execute_graph`, so that its workers stay warm.

    .. code-block:: python

        with open_pool("process") as pool:
            for graph in graphs:
                execute_graph(graph, pool=pool)

    The arguments are those of :func:`execute_graph`. Leaving the context ends all workers.

    :raises OptionError: an argument has a value that cannot be used.
    :raises LookupError: there is no such pool type.
    :raises PoolUnavailableError: the pool type cannot be used in this process.
    """
    request = request_pool(
        pool_type=pool_type,
        max_workers=max_workers,
        scaling_workers=scaling_workers,
        context=context,
        pool_options=pool_options,
    )
    with request.open() as pool:
        yield pool


def _bind(graph: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """Check the arguments of a run and give all of them a value."""
    parameters = inspect.signature(execute_graph).parameters
    known = {
        name: parameter.default
        for name, parameter in parameters.items()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD and name != "graph"
    }
    pool_options = arguments.get("pool_options") or {}
    if not isinstance(pool_options, Mapping):
        raise OptionError("pool_options", pool_options, "a dictionary is expected")
    deprecated = {name: arguments.pop(name) for name in arguments.keys() - known.keys()}
    for name in deprecated:
        if name not in POOL_OPTIONS:
            raise UnknownOptionError(name, known)
    if deprecated:
        warnings.warn(
            f"pass {', '.join(deprecated)} inside pool_options", DeprecationWarning, stacklevel=4
        )
    bound = {**known, **arguments, "graph": graph}
    bound["pool_options"] = {**deprecated, **pool_options}
    _check(bound)
    return bound


def _check(bound: Mapping[str, Any]) -> None:
    if bound["db_options"]:
        raise OptionError(
            "db_options",
            bound["db_options"],
            "databases are not written any more: follow a run with Ewoks events, "
            'execinfo={"handlers": [...]}, or with observers',
        )
    for name in ("timeout", "task_timeout"):
        check_seconds(name, bound[name])
    for name in ("startargs", "varinfo", "task_options", "load_options"):
        if bound[name] is not None and not isinstance(bound[name], Mapping):
            raise OptionError(name, bound[name], "a dictionary is expected")
    execinfo = bound["execinfo"]
    if execinfo is not None and not isinstance(execinfo, Mapping | bool | str):
        cure = "a dictionary, a job id, True or False is expected"
        raise OptionError("execinfo", execinfo, cure)
    if bound["stopper"] is not None and not isinstance(bound["stopper"], Stopper):
        raise OptionError("stopper", bound["stopper"], "a Stopper is expected")
    pool = bound["pool"]
    if pool is not None and not isinstance(pool, Executor):
        raise OptionError("pool", pool, "a pool from open_pool, or an Executor, is expected")


def _execute(
    *,
    graph: Any,
    inputs: Any,
    load_options: Any,
    pre_import: bool | None,
    stop_on_signals: bool,
    forced_interruption: bool,
    stop_signals: Any,
    db_options: Any,
    startargs: Any,
    raise_on_error: bool | None,
    outputs: Any,
    merge_outputs: bool | None,
    timeout: float | None,
    varinfo: Any,
    execinfo: Any,
    task_options: Any,
    max_workers: Any,
    scaling_workers: Any,
    pool_type: Any,
    pool_options: Any,
    context: Any,
    pool: Executor | None,
    observers: Iterable[Observer],
    task_timeout: float | None,
    retries: Mapping[str, int] | None,
    stopper: Stopper | None,
) -> dict[Hashable, Any]:
    signals = parse_signals(stop_signals) if stop_on_signals else ()
    limits = Limits(timeout, task_timeout, _worker_lost_retries(retries))
    loaded = load_graph(graph, load_options)
    plan = _plan(loaded, inputs, outputs)
    opened: AbstractContextManager[Pool]
    if pool is not None:
        opened = nullcontext(pool if isinstance(pool, Pool) else Pool(pool, None))
    else:
        opened = request_pool(
            pool_type=pool_type,
            scaling_workers=scaling_workers,
            max_workers=max_workers,
            context=context,
            pool_options=pool_options,
            nodes=len(plan.nodes),
        ).open()
    if not plan.nodes:
        return {}
    if pre_import:
        _import_tasks(plan)
    told = Observers(observers)
    label = str(loaded.graph.get("label") or loaded.graph["id"])
    on_signal = Stopper()
    stop = partial(on_signal.stop, forced=forced_interruption)
    with (
        stop_on(signals, stop) if signals else nullcontext(),
        _event_context(workflow_context, execinfo, workflow=loaded) as workflow,
        opened as open_pool,
        open_store() if open_pool.location is Location.SAME_MACHINE else nullcontext() as store,
    ):
        _logger.info("workflow %r runs on %s", label, open_pool.pool_type or "the given pool")
        told.tell(
            RunStarted(
                time=time.time(),
                graph=label,
                nodes=len(plan.nodes),
                pool_type=open_pool.pool_type,
            )
        )
        info = RunInfo(varinfo, workflow, task_options, store)
        runner = Runner(plan, open_pool, info, startargs or {}, told, limits)
        error: BaseException | None = None
        try:
            with (
                on_signal.stopping(runner.stop),
                (stopper or Stopper()).stopping(runner.stop),
            ):
                runner.run()
            error = final_error(runner.errors)
        except BaseException as exception:
            error = exception
        told.tell(RunFinished(time=time.time(), error=error))
        if error is not None:
            if raise_on_error or not isinstance(error, Exception):
                raise error
            for event_info in (execinfo, workflow):
                if event_info is not None:
                    event_info["exception"] = error
        return _result(plan, runner, bool(merge_outputs), error)


def _worker_lost_retries(retries: Any) -> int:
    if retries is None:
        return 0
    if not isinstance(retries, Mapping):
        raise OptionError("retries", retries, 'a dictionary like {"worker_lost": 1} is expected')
    for name in retries:
        if name != "worker_lost":
            raise UnknownOptionError(f"retries[{name!r}]", ["worker_lost"])
    times = retries.get("worker_lost", 0)
    if isinstance(times, bool) or not isinstance(times, int) or times < 0:
        raise OptionError("retries", dict(retries), "a whole number, 0 or more, is expected")
    return times


def _plan(loaded: networkx.DiGraph, inputs: Any, outputs: Any) -> Plan:
    def start_nodes() -> list[Hashable]:
        return analysis.start_nodes(loaded, analysis.required_links(loaded))

    apply_inputs(loaded, inputs, start_nodes)
    selected = select_outputs(loaded, outputs, lambda: analysis.end_nodes(loaded))
    return compile_plan(loaded, selected)


def _import_tasks(plan: Plan) -> None:
    imported = set()
    for node in plan.nodes:
        name, import_task = task_executable(node.id, dict(node.attrs))
        if import_task is None or name in imported:
            continue
        imported.add(name)
        try:
            import_task(name)
        except Exception as error:
            problem = f"task {name!r} cannot be imported: {type(error).__name__}: {error}"
            raise GraphError(problem, f"node {node.label!r}") from error


def _result(
    plan: Plan, runner: Runner, merge: bool, error: BaseException | None
) -> dict[Hashable, Any]:
    result = runner.results.collect(
        lambda index, name, output: runner.transfer.load(plan.nodes[index], name, output), merge
    )
    if error is not None:
        result["WorkflowException"] = {
            "errorMessage": str(error),
            "traceBack": format_traceback(error).splitlines(keepends=True),
        }
        result["WorkflowExceptionInstance"] = error
    return result


def _event_context(
    context: Callable[..., AbstractContextManager[Any]], execinfo: Any, **fields: Any
) -> AbstractContextManager[Any]:
    return context(execinfo, **fields)
