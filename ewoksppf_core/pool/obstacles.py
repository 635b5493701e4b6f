"""What keeps this process from starting worker processes, in words that tell the cure."""

from __future__ import annotations

import sys
from typing import Any

from .registry import pool_types_of_this_process

_PATCHABLE = ("os", "select", "socket", "threading")


def is_monkey_patched() -> bool:
    """Tell whether gevent replaced blocking functions of this process; never imports it."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and any(map(monkey.is_module_patched, _PATCHABLE))


def why_nothing_waits() -> str | None:
    """Say why waiting for another thread or greenlet would hang, None when it would not."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("threading"):
        return None
    if monkey.is_module_patched("queue"):
        return None
    return (
        "gevent has patched threading but not queue, and who waits for a queue would block all "
        "greenlets: patch everything with gevent.monkey.patch_all()"
    )


def why_no_processes(current_process: Any) -> str | None:
    """Say why this process cannot have worker processes, None when it can.

    :param current_process: this process, as the library which starts the workers sees it.
    """
    if is_monkey_patched():
        # Pipes become non-blocking sockets, and a fork copies the program's greenlets.
        return f"worker processes do not survive the monkey patching of gevent: {_advice()}"
    if current_process.daemon:
        return (
            f"this process ({current_process.name}) is daemonic, and daemonic processes may not "
            f"start processes: {_advice()}, or start this process with daemon=False"
        )
    return None


def _advice() -> str:
    # What the backends declare, not what they are called: others than ours can help as well.
    helpful = " or ".join(map(repr, pool_types_of_this_process()))
    return "use a pool type whose tasks run in this process, " + (
        f"such as {helpful}" if helpful else "of which none is installed"
    )
