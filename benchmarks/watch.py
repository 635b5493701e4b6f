"""Peaks of processes and memory of a process and all its descendants, read from /proc."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

INTERVAL = 0.02
"""Seconds between two looks."""


class Watch:
    """Look at a tree of processes again and again until stopped.

    Memory is what belongs to the processes alone, shared pages split among them, plus the files
    in shared memory, also those without a name that a process has mapped.

    :param pid: root of the tree.
    :param shared: folder of the files in shared memory.
    """

    def __init__(self, pid: int, shared: Path) -> None:
        self.processes = 0
        self.memory = 0
        self._pid = pid
        self._shared = shared
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look_often)
        self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._stop.set()
        self._thread.join()

    def _look_often(self) -> None:
        while not self._stop.wait(INTERVAL):
            pids = list(_tree(self._pid))
            self.processes = max(self.processes, len(pids))
            files = _files(self._shared)
            for pid in pids:
                files.update(_mapped(pid, self._shared))
            memory = sum(map(_anonymous, pids)) + sum(files.values())
            self.memory = max(self.memory, memory)


def _tree(pid: int) -> Iterator[int]:
    yield pid
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                children = file.read().split()
            for child in children:
                yield from _tree(int(child))


def _anonymous(pid: int) -> int:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/smaps_rollup") as file:
        for line in file:
            if line.startswith("Pss_Anon:"):
                return int(line.split()[1]) * 1024
    return 0


def _files(folder: Path) -> dict[int, int]:
    """Return the sizes of all files in a folder, by inode."""
    sizes = {}
    for path in folder.glob("**/*"):
        with contextlib.suppress(OSError):
            status = path.stat()
            sizes[status.st_ino] = status.st_blocks * 512
    return sizes


def _mapped(pid: int, folder: Path) -> dict[int, int]:
    """Return the sizes of the files in a folder that a process has mapped, by inode."""
    sizes = {}
    with contextlib.suppress(OSError), open(f"/proc/{pid}/maps") as file:
        for line in file:
            addresses, _, _, _, inode, *path = line.split(maxsplit=5)
            if path and path[0].startswith(str(folder)):
                start, end = (int(address, 16) for address in addresses.split("-"))
                sizes[int(inode)] = end - start
    return sizes
