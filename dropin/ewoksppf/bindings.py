"""Run workflows as the Ewoks engine ``ppf``."""

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import ewoksppf_core
from ewoksppf_core.api import execute_as

P = ParamSpec("P")
T = TypeVar("T")


def _under_the_name_ppf(execute: Callable[P, T]) -> Callable[P, T]:
    signature = inspect.signature(execute)

    # The function keeps its own name and module: it must pickle as what it is.
    @functools.wraps(execute, assigned=("__doc__", "__annotations__"))
    def execute_graph(*args: P.args, **kwargs: P.kwargs) -> T:
        arguments = signature.bind(*args, **kwargs).arguments
        arguments |= arguments.pop("deprecated_pool_options", {})
        return execute_as("ppf", **arguments)  # type: ignore[return-value]

    execute_graph.__qualname__ = execute_graph.__name__
    return execute_graph


execute_graph = _under_the_name_ppf(ewoksppf_core.execute_graph)
