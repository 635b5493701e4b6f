"""Turn parsed arguments into the arguments of :func:`ewoksppf_core.execute_graph`."""

from __future__ import annotations

import inspect
import threading
from argparse import Namespace
from typing import Any

from ewoksutils.cli_utils.cli_execute_utils import parse_execute_argument
from ewoksutils.cli_utils.cli_parse import parse_option

from ..api import execute_graph
from ..errors import EwoksPpfError, OptionError, UnknownOptionError
from ..pool.options import POOL_OPTIONS

_OWN_ARGUMENTS = {
    "inputs": "-pn, -pl, -pt, -ps and -pa",
    "outputs": "--outputs",
    "merge_outputs": "--merge-outputs",
    "load_options": "--workflow-format, --workflow-dir and --workflow-module",
    "varinfo": "--data-root-uri and --data-scheme",
    "execinfo": "--jobid, --sqlite3 and --disable-events",
    "task_options": "-t",
}
"""Options that are not given with ``-o``."""

_NOT_FROM_TEXT = {"graph", "pool", "observers", "stopper", "db_options"}


class UsageError(EwoksPpfError, ValueError):
    """Raised for arguments that are wrong in themselves or contradict each other."""


def parse(arguments: Namespace) -> tuple[list[str], dict[str, Any]]:
    """Return the graphs to execute, and the arguments that they are executed with.

    :raises EwoksPpfError: the arguments make no sense.
    """
    _check_options(arguments)
    patterns = " or ".join(map(repr, arguments.workflows))
    try:
        parse_execute_argument(arguments)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if not arguments.graphs:
        raise UsageError(f"there is no file that matches {patterns}")
    options = dict(arguments.execute_options)
    _add_explicit(options, arguments)
    if arguments.disable_events:
        if options["execinfo"]:
            raise UsageError("--disable-events cannot be combined with --jobid or --sqlite3")
        options["execinfo"] = False
    if threading.current_thread() is threading.main_thread():
        # A SIGTERM would leave worker processes behind, and the KeyboardInterrupt of a Ctrl-C is
        # lost when it is raised where Python ignores exceptions, for example while it forks.
        options.setdefault("stop_on_signals", True)
    if options.get("stop_on_signals") is True:
        options.setdefault("stop_signals", ["SIGINT", "SIGTERM"])
        options.setdefault("forced_interruption", True)
    return list(arguments.graphs), options


def _add_explicit(options: dict[str, Any], arguments: Namespace) -> None:
    """Add the options that have an argument of their own and were given."""
    given = {
        "pool_type": arguments.pool_type,
        "context": arguments.context,
        "max_workers": arguments.max_workers,
        "scaling_workers": arguments.scaling,
        "timeout": arguments.timeout,
    }
    given = {name: value for name, value in given.items() if value is not None}
    for name in given:
        if name in options:
            raise UsageError(f"{name} is given twice, as an argument and with -o {name}=...")
    options.update(given)
    if "max_workers" in given and options.setdefault("scaling_workers", False):
        raise UsageError("--max-workers fixes the number of workers: scaling is not possible")


def _check_options(arguments: Namespace) -> None:
    parameters = inspect.signature(execute_graph).parameters.values()
    known = {
        parameter.name for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD
    }
    known -= _NOT_FROM_TEXT | _OWN_ARGUMENTS.keys()
    for name, value in map(parse_option, arguments.options):
        if name in _OWN_ARGUMENTS:
            raise OptionError(name, value, f"give it with {_OWN_ARGUMENTS[name]} instead of -o")
        if name not in known and name not in POOL_OPTIONS:
            raise UnknownOptionError(name, known)
