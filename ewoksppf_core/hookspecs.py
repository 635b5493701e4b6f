"""The contract between the core and a backend: read this before you write one.

A backend is a Python module with one function::

    from ewoksppf_core import PoolBackend, PoolOptions, hookimpl

    def open_pool(options: PoolOptions) -> Executor:
        return MyExecutor(options.max_workers)

    @hookimpl
    def ewoksppf_pool_backend() -> PoolBackend:
        return PoolBackend(pool_type="mine", summary="...", open=open_pool)

and one entry point in its distribution, named after the pool type::

    [project.entry-points."ewoksppf_core.backends"]
    mine = "my_module"

Importing the module must be cheap: import what the pool is made of inside ``open``.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field

import pluggy

PROJECT_NAME = "ewoksppf_core"
ENTRY_POINT_GROUP = "ewoksppf_core.backends"

hookspec = pluggy.HookspecMarker(PROJECT_NAME)
hookimpl = pluggy.HookimplMarker(PROJECT_NAME)


class Location(enum.Enum):
    """Where the workers of a pool live, which decides how values reach them."""

    SAME_PROCESS = "this process"
    """Threads or greenlets: values pass by reference."""

    SAME_MACHINE = "other processes on this machine"
    """Values travel as parcels, big buffers in shared memory."""

    ELSEWHERE = "other machines"
    """Values travel as parcels without shared memory."""


class Scaling(enum.Enum):
    """Who decides how many workers there are."""

    EXECUTOR = "the executor"
    """The backend opens one executor, which has as many workers as it likes."""

    CORE = "the core"
    """The backend opens single-worker executors; the core keeps an elastic set of them.

    Each gets one task at a time. It ends with ``shutdown(wait=False)``, followed by
    ``shutdown(wait=True)``. When its ``submit`` raises
    :class:`concurrent.futures.BrokenExecutor`, the task goes to another one. A worker that takes
    its time to start has an attribute ``ready``, a :class:`concurrent.futures.Future` that is
    done when it has started: it gets no task before, and none when its future has an exception.

    It may have three methods more. ``terminate_workers()`` asks its worker to end, as for SIGTERM,
    and ``kill_workers()`` ends it; a running task fails with :class:`WorkerLostError`. Without
    them a running task cannot be stopped. ``is_dead()`` tells whether an idle worker has died, so
    that it gets no further task.
    """


@dataclass(frozen=True, kw_only=True)
class PoolOptions:
    """What a backend is asked for when it opens a pool.

    :param max_workers: number of workers, at least 1; None leaves it to the backend. It is
        always 1 when the core scales.
    :param context: start method of processes, one of the contexts that the backend declares,
        or None for the default.
    :param threads_per_worker: BLAS and OpenMP threads that each worker should use; None for no
        limit. For workers that are processes.
    :param imports: modules that workers should import before they take tasks. For workers that
        are processes.
    :param extra: values of the options that the backend declares as ``extra_options``.
    """

    max_workers: int | None = None
    context: str | None = None
    threads_per_worker: int | None = None
    imports: tuple[str, ...] = ()
    extra: Mapping[str, object] = field(default_factory=dict)


def _always_available() -> None:
    return None


@dataclass(frozen=True, kw_only=True)
class PoolBackend:
    """One way to run tasks concurrently, and the facts about it that the core relies on.

    :param pool_type: the name by which users choose it, equal to the entry-point name.
    :param summary: one line that says what the workers are good for; ``ewoksppf backends --json``
        shows it.
    :param open: opens a pool. The executor's ``shutdown`` must free everything.
    :param made_of: what runs the tasks, for example ``threading.Thread``.
    :param location: where the workers live.
    :param scaling: who decides how many workers there are.
    :param contexts: accepted values of the ``context`` option; empty when there is no choice.
    :param nested_processes: True when a task may start processes with :mod:`multiprocessing`.
    :param daemonic: True when running workers die with the parent, also when it is killed;
        False when they finish their task first.
    :param extra_options: names of further ``pool_options`` that ``open`` understands.
    :param unavailable: says why the backend cannot be used in this process right now, in words
        that tell the cure, or returns None when it can.

    Running tasks can be interrupted when the executor has a method ``stop_tasks(futures, grace)``,
    which returns when they have ended or after ``grace`` seconds, or a method ``kill_workers()``,
    as :class:`concurrent.futures.ProcessPoolExecutor` has since Python 3.14, which ends all tasks.
    """

    pool_type: str
    summary: str
    open: Callable[[PoolOptions], Executor]
    made_of: str = ""
    location: Location = Location.SAME_PROCESS
    scaling: Scaling = Scaling.EXECUTOR
    contexts: tuple[str, ...] = ()
    nested_processes: bool = True
    daemonic: bool = False
    extra_options: frozenset[str] = frozenset()
    unavailable: Callable[[], str | None] = _always_available


@hookspec
def ewoksppf_pool_backend() -> PoolBackend:  # type: ignore[empty-body]
    """Return the backend that this plugin provides. Called once per process."""


@hookspec(firstresult=True)
def ewoksppf_default_pool_type() -> str | None:
    """Return the pool type to use when the user chooses none, or None for no opinion.

    Asked at every run, so that a plugin can look at the state of the process.
    """
