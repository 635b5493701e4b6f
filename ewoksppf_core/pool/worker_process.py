"""A worker process as a single-worker executor.

Guarantees:

* Each submitted call gets exactly one outcome. When the process dies, the call that it was
  running fails with :class:`WorkerLostError`, at once, and no other call is affected. A call
  which it had not read fails with :class:`NotStartedError`: a socket whose other end is closed
  with something unread in it is reset (Linux, ``unix_release_sock``).
* A call waits for the process to be ready, and can be cancelled until then.
* After ``shutdown(wait=True)`` the process is reaped, the thread has ended and the pipe is
  closed, whatever the process was doing. An interpreter exit does the same. Nobody waits for a
  process that is still starting, and has nothing to run when it is ready.
* The executor refuses to work in a fork of the process that created it, which has no part in the
  worker: neither does it keep the pipe open, nor end the worker when it exits.

Assumes: nobody else reaps our children. Our own starts are serialised by a lock, so that no
worker inherits the end of the pipe that belongs to another one.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import queue
import select
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import dataclass
from typing import Any, ParamSpec, Protocol, TypeVar

from ..errors import EwoksPpfError, ForeignPoolError, WorkerLostError, WorkerStartError
from ..task.lease import GIVEN_BACK, take_back
from ..task.logs import LOG, Levels
from ..task.threads import find_loaded_libraries
from ..task.worker import EXIT, READY, Setup, dump_call, load_reply, serve
from . import child
from .logs import log_listener
from .slots import NotStartedError

P = ParamSpec("P")
T = TypeVar("T")

SMALL_CALL = 16 * 1024
"""Calls up to this size, in bytes, fit into the empty pipe of an idle worker."""

EXIT_SECONDS = 5.0
"""How long a worker may take to exit by itself before it is killed: the threads that tasks left
behind are joined in this time."""


class ProcessContext(Protocol):
    """What is used of a :mod:`multiprocessing` context, or of one like it."""

    @property
    def Process(self) -> Any:
        """Make a process; the libraries share no base class of what that is."""

    def Pipe(self) -> tuple[Any, Any]:
        """Return both ends of a two-way connection."""

    def current_process(self) -> Any:
        """Return this process, as the library sees it."""

    def get_start_method(self) -> str | None:
        """Return the name of the start method."""


@dataclass(eq=False)
class _Call:
    future: Future[Any]
    message: bytes | None  # None once it is sent: it can be big


class WorkerProcess(Executor):
    """Run calls one at a time in one process.

    Its ``ready`` is done when the process can run calls, or fails with the reason why it cannot.

    :param context: makes the process.
    :param daemonic: whether it is daemonic.
    :param threads: number of its BLAS and OpenMP threads; None leaves the libraries alone.
    :param imports: modules that it imports before it is ready.
    """

    def __init__(
        self,
        context: ProcessContext,
        daemonic: bool,
        threads: int | None = None,
        imports: tuple[str, ...] = (),
    ) -> None:
        self._owner = os.getpid()
        self._context = context
        self._daemonic = daemonic
        self._lock = threading.Lock()
        self._accepting = True
        self.ready: Future[None] = Future()
        self._waits = False  # for a call, without any being on its way
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        setup = Setup(self._owner, daemonic, Levels.of_this_process(), threads, imports)
        if threads is not None and context.get_start_method() == "fork":
            find_loaded_libraries()
        with child.start_lock:
            if _exiting:
                raise RuntimeError("cannot start a worker: the interpreter is exiting")
            self._start_process(setup)
            self._start_thread()

    def _start_process(self, setup: Setup) -> None:
        self._connection, child_end = self._context.Pipe()
        self._process = self._context.Process(
            target=serve, args=(child_end, setup), name="ewoksppf-worker", daemon=self._daemonic
        )
        _live.add(self)
        try:
            self._child = child.Child(self._process)
        except BaseException:
            self._close_pipe()
            raise
        finally:
            child_end.close()

    def _start_thread(self) -> None:
        try:
            self._poll = select.poll()
            self._poll.register(self._connection.fileno(), select.POLLIN)
            self._poll.register(self._child.fileno(), select.POLLIN)
            self._thread = threading.Thread(
                target=self._serve, name=f"ewoksppf-worker-{self.pid}", daemon=True
            )
            self._thread.start()
        except BaseException:  # neither a process nor a descriptor is left
            self._child.kill()
            self._process.join()
            self._child.close()
            self._close_pipe()
            raise

    def _close_pipe(self) -> None:
        _live.discard(self)  # first: a fork closes what is live, and nothing else
        self._connection.close()

    @property
    def pid(self) -> int:
        """Process id of the worker."""
        return self._child.pid

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a call in the process.

        :raises BrokenExecutor: the process is dead; the call has not been started.
        :raises ForeignPoolError: the executor belongs to another process.
        :raises RuntimeError: it is shut down.
        """
        if os.getpid() != self._owner:
            raise ForeignPoolError(self._owner)
        future: Future[T] = Future()
        try:
            call = dump_call(fn, args, kwargs)
        except Exception as error:
            future.set_exception(error)
            return future
        with self._lock:
            if not self._accepting:
                raise RuntimeError("cannot schedule new futures after shutdown")
            if self._child.is_dead():
                raise BrokenExecutor(f"worker {self.pid} died between two tasks")
            sent = self._send_at_once(future, call)
            self._calls.put(_Call(future, None if sent else call))
        return future

    def _send_at_once(self, future: Future[Any], call: bytes) -> bool:
        """Send a small call from here, which saves the time that the thread takes to wake up."""
        if not self._waits or len(call) > SMALL_CALL:
            return False
        try:
            self._connection.send_bytes(call)
        except OSError:
            raise BrokenExecutor(f"worker {self.pid} died between two tasks") from None
        self._waits = False
        future.set_running_or_notify_cancel()
        return True

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the process exit after the calls that it has been given."""
        if os.getpid() != self._owner:
            return
        with self._lock:
            if self._accepting:
                self._accepting = False
                if cancel_futures:
                    self._cancel_queued()
                if self._calls.empty() and not self.ready.done():
                    self.kill_workers()
                self._calls.put(None)
        if wait and threading.current_thread() is not self._thread:
            self._thread.join()

    def is_dead(self) -> bool:
        """Tell whether the process has ended."""
        return self._child.is_dead()

    def terminate_workers(self) -> None:
        """Ask the process to end (SIGTERM); its call fails with :class:`WorkerLostError`.

        The processes that it has started end after it.
        """
        self._child.terminate()

    def kill_workers(self) -> None:
        """End the process and those that it has started (SIGKILL).

        Its call fails with :class:`WorkerLostError`.
        """
        self._child.kill()

    def _cancel_queued(self) -> None:
        running = []
        with contextlib.suppress(queue.Empty):
            while True:
                call = self._calls.get_nowait()
                if call is not None and not call.future.cancel():
                    running.append(call)
        for call in running:
            self._calls.put(call)

    def _serve(self) -> None:
        """Feed the process until shutdown: the body of the thread."""
        log_listener.begin()
        try:
            self._become_ready()
            while (call := self._calls.get()) is not None:
                if call.message is None or call.future.set_running_or_notify_cancel():
                    self._run(call)
                del call  # lets go of the values while there is nothing to do
            self._end()
        finally:
            log_listener.end()

    def _become_ready(self) -> None:
        try:
            message = self._receive()
            assert message == READY
        except WorkerLostError as error:
            # Killed from outside, like any worker? One that fails by itself has an exit code.
            killed = error.exitcode is None or error.exitcode < 0
            method = self._context.get_start_method()
            self.ready.set_exception(error if killed else WorkerStartError(error.exitcode, method))
        except BaseException as error:
            self.ready.set_exception(error)
        else:
            self._note_waiting()
            self.ready.set_result(None)

    def _note_waiting(self) -> None:
        with self._lock:
            self._waits = self._calls.empty()

    def _run(self, call: _Call) -> None:
        try:
            if call.message is not None:
                self.ready.result()
                self._send(call.message)
                call.message = None
            reply = self._receive()
            self._note_waiting()
            result = load_reply(reply)
        except BaseException as error:  # whatever it is, it belongs to this call
            call.future.set_exception(error)
        else:
            call.future.set_result(result)

    def _send(self, message: bytes) -> None:
        try:
            self._connection.send_bytes(message)
        except OSError:
            raise self._not_started() from None

    def _receive(self, seconds: float | None = None) -> bytes:
        """Wait for the next message that is an answer.

        :param seconds: after this time the worker is given up; None waits as long as it lives.
        """
        pipe = self._connection.fileno()
        # A reply can be in the pipe of a process that has died since: the pipe comes first.
        milliseconds = None if seconds is None else 1000 * seconds
        while any(fd == pipe for fd, _ in self._poll.poll(milliseconds)):
            try:
                message: bytes = self._connection.recv_bytes()
            except ConnectionResetError:  # it has left something in the pipe: the call
                raise self._not_started() from None
            except (EOFError, OSError):
                break
            if message.startswith(LOG):
                log_listener.put(message)
            elif message.startswith(GIVEN_BACK):
                take_back(message)
            else:
                return message
        raise self._lost()

    def _lost(self) -> WorkerLostError:
        return WorkerLostError(None, self.pid, self._child.reap(EXIT_SECONDS))

    def _not_started(self) -> NotStartedError:
        self._child.reap(EXIT_SECONDS)
        return NotStartedError(f"worker {self.pid} died before it started its task")

    def _end(self) -> None:
        # An error means that it is dead already.
        with contextlib.suppress(OSError, EwoksPpfError, BrokenExecutor):
            self.ready.result()
            self._connection.send_bytes(EXIT)
            self._receive(EXIT_SECONDS)  # only its last log records can come
        self._child.reap(EXIT_SECONDS)
        with child.start_lock:
            self._close_pipe()
        self._child.close()


_live: weakref.WeakSet[WorkerProcess] = weakref.WeakSet()
_exiting = False


@atexit.register
def _end_all() -> None:
    # Runs before multiprocessing joins its children, which would wait for idle workers for ever.
    global _exiting
    with child.start_lock:
        _exiting = True
        workers = [worker for worker in _live if worker._owner == os.getpid()]
    for worker in workers:
        worker.shutdown(wait=False, cancel_futures=True)
        if worker._daemonic:
            worker.kill_workers()
    for worker in workers:
        worker._thread.join()


def _leave_to_parent() -> None:
    """Let a fork have no part in workers of its parent.

    It would keep the pipes open, and :mod:`multiprocessing` would end the workers at its exit.
    """
    for worker in list(_live):
        worker._connection.close()
        child.disown(worker._process)


os.register_at_fork(after_in_child=_leave_to_parent)
