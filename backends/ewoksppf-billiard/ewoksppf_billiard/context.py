"""A billiard context whose processes can start multiprocessing ones.

Inside its processes billiard puts itself in the place of ``multiprocessing.current_process()``. Its
authentication key can be pickled for billiard processes only, so that starting a process of
:mod:`multiprocessing` with "spawn" or "forkserver" fails. Our workers get a key for both libraries.
"""

from __future__ import annotations

import multiprocessing.context
import multiprocessing.process
from collections.abc import Callable
from multiprocessing.process import AuthenticationString  # type: ignore[attr-defined]
from typing import Any

import billiard
import billiard.context


class BilliardContext:
    """What the core needs of a billiard context.

    :param method: start method, None for the default one.
    """

    def __init__(self, method: str | None) -> None:
        self._context = billiard.get_context(method)
        self.Pipe = self._context.Pipe
        self.current_process = self._context.current_process
        self.get_start_method = self._context.get_start_method

    def Process(
        self, *, target: Callable[..., None], args: tuple[Any, ...], **settings: Any
    ) -> Any:
        """Return a process that can be started."""
        make = self._context.Process
        if self.get_start_method() == "forkserver":
            from .forkserver import Process as make
        return make(target=_run, args=(target, args), **settings)


class _SharedKey(bytes):
    """An authentication key that can be pickled while either library starts a process."""

    def __reduce__(self) -> tuple[Any, ...]:
        libraries = (billiard.context, multiprocessing.context)
        if all(library.get_spawning_popen() is None for library in libraries):
            raise TypeError("an authentication key may only travel to a process being started")
        return AuthenticationString, (bytes(self),)


def _run(target: Callable[..., None], args: tuple[Any, ...]) -> None:
    process: Any = multiprocessing.process.current_process()
    process._config["authkey"] = _SharedKey(process.authkey)
    target(*args)
