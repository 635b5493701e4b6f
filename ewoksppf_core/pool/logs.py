"""Pass on the log records of workers without making any task wait.

Guarantees: one thread, which exists as long as there are workers, gives records to the handlers of
this process in the order in which each worker sent them. A slow handler delays that thread alone.
When the last worker has been waited for, all of its records have been handled, unless a handler
has not come to an end with a single record for :data:`PATIENCE_SECONDS`. Then its thread is left
to itself, and later workers get another one.
"""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading

from ..task.logs import handle_log

PATIENCE_SECONDS = 5.0
"""How long one waits for a handler that handles no record; there is no limit as long as it does."""

_COMPLAINT_SECONDS = 1.0
"""How long one waits until it is said that a handler hangs: stderr may be what it hangs on."""

_logger = logging.getLogger(__name__)


class LogListener:
    """Handles messages in a thread of its own, while somebody uses it."""

    def __init__(self) -> None:
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._thread: _Thread | None = None

    def begin(self) -> None:
        """Start to use the listener."""
        with self._lock:
            self._users += 1
            if self._thread is None:
                self._thread = _Thread()
                self._thread.start()

    def put(self, message: bytes) -> None:
        """Have a message handled."""
        thread = self._thread
        if thread is not None:
            thread.messages.put(message)

    def end(self) -> None:
        """Stop to use the listener; the last user waits until all messages are handled."""
        with self._lock:
            self._users -= 1
            if self._users or self._thread is None:
                return
            thread, self._thread = self._thread, None
            thread.messages.put(None)
        if not _ends(thread):
            # Not through logging, whose handlers may wait for the one that hangs.
            complaint = threading.Thread(target=_complain, args=(thread.left,), daemon=True)
            complaint.start()
            complaint.join(_COMPLAINT_SECONDS)


class _Thread(threading.Thread):
    def __init__(self) -> None:
        super().__init__(name="ewoksppf-log", daemon=True)
        self.messages: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.handled = 0

    @property
    def left(self) -> int:
        """Number of messages that have not been handled."""
        return self.messages.qsize()  # without the one at which it is, with the one that ends it

    def run(self) -> None:
        while (message := self.messages.get()) is not None:
            try:
                handle_log(message)
            except Exception:
                _logger.exception("a log record of a worker cannot be handled")
            self.handled += 1


def _ends(thread: _Thread) -> bool:
    """Wait for a thread as long as it makes progress."""
    handled = -1
    while thread.is_alive() and thread.handled != handled:
        handled = thread.handled
        thread.join(PATIENCE_SECONDS)
    return not thread.is_alive()


def _complain(records: int) -> None:
    if sys.stderr is not None:
        sys.stderr.write(
            f"ewoksppf: a log handler of this program hangs: no record of a worker was handled in "
            f"{PATIENCE_SECONDS} s. {records} may be lost, because nobody waits for them.\n"
        )


log_listener = LogListener()
