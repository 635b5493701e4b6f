"""Write to stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any, TextIO

from .jsonable import key_text

if TYPE_CHECKING:
    from rich.console import Console

_WIDTH = 160
"""Columns of a table that is not shown on a terminal."""


@contextmanager
def only_ours() -> Iterator[TextIO]:
    """Take stdout away from everybody else, worker processes too: what they print goes to stderr.

    :returns: what writes to stdout.
    """
    ours = sys.stdout
    try:
        number = ours.fileno()
    except (OSError, AttributeError):  # a replacement without a file, as in tests
        with redirect_stdout(sys.stderr):
            yield ours
        return
    ours.flush()
    with open(os.dup(number), "w", encoding=ours.encoding, errors=ours.errors) as copy:
        os.dup2(2, number)
        try:
            yield copy
        finally:
            ours.flush()
            os.dup2(copy.fileno(), number)


def create_console() -> Console:
    """Return a console that writes text as it is to stdout."""
    from rich.console import Console

    wide = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(width=_WIDTH if wide else None, markup=False, emoji=False, highlight=False)


def show_outputs(result: Mapping[Any, Any], merged: bool) -> None:
    """Show outputs as a table.

    :param result: outputs by name, or by node id and name.
    :param merged: by name.
    """
    from rich.pretty import Pretty
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    by_node = {"": result} if merged else result
    if not merged:
        table.add_column("node", overflow="fold")
    table.add_column("output", overflow="fold")
    table.add_column("value", overflow="fold")
    for node, outputs in by_node.items():
        for name, value in outputs.items():
            labels = [name] if merged else [node, name]
            shown = Pretty(value, max_length=20, max_string=1000)
            table.add_row(*(Text(key_text(label)) for label in labels), shown)
    create_console().print(table)
