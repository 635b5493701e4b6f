"""The directive ``cli-help``: the help of a command, as its parser writes it."""

import argparse
import os

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from ewoksppf_core.cli.arguments import create_parser


class CliHelp(SphinxDirective):
    """Insert the help of ``ewoksppf``, or of its command given as argument."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        os.environ["COLUMNS"] = "96"
        text = _parser(*self.arguments).format_help()
        block = nodes.literal_block(text, text)
        block["language"] = "text"
        return [block]


def _parser(command: str | None = None) -> argparse.ArgumentParser:
    parser = create_parser()
    if command is None:
        return parser
    (commands,) = (
        action.choices
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return commands[command]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("cli-help", CliHelp)
    return {"parallel_read_safe": True}
