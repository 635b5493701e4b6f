"""What users call: :func:`execute_graph` and :func:`open_pool`."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from ewokscore.events import job_context

from .pool.options import request_pool
from .pool.pool import Pool
from .run.arguments import parse_arguments
from .run.events import Observer
from .run.stopper import Stopper
from .run.workflow import execute_workflow


def execute_graph(
    graph: Any,
    inputs: Sequence[Mapping[str, Any]] | None = None,
    load_options: Mapping[str, Any] | None = None,
    pre_import: bool | None = None,
    stop_on_signals: bool = False,
    forced_interruption: bool = False,
    stop_signals: Sequence[int | str] | None = None,
    db_options: Mapping[str, Any] | None = None,
    startargs: Mapping[str | int, Any] | None = None,
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
    :param pre_import: import all tasks in this process first, and in workers that are not forked
        before they take tasks.
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
    :param pool_options: ``context``, ``threads_per_worker``, ``wait_on_exit``,
        ``wait_on_exit_timeout`` (seconds), ``interrupt_on_exit``, and those that the backend
        declares.
    :param context: start method of processes: ``fork``, ``spawn`` or ``forkserver``.
    :param pool: a pool from :func:`open_pool`, or any :class:`concurrent.futures.Executor`, to
        use instead of opening one. It stays open. Options of a pool cannot be given beside it.
    :param observers: called with each event of the run, see :mod:`ewoksppf_core.run.events`.
    :param task_timeout: seconds after which a task is stopped and fails with
        :class:`TaskTimeoutError`; the node attribute ``task_timeout`` sets it for one node.
    :param retries: how often a task is run again after a mishap: ``{"worker_lost": n}``.
    :param stopper: stops the run when its ``stop`` is called, from any thread.
    :returns: output values by name, or by node id and name; empty without outputs.
    :raises OptionError: an argument has a value that cannot be used.
    :raises UnknownOptionError: there is no argument, or pool or load option, of that name.
    :raises GraphError: the graph cannot be executed.
    :raises LookupError: there is no such pool type.
    :raises BrokenBackendError: the plugin of the pool type cannot be imported.
    :raises PoolUnavailableError: the pool type cannot be used in this process.
    :raises WorkerStartError: worker processes end before they can run tasks.
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
    parsed = parse_arguments({"graph": graph, **arguments})
    with job_context(parsed.execinfo, engine=engine) as execinfo:
        return execute_workflow(parsed, execinfo)


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
    :raises UnknownOptionError: there is no pool option of that name.
    :raises LookupError: there is no such pool type.
    :raises BrokenBackendError: the plugin of the pool type cannot be imported.
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
