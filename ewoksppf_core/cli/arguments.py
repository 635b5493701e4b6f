"""The grammar of the command line: that of ``ewoks execute``, and what only ewoksppf has."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser
from collections.abc import Iterable
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from ewokscore.graph.serialize import GraphRepresentation
from ewoksutils.cli_utils.cli_argparse import add_to_parser
from ewoksutils.cli_utils.cli_execute_utils import execute_arguments
from ewoksutils.cli_utils.cli_log_utils import log_arguments

_EPILOG = """\
examples:
  ewoksppf execute workflow.json
  ewoksppf execute workflow.json -pn node1:a=3 --max-workers 4 --json
  ewoksppf execute --test demo --pool-type thread --outputs all
  ewoksppf backends

exit codes:
  0    success
  1    a task failed, or the workflow was stopped (--timeout, SIGTERM)
  2    wrong usage: nothing was executed (bad option or graph, unusable pool type)
  130  interrupted with Ctrl-C
"""

_HELP = {
    "workflows": "Workflows to execute, one after the other (e.g. JSON filename, JSON string).",
    "test": "GRAPH is the name of a test graph of ewokscore, for example 'demo'.",
    "search": "GRAPH is a pattern of file names. Ignored when --test is given.",
    "root_module": "Python root module for module-like workflow representations or "
    "task identifiers of sub-workflows.",
    "options": "Option of ewoksppf_core.execute_graph; VALUE is JSON or a string.",
    "task_options": "Task option; VALUE is JSON or a string.",
    "outputs": "Outputs to show, by node: of end nodes, of all nodes, or none.",
    "merge_outputs": "Show outputs by name only, merged over the nodes.",
    "log": "Log level. 'debug' also shows complete tracebacks.",
}


def create_parser() -> ArgumentParser:
    """Return the parser of the command line."""
    parser = ArgumentParser(
        prog="ewoksppf",
        description="Run Ewoks workflows in parallel, on any pool of workers.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--version", action="version", version=f"%(prog)s {version('ewoksppf-core')}"
    )
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    summary = "Execute workflows."
    execute = commands.add_parser(
        "execute",
        help=summary,
        description=summary,
        usage="%(prog)s [options] GRAPH [GRAPH ...]",
        epilog=_EPILOG,
        formatter_class=_HelpFormatter,
        allow_abbrev=False,
    )
    add_to_parser(execute, list(_ewoks_arguments()))
    _add_pool_arguments(execute)
    _add_display_arguments(execute)
    summary = "Show the installed pool types."
    backends = commands.add_parser("backends", help=summary, description=summary)
    backends.add_argument("--json", action="store_true", help="Write JSON.")
    return parser


def _ewoks_arguments() -> Iterable[Any]:
    """Yield what ``ewoks execute`` accepts, except for the engine."""
    representations = [str(name) for name in GraphRepresentation]
    for argument in (
        *execute_arguments(graph_representations=representations),
        *log_arguments(),
    ):
        if argument.dest == "engine":
            continue
        if argument.dest in _HELP:
            argument = replace(argument, help=_HELP[argument.dest])
        elif argument.help.startswith("DEPRECATED"):
            argument = replace(argument, help=argparse.SUPPRESS)
        if argument.dest == "workflows":
            argument = replace(argument, metavar="GRAPH")
        elif argument.dest == "outputs":
            # `ewoks execute` shows nothing by default, which few people expect.
            argument = replace(argument, default="end")
        elif argument.action == "append":
            argument = replace(argument, type=_assignment)
        yield argument


def _assignment(text: str) -> str:
    # ewoksutils takes a missing value for an empty one.
    if "=" not in text:
        raise argparse.ArgumentTypeError(f"'=' is missing in {text!r}")
    return text


def _add_pool_arguments(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("workers")
    group.add_argument(
        "--pool-type",
        metavar="NAME",
        help="Where tasks run, see `ewoksppf backends`. Default: EWOKSPPF_POOL_TYPE, or process.",
    )
    group.add_argument(
        "--max-workers",
        type=int,
        metavar="N",
        help="Fix the number of workers; implies --no-scaling. 0: one per node of the graph.",
    )
    group.add_argument(
        "--scaling",
        action=argparse.BooleanOptionalAction,
        help="Let the number of workers follow the load (the default), or fix it at the number "
        "of usable CPUs or at --max-workers.",
    )
    group.add_argument(
        "--context", metavar="METHOD", help="How worker processes start: fork, spawn, forkserver."
    )
    group.add_argument(
        "--timeout", type=float, metavar="SECONDS", help="Stop each workflow after this time."
    )


def _add_display_arguments(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("display")
    group.add_argument(
        "--json",
        action="store_true",
        help="Write results and errors to stdout as JSON: an object with 'graph', 'result' and "
        "'error' per workflow, in a list when there are several GRAPHs, or with --search. What "
        "tasks print goes to stderr.",
    )
    group.add_argument("--no-progress", action="store_true", help="Do not show progress.")
    group.add_argument("-q", "--quiet", action="store_true", help="Show only results and errors.")


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Shows defaults where there is something to say."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default in (None, False, "", []):
            return action.help
        return super()._get_help_string(action)
