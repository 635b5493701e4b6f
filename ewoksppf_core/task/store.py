"""A folder in shared memory for the big buffers of one run.

Guarantees:

* The folder and everything in it is gone when the run has ended, however it ended: the run removes
  it, and when the process was killed, the next run on this machine does.
* A folder in use is never removed: its owner, and workers forked from it, hold a lock on it as
  long as they live. Process ids would not do: they are reused, and differ between containers
  which share the memory.

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

DEFAULT_FOLDER = "/dev/shm"
FOLDER_VARIABLE = "EWOKSPPF_SHM"
PREFIX = "ewoksppf-"

_LOCK = "lock"
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
    try:
        folder, lock = _make(root)
    except OSError as error:
        _logger.info("no shared memory in %s: values travel through pipes (%s)", root, error)
        yield None
        return
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


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
    new = tempfile.mkdtemp(prefix=f".{PREFIX}", dir=root)
    try:
        lock = os.open(os.path.join(new, _LOCK), os.O_RDWR | os.O_CREAT, 0o600)
    except BaseException:
        os.rmdir(new)
        raise
    fcntl.flock(lock, fcntl.LOCK_EX)
    # Only now: under this name others remove it, unless it is locked.
    folder = os.path.join(root, os.path.basename(new).lstrip("."))
    os.rename(new, folder)
    return folder, lock


def _sweep(root: Path) -> None:
    """Remove the folders of runs whose process was killed."""
    for folder in root.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # somebody else's, or just being removed
            lock = os.open(folder / _LOCK, os.O_RDWR)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
                _logger.info("removed %s, which a killed run has left behind", folder)
            finally:
                os.close(lock)
