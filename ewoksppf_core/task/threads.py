"""Keep the numerical libraries of all workers together from using more threads than CPUs."""

from __future__ import annotations

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
    """Limit the BLAS and OpenMP threads of this process, unless the user has decided already.

    :param threads: at least 1.
    """
    if any(name in os.environ for name in THREAD_VARIABLES):
        return
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    # The libraries that a fork has do not read the environment any more.
    controller = find_loaded_libraries()
    for library in controller.lib_controllers if controller is not None else ():
        if not _limit_quietly(library, threads):
            library.set_num_threads(threads)


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


def _limit_quietly(library: Any, threads: int) -> bool:
    """Limit an OpenBLAS without starting its threads; False when that is impossible.

    Its own function starts them first, one for each CPU, and each of them spins for 2**26 cycles
    before it sleeps: in every forked worker. The limit itself is nothing but this variable
    (``goto_set_num_threads`` in driver/others/blas_server.c of OpenBLAS 0.3.31).
    """
    if library.internal_api != "openblas" or library.threading_layer != "pthreads":
        return False
    try:
        number = ctypes.c_int.in_dll(library.dynlib, "blas_cpu_number")
    except ValueError:
        return False
    before = number.value
    if before != library.get_num_threads() or threads > before:
        return False
    number.value = threads
    return True
