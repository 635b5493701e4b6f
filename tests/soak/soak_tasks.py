"""What the nodes of the soak test do; every worker can import it."""

from __future__ import annotations

import logging
import os
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy

_logger = logging.getLogger("soak")


class OnPurposeError(Exception):
    """Raised by nodes that are meant to fail."""


def step(folder: str, name: str, what: str, seconds: float, own_inputs: bool, **inputs: Any) -> Any:
    """Leave a trace, do what the node is for, leave another trace, and return a value.

    :param what: a key of the table below, or something harmless.
    :param own_inputs: nobody else has the inputs: they may be changed.
    """
    trace(folder, name, "begin")
    _logger.info("%s begins", name)
    if what in _FAULTS:
        _FAULTS[what](seconds)
    else:
        pause(seconds)
    value = expected_value(name, what, inputs)
    if own_inputs:
        for array in inputs.values():
            if isinstance(array, numpy.ndarray):
                array += 1
    trace(folder, name, "end")
    return value


def expected_value(name: str, what: str, inputs: dict[str, Any]) -> Any:
    """Return what a node gives for these inputs."""
    number = len(name) + sum(map(_as_number, inputs.values()))
    if what == "array":
        return numpy.full(40_000, number)
    if what == "text":
        return f"{number} " * 40_000
    return number


def _as_number(value: Any) -> int:
    if isinstance(value, str):
        return int(value.split(maxsplit=1)[0])
    if isinstance(value, numpy.ndarray):
        return int(value[-1])
    return int(value)


def trace(folder: str, name: str, when: str) -> None:
    """Leave a file of which the next call does not know."""
    descriptor, _ = tempfile.mkstemp(prefix=f"{name}-{when}-", dir=folder)
    os.close(descriptor)


def traces(folder: Path) -> dict[tuple[str, str], int]:
    """Count the files by node and moment."""
    found: dict[tuple[str, str], int] = {}
    for path in folder.iterdir():
        name, when, _ = path.name.split("-", 2)
        found[name, when] = found.get((name, when), 0) + 1
    return found


def pause(seconds: float) -> None:
    """Wait; greenlets let others go on."""
    import sys

    gevent = sys.modules.get("gevent")
    in_hub = gevent is not None and type(gevent.getcurrent()).__name__ == "Greenlet"
    (gevent.sleep if in_hub else time.sleep)(seconds)


def _raise(seconds: float) -> None:
    raise OnPurposeError("on purpose")


def _exit(seconds: float) -> None:
    os._exit(7)


def _kill(seconds: float) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _crash(seconds: float) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGSEGV)


def _insist(seconds: float) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    pause(seconds)


def _fork(seconds: float) -> None:
    """Die while a process lives on that the task has started."""
    if os.fork() == 0:
        time.sleep(2 * seconds)
        os._exit(0)
    os.kill(os.getpid(), signal.SIGKILL)


_FAULTS = {
    "raise": _raise,
    "exit": _exit,
    "kill": _kill,
    "crash": _crash,
    "insist": _insist,
    "fork": _fork,
}
