"""Keep the numerical libraries of all workers together from using more threads than CPUs."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import sys
from typing import Any

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
"""Read by libraries when they are loaded. If the user set one of them, none is touched."""


_LIBRARIES = ("numpy", "scipy", "sklearn", "torch", "numexpr", "mkl")
"""Modules which load libraries with threads."""


def limit_threads(threads: int) -> None:
    """Limit the BLAS and OpenMP threads of a worker, unless the user has decided already.

    To be called before the worker has threads of its own, because it may fork.

    :param threads: at least 1.
    """
    if any(name in os.environ for name in THREAD_VARIABLES):
        return
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    # The libraries that a fork has do not read the environment any more.
    controller = find_loaded_libraries()
    if controller is not None:
        controller.limit(limits=threads)
        _end_idle_threads(controller.lib_controllers)


def find_loaded_libraries() -> Any:
    """Look for libraries with threads in this process; None when none can be there.

    This takes some 20 ms, and forks of this process need not do it again.
    """
    modules = frozenset(name for name in _LIBRARIES if name in sys.modules)
    return _find(modules) if modules else None


@functools.cache
def _find(modules: frozenset[str]) -> Any:
    import threadpoolctl

    return threadpoolctl.ThreadpoolController()


def _end_idle_threads(libraries: Any) -> None:
    """End the threads that OpenBLAS has started only because it was told their number.

    There is one for each CPU, and each spins for 2**26 cycles before it sleeps, in every worker.
    OpenBLAS itself ends them before a fork, with a function that only some versions let others
    call (``pthread_atfork`` and ``blas_thread_shutdown`` in driver/others), and starts them again
    when it needs them. With other versions a fork that does nothing ends them, in some 8 ms.
    """
    must_fork = False
    for library in libraries:
        if getattr(library, "threading_layer", "") == "pthreads":
            try:
                library.dynlib.blas_thread_shutdown_()
            except AttributeError:
                must_fork = True
    if must_fork:
        _fork_for_nothing()


def _fork_for_nothing() -> None:
    # Not os.fork, which would warn of the threads that are to end, and tell Python of a fork.
    libc = ctypes.PyDLL(None)
    pid = libc.fork()
    if pid == 0:
        libc._exit(0)
    if pid > 0:
        with contextlib.suppress(ChildProcessError):  # the system has reaped it
            os.waitpid(pid, 0)
