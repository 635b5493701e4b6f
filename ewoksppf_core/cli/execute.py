"""``ewoksppf execute``."""

from __future__ import annotations

import json
import signal
import sys
from argparse import Namespace
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from ..api import execute_graph
from ..errors import EwoksPpfError, GraphError, WorkflowStoppedError, WorkflowTimeoutError
from . import exitcodes
from .failure import describe, explain
from .jsonable import jsonable
from .logs import Logs
from .options import parse
from .output import only_ours, show_outputs
from .progress import Progress, live_progress, no_progress, plain_progress
from .tally import Tally

_ShowProgress = Callable[[Tally], AbstractContextManager[Progress]]
_LONG_NAME = 100
_STOPS = (KeyboardInterrupt, WorkflowStoppedError, WorkflowTimeoutError)


@dataclass(frozen=True)
class _Outcome:
    """What became of one workflow; ``result`` and ``error`` can both be given."""

    graph: str
    code: int
    result: dict[Any, Any] | None
    error: BaseException | None
    node: str | None

    def as_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"graph": self.graph}
        if self.result is not None:
            shown["result"] = jsonable(self.result)
        if self.error is not None:
            shown["error"] = describe(self.error, self.node)
        return shown


def execute(arguments: Namespace) -> tuple[int, bool]:
    """Execute workflows one after the other.

    :returns: the exit code, which is the highest of all workflows, and whether one of them was
        stopped before its end.
    """
    logs = Logs(arguments.log)
    show_progress = _choose_progress(arguments)
    outcomes: list[_Outcome] = []
    with logs.shown(), only_ours() if arguments.json else nullcontext(sys.stdout) as out:
        try:
            graphs, options = parse(arguments)
        except EwoksPpfError as error:
            print(f"error: {explain(error, None, logs.debug)}", file=sys.stderr)
            if arguments.json:
                _write(out, {"error": describe(error, None)})
            return exitcodes.USAGE, False
        for graph in graphs:
            outcome = _execute_one(graph, options, show_progress, logs)
            outcomes.append(outcome)
            if outcome.error is not None:
                told = explain(outcome.error, outcome.node, logs.debug)
                print(f"error: {outcome.graph}: {told}", file=sys.stderr)
            if not arguments.json:
                _show(outcome, arguments)
            if _ends_all(outcome):
                break
        if arguments.json:
            shown = [outcome.as_json() for outcome in outcomes]
            _write(out, shown if _many(arguments) else shown[0])
    stopped = any(isinstance(outcome.error, _STOPS) for outcome in outcomes)
    return max(outcome.code for outcome in outcomes), stopped


def _execute_one(
    graph: str, options: dict[str, Any], show_progress: _ShowProgress, logs: Logs
) -> _Outcome:
    tally = Tally(graph if len(graph) < _LONG_NAME and not graph.lstrip().startswith("{") else None)
    result: dict[Any, Any] | None = None
    error: BaseException | None = None
    try:
        with show_progress(tally) as progress, logs.said_by(progress.say):
            observers = [tally.observe, progress.observe]
            result = execute_graph(graph, observers=observers, **options)
    except BaseException as exception:  # a task can raise SystemExit too
        error = exception
    if result is not None and tally.error is not None:  # -o raise_on_error=false
        error = tally.error
        for name in ("WorkflowException", "WorkflowExceptionInstance"):
            result.pop(name, None)
    node = tally.node_of(error) if error is not None else None
    return _Outcome(tally.name, _exit_code(error, node, tally.started), result, error, node)


def _exit_code(error: BaseException | None, node: str | None, started: bool) -> int:
    if error is None:
        return exitcodes.SUCCESS
    if isinstance(error, KeyboardInterrupt) and node is None:
        return exitcodes.INTERRUPTED
    if isinstance(error, WorkflowStoppedError) and signal.SIGINT.name in error.reason:
        return exitcodes.INTERRUPTED
    if isinstance(error, EwoksPpfError) and not started:
        return exitcodes.USAGE
    return exitcodes.FAILED


def _ends_all(outcome: _Outcome) -> bool:
    """Tell whether executing the next workflow makes no sense."""
    if outcome.code == exitcodes.USAGE:
        return not isinstance(outcome.error, GraphError)
    return outcome.code == exitcodes.INTERRUPTED


def _choose_progress(arguments: Namespace) -> _ShowProgress:
    if arguments.quiet or arguments.no_progress:
        return no_progress
    if arguments.json or not sys.stderr.isatty():
        return plain_progress
    return live_progress


def _show(outcome: _Outcome, arguments: Namespace) -> None:
    states = {exitcodes.SUCCESS: "FINISHED", exitcodes.INTERRUPTED: "INTERRUPTED"}
    state = states.get(outcome.code, "FAILED")
    if not arguments.quiet or outcome.code or arguments.outputs == "none":
        print(f"{outcome.graph}: {state}")
    if outcome.result:
        show_outputs(outcome.result, arguments.merge_outputs)
    sys.stdout.flush()


def _many(arguments: Namespace) -> bool:
    return arguments.search or len(arguments.graphs) > 1


def _write(out: Any, shown: Any) -> None:
    json.dump(shown, out, indent=2, allow_nan=False)
    out.write("\n")
    out.flush()
