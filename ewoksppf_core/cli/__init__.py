"""The command ``ewoksppf``.

Exit codes: 0 success, 1 a workflow failed or was stopped, 2 wrong usage (also a bad graph or
option, or a pool type that cannot be used), 130 interrupted from the keyboard.

Results go to stdout, everything else to stderr. Rich is imported only where something is shown
with it: not for ``--help``, not for ``--json``.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence

from . import exitcodes
from .arguments import create_parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    :param argv: the arguments, without the name of the command. Default: those of this process,
        which then ends with the exit code, even when tasks that cannot be stopped still run.
    :returns: the exit code.
    """
    code, stopped = _guarded(sys.argv[1:] if argv is None else argv)
    if argv is None and stopped and threading.active_count() > 1:
        # The interpreter would wait for the threads of tasks that nobody wants any more.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _guarded(argv: Sequence[str]) -> tuple[int, bool]:
    try:
        return _run(argv)
    except SystemExit as exit_:  # argparse: 0 after --help, 2 after a wrong argument
        return exit_.code if isinstance(exit_.code, int) else exitcodes.USAGE, False
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return exitcodes.INTERRUPTED, True
    except BrokenPipeError:  # the reader of our output is gone, as in `ewoksppf backends | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exitcodes.FAILED, False


def _run(argv: Sequence[str]) -> tuple[int, bool]:
    """Return the exit code, and whether a workflow was stopped, so that tasks may still run."""
    parser = create_parser()
    arguments = parser.parse_args(argv)
    code, stopped = exitcodes.USAGE, False
    if arguments.command == "execute":
        from .execute import execute

        code, stopped = execute(arguments)
    elif arguments.command == "backends":
        from .backends import backends

        code = backends(as_json=arguments.json)
    else:
        parser.print_help(sys.stderr)
    sys.stdout.flush()
    return code, stopped
