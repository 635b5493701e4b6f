"""``ewoksppf backends``."""

from __future__ import annotations

import json
import sys
from typing import Any

from ..hookspecs import PoolBackend
from ..pool.registry import Installed, default_pool_type, installed_backends
from . import exitcodes

_WIDE = 130
"""Columns that the whole table needs; on a narrower terminal, facts are stacked."""


def backends(as_json: bool) -> int:
    """Show every installed backend.

    :returns: the exit code.
    """
    default = default_pool_type()
    rows = [_facts(installed, default) for installed in installed_backends()]
    if as_json:
        json.dump(rows, sys.stdout, indent=2)
        print()
    else:
        _show(rows)
    if not any(row["default"] for row in rows):
        print(f"The default pool type {default!r} is not installed.", file=sys.stderr)
    return exitcodes.SUCCESS


def _facts(installed: Installed, default: str) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "pool_type": installed.pool_type,
        "default": installed.pool_type == default,
        "distribution": installed.distribution,
        "version": installed.version,
    }
    backend = installed.backend
    if backend is None:
        return {**facts, "available": False, "problem": str(installed.error)}
    problem = _problem(backend)
    return {
        **facts,
        "available": problem is None,
        "problem": problem,
        "summary": backend.summary,
        "made_of": backend.made_of,
        "workers": backend.location.value,
        "scaled_by": backend.scaling.value,
        "contexts": list(backend.contexts),
        "nested_processes": backend.nested_processes,
        "daemonic": backend.daemonic,
        "extra_options": sorted(backend.extra_options),
    }


def _problem(backend: PoolBackend) -> str | None:
    try:
        return backend.unavailable()
    except Exception as error:  # a plugin can do anything
        return f"the plugin is broken: {type(error).__name__}: {error}"


def _show(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    from .output import create_console

    console = create_console()
    narrow = console.width < _WIDE
    table = Table(box=None, padding=(0, 2 - narrow, 0, 0), header_style="bold")
    headings = "pool type", "distribution", "made of", "start methods"
    for heading in headings if not narrow else ("pool type", ", ".join(headings[1:])):
        table.add_column(heading, overflow="fold")
    for heading in ("nested\nprocesses", "daemonic", "usable"):
        table.add_column(heading, overflow="fold", vertical="top")
    for row in rows:
        name = f"{row['pool_type']}{chr(10) if narrow else ' '}(default)"
        made = [f"{row['distribution']} {row['version']}", *_made(row)]
        cells = [name if row["default"] else row["pool_type"]]
        cells += ["\n".join(made)] if narrow else made
        cells += [_yes(row.get(fact)) for fact in ("nested_processes", "daemonic", "available")]
        table.add_row(*map(Text, cells))
    console.print(table)
    for row in rows:
        if not row["available"]:
            console.print(f"\n{row['pool_type']} ({row['distribution']}): {row['problem']}")


def _made(row: dict[str, Any]) -> list[str]:
    if "made_of" not in row:
        return ["?", "?"]
    return [row["made_of"], ", ".join(row["contexts"]) or "-"]


def _yes(fact: bool | None) -> str:
    return "?" if fact is None else "yes" if fact else "no"
