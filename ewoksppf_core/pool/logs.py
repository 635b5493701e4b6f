"""Pass on the log records of workers without making any task wait.

Guarantees: one thread, which exists as long as there are workers, gives records to the handlers of
this process in the order in which each worker sent them. A slow handler delays that thread alone.
When the last worker has been waited for, all of its records have been handled.
"""

from __future__ import annotations

import logging
import os
import queue
import threading

from ..task.logs import handle_log

_logger = logging.getLogger(__name__)


class LogListener:
    """Handles messages in a thread of its own, while somebody uses it."""

    def __init__(self) -> None:
        self._reset()
        os.register_at_fork(after_in_child=self._reset)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._messages: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Start to use the listener."""
        with self._lock:
            self._users += 1
            if self._thread is None:
                self._messages = queue.SimpleQueue()
                self._thread = threading.Thread(
                    target=self._listen, args=(self._messages,), name="ewoksppf-log", daemon=True
                )
                self._thread.start()

    def put(self, message: bytes) -> None:
        """Have a message handled."""
        self._messages.put(message)

    def end(self) -> None:
        """Stop to use the listener; the last user waits until all messages are handled."""
        with self._lock:
            self._users -= 1
            if self._users or self._thread is None:
                return
            thread, self._thread = self._thread, None
            self._messages.put(None)
        thread.join()

    @staticmethod
    def _listen(messages: queue.SimpleQueue[bytes | None]) -> None:
        while (message := messages.get()) is not None:
            try:
                handle_log(message)
            except Exception:
                _logger.exception("a log record of a worker cannot be handled")


log_listener = LogListener()
