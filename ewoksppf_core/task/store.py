"""A folder in shared memory for the big buffers of one run.

Guarantees:

* The folder and everything in it is gone when the run has ended, however it ended: the run removes
  it, and when the process was killed, a later run on this machine does.
* A folder in use is never removed: its owner, and workers forked from it, hold a lock on a file
  beside it as long as they live. Process ids would not do: they are reused, and differ between
  containers which share the memory.
* Whenever a process is killed, a later run finds what it leaves: the lock file is there before the
  folder is made, and until the folder is gone. Workers which outlive their run may write into a
  folder while it is being removed; then it stays, with its lock file, for the next run.
* Ctrl-C interrupts neither the making of the folder nor its removal.

How two processes get along, one making a folder and one sweeping:

1. The maker creates the lock file. It cannot lock it in the same moment.
2. The sweeper may lock it first. It takes the file for one that was left behind, and removes it.
3. The maker, once it has the lock, finds that the file has no name any more, and starts again.

Whoever has the lock of a file with a name may make or remove the folder: there is no other one.

Assumes: the folder is on a file system in memory. The environment variable ``EWOKSPPF_SHM`` names
another one than ``/dev/shm``; an empty value turns shared memory off.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..interrupts import deferring_interrupts

DEFAULT_FOLDER = "/dev/shm"
FOLDER_VARIABLE = "EWOKSPPF_SHM"
PREFIX = "ewoksppf-"

_LOCK = ".lock"
_ATTEMPTS = 3
"""At removing a folder into which somebody writes: an orphaned worker has one last value."""

_numbers = itertools.count()
_logger = logging.getLogger(__name__)


@contextlib.contextmanager
def open_store() -> Iterator[str | None]:
    """Make a folder for one run; None when there is no shared memory to be had."""
    root = os.environ.get(FOLDER_VARIABLE, DEFAULT_FOLDER)
    if not root:
        yield None
        return
    _sweep(Path(root))
    with contextlib.ExitStack() as stack:
        try:
            with deferring_interrupts():
                folder, lock = _make(root)
                stack.callback(_end, folder, lock)
        except OSError as error:
            _logger.info("no shared memory in %s: values travel through pipes (%s)", root, error)
            yield None
        else:
            yield folder


def write_segment(folder: str, blocks: Sequence[memoryview]) -> str:
    """Write blocks one after another into a new file.

    :returns: path of the file.
    :raises OSError: there is not enough room; nothing is left behind then.
    """
    path = os.path.join(folder, f"{os.getpid()}-{next(_numbers)}")
    # write, not mmap: without room it raises, where touching a mapped page would be a SIGBUS
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        for block in blocks:
            while block.nbytes:
                block = block[os.write(descriptor, block) :]
    except BaseException:
        os.unlink(path)
        raise
    finally:
        os.close(descriptor)
    return path


def _make(root: str) -> tuple[str, int]:
    while True:
        lock, path = tempfile.mkstemp(prefix=PREFIX, suffix=_LOCK, dir=root)
        folder = path.removesuffix(_LOCK)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _has_name(lock):
                os.mkdir(folder, 0o700)
                return folder, lock
        except BaseException:
            _remove(folder)
            os.close(lock)
            raise
        os.close(lock)


def _end(folder: str, lock: int) -> None:
    with deferring_interrupts():
        _remove(folder)
        os.close(lock)


def _sweep(root: Path) -> None:
    """Remove the folders of runs whose process was killed."""
    for path in root.glob(f"{PREFIX}*{_LOCK}"):
        with contextlib.suppress(OSError):  # somebody else's, in use, or just being removed
            lock = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _has_name(lock):
                    folder = str(path).removesuffix(_LOCK)
                    _remove(folder)
                    _logger.info("removed %s, which a killed run has left behind", folder)
            finally:
                os.close(lock)


def _has_name(lock: int) -> bool:
    return os.fstat(lock).st_nlink > 0


def _remove(folder: str) -> None:
    """Remove a folder whose lock one has, and when it is gone, the lock file."""
    for _ in range(_ATTEMPTS):
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.lexists(folder):
            with contextlib.suppress(OSError):  # a sweep was faster
                os.unlink(folder + _LOCK)
            return
