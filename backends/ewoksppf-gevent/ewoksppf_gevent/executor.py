"""An executor made of greenlets.

Guarantees:

* ``submit`` can be called from any thread and never blocks.
* Each submitted call gets exactly one outcome, also when its greenlet is killed.
* After ``shutdown(wait=True)`` the greenlets, the hub and its thread are gone, if they are ours.

The hub belongs to what :class:`threading.Thread` gives: a thread, which gets a hub of its own, or,
where gevent patched :mod:`threading`, a greenlet in the hub of the program. Futures wait with
:mod:`threading` as well, so that whoever waits for one never blocks the hub which must fulfil it.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection
from concurrent.futures import Executor, Future, wait
from typing import Any, ParamSpec, TypeVar

import gevent
import gevent.event
import gevent.monkey
import gevent.pool

from ewoksppf_core.errors import WorkerLostError

P = ParamSpec("P")
T = TypeVar("T")

MOST_GREENLETS = 1000
"""Number of concurrent greenlets when nobody chose one."""

LEFTOVER_SECONDS = 0.01
"""How long a hub goes on for greenlets that tasks have left behind."""


class GreenletKilledError(WorkerLostError):
    """Raised for the task of a greenlet that was killed while running it."""

    def __str__(self) -> str:
        what = f" while it ran node {self.node!r}" if self.node is not None else ""
        return f"a greenlet was killed{what}"


class GreenletExecutor(Executor):
    """Run each call in a greenlet of its own.

    :param max_workers: number of calls that run concurrently.
    """

    def __init__(self, max_workers: int | None = None) -> None:
        self._max_workers = max_workers or MOST_GREENLETS
        self._lock = threading.Lock()
        self._calls: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._running: dict[gevent.Greenlet, Future[Any]] = {}
        self._killed: set[gevent.Greenlet] = set()
        self._accepting = True
        self._unwanted: set[Future[Any]] = set()
        self._given_up: set[Future[Any]] = set()
        self._pool = gevent.pool.Pool(self._max_workers)
        self._stubborn = gevent.pool.Group()  # nobody waits any more for these to make room
        self._kill_all = False
        self._watcher: Any = None  # wakes the hub; None when the hub does not listen
        ready: Future[None] = Future()
        self._thread = threading.Thread(
            target=self._serve, args=(ready,), name="ewoksppf-hub", daemon=True
        )
        self._thread.start()
        ready.result()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a call in a greenlet.

        :raises RuntimeError: the executor is shut down.
        """
        future: Future[T] = Future()
        with self._lock:
            if not self._accepting:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._calls.append((future, lambda: fn(*args, **kwargs)))
            self._wake()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the hub end after the calls that were submitted."""
        cancelled = []
        with self._lock:
            self._accepting = False
            if cancel_futures:
                cancelled = [future for future, _ in self._calls]
                self._calls.clear()
            self._wake()
        for future in cancelled:
            if future.cancel():
                future.set_running_or_notify_cancel()
        if wait:
            self._thread.join()

    def kill_workers(self) -> None:
        """Kill the greenlets; their calls fail with :class:`GreenletKilledError`.

        A greenlet dies when it waits: one that computes goes on until then.
        """
        with self._lock:
            self._kill_all = True
            self._wake()

    def stop_tasks(self, futures: Collection[Future[Any]], grace: float) -> None:
        """Kill the greenlets of some calls only, which fail as in :meth:`kill_workers`.

        Others take the place of those that refuse to die.

        :param grace: seconds to wait for those that compute instead of waiting.
        """
        with self._lock:
            self._unwanted.update(futures)
            self._wake()
        wait([future for future in futures if not future.done()], timeout=grace)
        with self._lock:
            self._given_up.update(future for future in futures if future.running())
            self._wake()

    def _wake(self) -> None:
        if self._watcher is not None:
            self._watcher.send()

    def _serve(self, ready: Future[None]) -> None:
        """Start greenlets until shutdown: the body of the thread."""
        changed = gevent.event.Event()
        try:
            hub = gevent.get_hub()
            watcher = hub.loop.async_()
            watcher.start(self._woken, changed)
        except BaseException as error:  # for example no file descriptor is left
            ready.set_exception(error)
            return
        self._watcher = watcher
        ready.set_result(None)
        while self._start_all(self._pool):
            changed.wait()
            changed.clear()
        self._pool.join()
        self._stubborn.join()
        with self._lock:
            self._watcher = None
        watcher.close()
        if not gevent.monkey.is_module_patched("threading"):
            # It comes to the end of its loop: one that stands still in there is never freed.
            hub.join(timeout=LEFTOVER_SECONDS)
            hub.destroy(destroy_loop=True)

    def _start_all(self, pool: gevent.pool.Pool) -> bool:
        """Start what has been submitted; False when nothing can follow."""
        while True:
            pool.wait_available()
            with self._lock:
                if not self._calls:
                    return self._accepting
                future, call = self._calls.popleft()
            pool.spawn(self._run, future, call)
            del future, call

    def _woken(self, changed: gevent.event.Event) -> None:
        # Runs in the hub, the only place from which a greenlet may be thrown something.
        with self._lock:
            kill_all, self._kill_all = self._kill_all, False
            unwanted, self._unwanted = self._unwanted, set()
            given_up, self._given_up = self._given_up, set()
        for greenlet, future in list(self._running.items()):
            # An earlier one may have woken it.
            if (kill_all or future in unwanted) and greenlet in self._running:
                self._killed.add(greenlet)
                greenlet.throw(gevent.GreenletExit)
            if future in given_up and greenlet in self._running and greenlet in self._pool:
                self._stubborn.add(greenlet)
                self._pool.discard(greenlet)
        changed.set()

    def _run(self, future: Future[Any], call: Callable[[], Any]) -> None:
        if not future.set_running_or_notify_cancel():
            return
        greenlet = gevent.getcurrent()
        self._running[greenlet] = future
        result, error = None, None
        try:
            result = call()
        except BaseException as raised:  # SystemExit of a task must not end the program
            error = raised
        del self._running[greenlet]
        if greenlet in self._killed:
            self._killed.discard(greenlet)
            if isinstance(error, gevent.GreenletExit):
                killed = GreenletKilledError()
                killed.__cause__ = error
                error = killed
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
