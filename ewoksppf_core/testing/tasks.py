"""What the kit lets workers do: plain functions and classes, which every worker can import."""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

Pause = Callable[[float], object]
"""Lets other tasks run for some seconds, like :func:`time.sleep`."""

STEP = 0.002
"""Seconds between two looks at the file system."""


class SimpleError(ValueError):
    """An exception that pickles."""


class PickyError(Exception):
    """An exception that pickles, but cannot be rebuilt from its pickle."""

    def __init__(self, left: str, right: str) -> None:
        super().__init__(f"{left} and {right}")


class StuckError(Exception):
    """An exception that does not pickle."""

    def __reduce__(self) -> NoReturn:
        raise TypeError("stuck here")


class Unpicklable:
    """A value that does not pickle."""

    def __reduce__(self) -> NoReturn:
        raise TypeError("stuck here")


class Unloadable:
    """A value that pickles, but cannot be rebuilt from its pickle."""

    def __reduce__(self) -> tuple[object, ...]:
        return int, ("not a number",)


def add(left: int, right: int = 0) -> int:
    """Return the sum."""
    return left + right


def same(value: object) -> object:
    """Return the argument."""
    return value


def append(values: list[int], value: int) -> list[int]:
    """Change the argument, and return it."""
    values.append(value)
    return values


def pid() -> int:
    """Return the process id of the worker."""
    return os.getpid()


def make(kind: type) -> object:
    """Return a new object."""
    return kind()


def record(folder: Path, number: int) -> int:
    """Leave a trace of this very call."""
    descriptor, _ = tempfile.mkstemp(prefix=f"{number}-", dir=folder)
    os.close(descriptor)
    return number


def throw(error: BaseException) -> NoReturn:
    """Raise an exception."""
    raise error


def throw_from_cause() -> NoReturn:
    """Raise an exception with a cause."""
    try:
        raise KeyError("the cause")
    except KeyError as cause:
        raise SimpleError("a message", 42) from cause


def throw_picky() -> NoReturn:
    """Raise an exception that cannot be rebuilt."""
    raise PickyError("this", "that")


def throw_stuck() -> NoReturn:
    """Raise an exception that does not pickle."""
    raise StuckError("this")


def crash() -> None:
    """End the worker by a segmentation fault."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.disable()  # or it writes about it, for example inside pytest
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGSEGV)


def die_while_sending(size: int, child: Path | None, release: Path) -> bytes:
    """Return a big value, but kill the worker in the middle of it.

    :param child: file for the process id of a process which lives on; None for no such process.
    :param release: ends that process.
    """
    if child is not None and os.fork() == 0:
        write(child, os.getpid())
        wait_until(release.exists, time.sleep, 60.0)
        os._exit(0)
    main = threading.get_ident()

    def kill() -> None:
        while "send" not in sys._current_frames()[main].f_code.co_name:
            time.sleep(0)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=kill, daemon=True).start()
    return bytes(size)


def fork_and_return() -> int:
    """Return the process id, and in a forked process return as well."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
    return os.getpid()


def big_value() -> bytes:
    """Return a value that goes through shared memory."""
    return bytes(1_000_000)


def hold_value(value: object, started: str, release: str, patience: float) -> None:
    """Do like :func:`hold` with a value in hand."""
    hold(Path(started), Path(release), time.sleep, patience)


def run_child_process() -> int | None:
    """Start a process, and return its exit code."""
    process = multiprocessing.get_context("spawn").Process(target=os.getpid)
    process.start()
    process.join()
    return process.exitcode


def run_pool(pool_type: str) -> int:
    """Open a pool in this worker, and let it compute 42."""
    from ..pool.options import request_pool

    request = request_pool(pool_type=pool_type, scaling_workers=False, max_workers=1)
    with request.open() as pool:
        return pool.submit(add, 40, 2).result()


def meet(folder: Path, number: int, party: int, pause: Pause, patience: float) -> int:
    """Return when so many tasks are in here at the same time."""
    (folder / str(number)).touch()
    wait_until(lambda: len(list(folder.iterdir())) >= party, pause, patience)
    return os.getpid()


def hold(started: Path, release: Path, pause: Pause, patience: float) -> int:
    """Tell the process id in a file, and return when the other file exists."""
    write(started, os.getpid())
    wait_until(release.exists, pause, patience)
    write(release.with_suffix(".seen"), os.getpid())
    return os.getpid()


def hold_with_child(started: Path, release: Path, pause: Pause, patience: float) -> int:
    """Do like :func:`hold` after starting a process which does it as well."""
    child_started = started.with_suffix(".child")
    process = multiprocessing.get_context("fork").Process(
        target=hold, args=(child_started, release, pause, patience)
    )
    process.start()
    wait_until(child_started.exists, pause, patience)
    return hold(started, release, pause, patience)


def interval(pause: Pause) -> tuple[float, float]:
    """Return when the task began and ended."""
    begin = time.monotonic()
    for _ in range(5):
        pause(STEP)
    return begin, time.monotonic()


def write(path: Path, number: int) -> None:
    """Create a file which is complete as soon as it exists."""
    draft = path.with_suffix(f".draft{os.getpid()}-{threading.get_ident()}")
    draft.write_text(str(number))
    draft.replace(path)


def wait_until(condition: Callable[[], bool], pause: Pause, patience: float) -> None:
    """Wait for a condition.

    :raises TimeoutError: it takes too long.
    """
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{condition} is not true after {patience} s")
        pause(STEP)
