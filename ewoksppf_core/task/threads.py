"""Keep the numerical libraries of all workers together from using more threads than CPUs."""

from __future__ import annotations

import os
import sys

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
"""Read by libraries when they are loaded. If the user set one of them, none is touched."""


def limit_threads(threads: int) -> None:
    """Limit the BLAS and OpenMP threads of this process, unless the user has decided already.

    :param threads: at least 1.
    """
    if any(name in os.environ for name in THREAD_VARIABLES):
        return
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    if "numpy" in sys.modules:  # a fork: its libraries do not read the environment any more
        import threadpoolctl

        threadpoolctl.threadpool_limits(threads)
