"""The slots of an elastic pool: starting, idle, with a task, and on their way out.

Assumes: the caller has the lock of the pool, except for :meth:`Slots.end_leaving` and
:meth:`Slot.call`, during which it must not have it: they call what backends have made.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor
from dataclasses import dataclass


class NotStartedError(BrokenExecutor):
    """Raised by the future of a slot whose worker has died before it started the task."""


@dataclass(eq=False)
class Slot:
    """One worker of the pool.

    :param executor: runs one task at a time.
    :param idle_since: since when it has had no task, in seconds of the monotonic clock.
    :param doomed: it was told to end, and gets no further task.
    """

    executor: Executor
    idle_since: float = 0.0
    doomed: bool = False

    def call(self, method: str) -> None:
        """Call a method that the executor may have."""
        found = getattr(self.executor, method, None)
        if found is not None:
            found()


class Slots:
    """Knows every slot until it has been shut down.

    :param lock: the lock of the pool.
    """

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self._slots: set[Slot] = set()
        self._starting: set[Slot] = set()
        self._idle: list[Slot] = []  # the last one is the most recently used
        self._leaving: list[Slot] = []  # to be shut down

    def __len__(self) -> int:
        """Return the number of slots that can be used."""
        return len(self._slots)

    @property
    def free(self) -> int:
        """Number of slots without a task, starting ones included."""
        return len(self._idle) + len(self._starting)

    @property
    def busy(self) -> bool:
        """Whether a slot has a task, or starts in order to get one."""
        return len(self._slots) > len(self._idle)

    @property
    def any_started(self) -> bool:
        """Whether a slot can run a task, or does so."""
        return len(self._slots) > len(self._starting)

    @property
    def leaving(self) -> bool:
        """Whether slots wait to be shut down."""
        return bool(self._leaving)

    def all(self) -> list[Slot]:
        """Return all slots that can be used."""
        return list(self._slots)

    def add(self, slot: Slot) -> None:
        """Take a slot that is starting."""
        self._slots.add(slot)
        self._starting.add(slot)

    def has_started(self, slot: Slot) -> bool:
        """Take note that a slot has started, or failed to; False when it was dismissed before."""
        if slot not in self._starting:
            return False
        self._starting.remove(slot)
        return True

    def take_idle(self) -> Slot | None:
        """Return the idle slot that was used last, None without any."""
        return self._idle.pop() if self._idle else None

    def release(self, slot: Slot) -> None:
        """Take a slot that has nothing to do any more, or not yet."""
        slot.idle_since = time.monotonic()
        self._idle.append(slot)

    def discard(self, slot: Slot) -> None:
        """Let a slot go that has ended."""
        self._slots.discard(slot)
        self._leaving.append(slot)

    def dismiss_starting(self) -> None:
        """Let slots go which nobody waits for any more."""
        self._slots -= self._starting
        self._leaving += self._starting
        self._starting.clear()

    def dismiss_idle(self, idle_for: float) -> None:
        """Let slots go which have been idle for that many seconds."""
        now = time.monotonic()
        self._dismiss(lambda slot: now - slot.idle_since >= idle_for)

    def dismiss_dead(self) -> None:
        """Let idle slots go whose worker has died; executors may have a method ``is_dead``."""
        self._dismiss(lambda slot: bool(getattr(slot.executor, "is_dead", bool)()))

    def _dismiss(self, which: Callable[[Slot], bool]) -> None:
        old = [slot for slot in self._idle if which(slot)]
        self._idle = [slot for slot in self._idle if slot not in old]
        self._slots.difference_update(old)
        self._leaving += old

    def end_leaving(self, wait: bool) -> None:
        """Shut down what was let go.

        :param wait: until the workers have ended; otherwise this is still to be done.
        """
        with self._lock:
            leaving = self._leaving.copy()
        for slot in leaving:
            slot.executor.shutdown(wait=False)
        if wait:
            for slot in leaving:
                slot.executor.shutdown(wait=True)
            with self._lock:
                self._leaving = [slot for slot in self._leaving if slot not in leaving]
