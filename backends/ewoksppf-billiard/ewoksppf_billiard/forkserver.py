"""Processes of billiard's fork server which tell when they cannot start.

The server passes on the exit code that a process writes into a pipe. A process that is killed
writes none, and neither does one that fails before it runs: while it imports the main module, or
while it is unpickled. Here both are done where a failure gives an exit code, so that silence means
killed (or ``os._exit``).
"""

from __future__ import annotations

import io
import pickle
import sys
from typing import Any

import billiard.context
from billiard import forkserver, popen_forkserver, reduction, spawn

_SILENCE = 255
"""What billiard says when a process has not written its exit code."""


class Process(billiard.context.ForkServerProcess):  # type: ignore[misc]
    """A process whose exit code is None when nobody knows it."""

    @staticmethod
    def _Popen(process: Process) -> _Popen:
        return _Popen(process)

    @property
    def exitcode(self) -> int | None:
        """Exit code of the process."""
        code: int | None = super().exitcode
        return None if code == _SILENCE else code


class _Popen(popen_forkserver.Popen):  # type: ignore[misc]
    def _launch(self, process: Process) -> None:
        # As in billiard, but for the two steps that may fail.
        data = spawn.get_preparation_data(process._name)
        main = {key: data.pop(key) for key in list(data) if key.startswith("init_main")}
        buffer = io.BytesIO()
        billiard.context.set_spawning_popen(self)
        try:
            reduction.dump(data, buffer)
            reduction.dump(_Start(main, process), buffer)
        finally:
            billiard.context.set_spawning_popen(None)
        self.sentinel, pipe = forkserver.connect_to_new_process(self._fds)
        with open(pipe, "wb") as file:
            file.write(buffer.getbuffer())
        self.pid = forkserver.read_unsigned(self.sentinel)


class _Start:
    """Pickles a process so that it can fail while it is unpickled.

    :param main: tells billiard which main module to import.
    """

    def __init__(self, main: dict[str, str], process: Process) -> None:
        self._main = main
        self._process = process

    def __reduce__(self) -> tuple[Any, ...]:
        return _start, (self._main, bytes(reduction.ForkingPickler.dumps(self._process)))


def _start(main: dict[str, str], process: bytes) -> Any:
    try:
        spawn.prepare(main)
        return pickle.loads(process)
    except BaseException:  # also the SystemExit of a main module
        sys.excepthook(*sys.exc_info())
        return _Failed()


class _Failed:
    """Takes the place of a process that cannot run."""

    def _bootstrap(self) -> int:
        sys.stderr.flush()
        return 1
