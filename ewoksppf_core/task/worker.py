"""The main loop of a worker process: take a call from the pipe, run it, send the reply.

Guarantees:

* The worker never outlives its parent by more than one task, however the parent ended: a
  daemonic worker exits at once, another one when its task is done.
* Every call gets exactly one reply, also when the function raises ``SystemExit`` or
  ``KeyboardInterrupt``, or when its result cannot be pickled.
* SIGTERM has a task cancelled by a thread that exists only then: the handler of the signal takes no
  lock, because the task may hold it. A task without ``cancel`` dies with the worker.

A process that a task forks has no part in the pipe: neither does it keep the pipe open when the
worker dies, nor does it reply when it returns from the task like its parent.

Assumes: the parent's death is read from a process file descriptor, not from the end of the
pipe, because forked siblings of this worker hold copies of the parent's ends.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import pickle
import select
import signal
import sys
import threading
from _thread import start_new_thread
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection

from .cancel import in_this_worker
from .failure import pack_exception
from .lease import speak_to_parent
from .logs import Levels, close_event_handlers, send_logs
from .threads import limit_threads

READY = b"ready"
EXIT = b""
_PARENT_POLL_SECONDS = 1.0
"""How often a worker looks for its parent on platforms without process file descriptors."""


@dataclass(frozen=True)
class Setup:
    """How a worker is to behave.

    :param parent_pid: process which owns the other end of the pipe.
    :param daemonic: exit at once when the parent is gone, even in the middle of a task.
    :param levels: which log records the parent wants.
    :param threads: BLAS and OpenMP threads of this worker; None leaves the libraries alone.
    :param imports: modules to import before the first call.
    """

    parent_pid: int
    daemonic: bool
    levels: Levels
    threads: int | None = None
    imports: tuple[str, ...] = ()


def serve(connection: Connection, setup: Setup) -> None:
    """Run calls until the parent says :data:`EXIT` or is gone.

    :param connection: the worker's end of the pipe.
    """
    # What a fork shares with its parent stays shared: collecting garbage would copy every page.
    gc.freeze()
    _reset_signals()
    os.register_at_fork(after_in_child=connection.close)
    lock = threading.Lock()  # threads that a task started may log at any time

    def send(message: bytes) -> None:
        with lock:
            connection.send_bytes(message)

    with connection:
        parent = _Parent(setup.parent_pid, connection)
        if setup.threads is not None:
            limit_threads(setup.threads)
        if setup.daemonic:
            threading.Thread(target=_die_with, args=(parent,), daemon=True).start()
        send_logs(setup.levels, send)
        speak_to_parent(send)
        _import_all(setup.imports)
        send(READY)
        _answer_calls(connection, parent, send)
        close_event_handlers()


def _import_all(modules: tuple[str, ...]) -> None:
    for module in modules:
        with contextlib.suppress(BaseException):  # the task that needs it will tell
            importlib.import_module(module)


def _answer_calls(connection: Connection, parent: _Parent, send: Callable[[bytes], None]) -> None:
    while parent.wait_for_call():
        try:
            call = connection.recv_bytes()
        except EOFError:
            return
        if call == EXIT:
            return
        reply = _reply_to(call)
        if connection.closed:
            return  # this is a fork
        try:
            send(reply)
        except OSError:
            return  # the parent went away meanwhile
        del call, reply


def dump_call(function: Callable[..., object], args: tuple[object, ...], kwargs: object) -> bytes:
    """Pickle a call for :func:`serve`."""
    return pickle.dumps((function, args, kwargs), protocol=pickle.HIGHEST_PROTOCOL)


def load_reply(reply: bytes) -> object:
    """Return what the call returned, or raise what it raised."""
    succeeded, value = pickle.loads(reply)
    if not succeeded:
        raise value.unpack()
    return value


def _reply_to(call: bytes) -> bytes:
    try:
        function, args, kwargs = pickle.loads(call)
        result = True, function(*args, **kwargs)
        return pickle.dumps(result, protocol=pickle.HIGHEST_PROTOCOL)
    except BaseException as exception:  # SystemExit of a task must not end the worker
        failure = False, pack_exception(exception)
        return pickle.dumps(failure, protocol=pickle.HIGHEST_PROTOCOL)


def _reset_signals() -> None:
    # Ctrl-C reaches the whole process group: the parent decides what happens to its workers.
    # A handler rather than SIG_IGN, which programs started by a task would inherit.
    signal.signal(signal.SIGINT, lambda signum, frame: None)
    signal.signal(signal.SIGTERM, _on_sigterm)


_is_to_die = False


def _on_sigterm(signum: int, frame: object) -> None:
    """Have a thread cancel the task, because this one may hold locks, which the task shares.

    It is not made by :mod:`threading`, which has locks itself. It cannot reset the handler of a
    signal, for which reason it sends another one.
    """
    if not _is_to_die:
        try:
            start_new_thread(_cancel_or_die, ())
            return
        except RuntimeError:
            pass  # there is no room for a thread
    signal.signal(signum, signal.SIG_DFL)
    os.kill(os.getpid(), signum)


def _cancel_or_die() -> None:
    global _is_to_die
    if in_this_worker.cancel():
        return
    close_event_handlers()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # there is none, or it has been closed
            stream.flush()
    _is_to_die = True
    os.kill(os.getpid(), signal.SIGTERM)


class _Parent:
    """Tells whether the parent process is alive.

    :param pid: its process id.
    :param connection: the pipe that it sends calls through.
    """

    def __init__(self, pid: int, connection: Connection) -> None:
        self._pid = pid
        self._calls = connection.fileno()
        self._poll = select.poll()
        self._poll.register(self._calls, select.POLLIN)
        self._fd: int | None = None
        if hasattr(os, "pidfd_open"):
            try:
                self._fd = os.pidfd_open(pid)
            except ProcessLookupError:
                os._exit(1)
            self._poll.register(self._fd, select.POLLIN)

    def wait_for_call(self) -> bool:
        """Wait until the pipe is readable; False when the parent is gone instead."""
        if self._fd is not None:
            return any(fd == self._calls for fd, _ in self._poll.poll())
        while not self._poll.poll(1000 * _PARENT_POLL_SECONDS):
            if not self._exists():
                return False
        return True

    def join(self) -> None:
        """Wait until the parent is gone."""
        poll = select.poll()
        if self._fd is not None:
            poll.register(self._fd, select.POLLIN)
            poll.poll()
        else:
            while self._exists():
                poll.poll(1000 * _PARENT_POLL_SECONDS)

    def _exists(self) -> bool:
        try:
            os.kill(self._pid, 0)
        except ProcessLookupError:
            return False
        return True


def _die_with(parent: _Parent) -> None:
    parent.join()
    os._exit(1)
