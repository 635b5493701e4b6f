"""Command line: measure, or show what was measured."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import tempfile
from pathlib import Path
from typing import Any

from .cases import all_cases
from .environments import CHECKOUT, REQUIREMENTS, build
from .report import tables, write_page
from .run import measure_all

RESULTS = CHECKOUT / "benchmarks" / "results"
PAGE = CHECKOUT / "docs" / "explanations" / "performance.md"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    _add_run_arguments(parser)
    report = commands.add_parser("report", help="put results into the docs: tables and a plot")
    report.add_argument("results", type=Path, help="a file in benchmarks/results")
    report.add_argument("--page", type=Path, default=PAGE, help="the page to write into")
    report.add_argument("--print", action="store_true", help="print the tables only")
    arguments = parser.parse_args()
    if arguments.command == "report":
        _report(arguments)
    else:
        _run(arguments)


def _add_run_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--smoke", action="store_true", help="small cases, once, not recorded")
    parser.add_argument("--repeat", type=int, help="repetitions (default 5, with --smoke 1)")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="TEXT",
        help="only cases whose name contains this, for example 'fan'; can be repeated",
    )
    parser.add_argument(
        "--peer",
        action="append",
        default=[],
        metavar="NAME=PYTHON",
        help=f"use this Python for a peer ({', '.join(REQUIREMENTS)}) rather than building an "
        "environment; with --smoke the others are left out, if there is one",
    )
    parser.add_argument(
        "--environments", type=Path, help="folder where environments are kept for the next time"
    )
    parser.add_argument("--output", type=Path, help="file for the results")


def _run(arguments: argparse.Namespace) -> None:
    given = dict(item.split("=", 1) for item in arguments.peer)
    if unknown := given.keys() - REQUIREMENTS.keys():
        raise SystemExit(f"unknown peers: {', '.join(unknown)}")
    cases = all_cases(len(os.sched_getaffinity(0)), arguments.smoke)
    if arguments.only:
        cases = [case for case in cases if any(text in case.id for text in arguments.only)]
    repeat = arguments.repeat or (1 if arguments.smoke else 5)
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.environments or Path(scratch)
        pythons = dict(given)
        if not (given and arguments.smoke):
            for peer in {case.peer: None for case in cases}:
                if peer not in pythons:
                    pythons[peer] = build(peer, folder)
        # A request to end gives the results so far, also to a job in the background.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        results = measure_all(cases, pythons, repeat, lambda so_far: _save(so_far, arguments))
    _save(results, arguments)
    print(tables(results))


def _save(results: dict[str, Any], arguments: argparse.Namespace) -> None:
    output = arguments.output
    if output is None and not arguments.smoke:
        name = f"{results['machine']['cpus']}cpu-py{platform.python_version_tuple()[1]}"
        output = RESULTS / f"{results['date']}-{name}.json"
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(results, indent=1) + "\n")


def _report(arguments: argparse.Namespace) -> None:
    results = json.loads(arguments.results.read_text())
    if arguments.print:
        print(tables(results))
    else:
        write_page(results, arguments.page)


if __name__ == "__main__":
    main()
