"""Leave a pool: wait for its tasks, or stop them."""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass

from ..errors import OptionError
from .pool import Pool


@dataclass(frozen=True)
class Exit:
    """How a pool is left.

    :param wait_on_exit: wait until the workers have ended.
    :param wait_on_exit_timeout: seconds to wait before workers are killed, where that is
        possible; None waits as long as it takes.
    :param interrupt_on_exit: kill the workers instead of waiting for their tasks.
    :raises OptionError: one of the values cannot be used.
    """

    wait_on_exit: bool = True
    wait_on_exit_timeout: float | None = None
    interrupt_on_exit: bool = False

    def __post_init__(self) -> None:
        for name in ("wait_on_exit", "interrupt_on_exit"):
            if not isinstance(getattr(self, name), bool):
                raise OptionError(name, getattr(self, name), "True or False is expected")
        check_seconds("wait_on_exit_timeout", self.wait_on_exit_timeout)


def check_seconds(option: str, value: object, *, may_be_zero: bool = True) -> None:
    """Check that an option is a number of seconds that one can wait for, or None.

    :raises OptionError: it is not.
    """
    if value is None:
        return
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    least = 0 if may_be_zero else sys.float_info.min
    if not (is_number and least <= value <= threading.TIMEOUT_MAX):  # type: ignore[operator]
        above = "" if may_be_zero else "above 0 and "
        cure = f"a number of seconds {above}up to {threading.TIMEOUT_MAX:.0f} is expected"
        raise OptionError(option, value, f"{cure}, or None for no limit")


def end_pool(pool: Pool, leave: Exit) -> None:
    """Shut a pool down; tasks that have not started are cancelled."""
    if leave.interrupt_on_exit and pool.kill_workers():
        # What waited may have started in the place of what was killed.
        pool.shutdown(wait=False, cancel_futures=True)
        pool.kill_workers()
    if not leave.wait_on_exit:
        pool.shutdown(wait=False, cancel_futures=True)
    elif leave.wait_on_exit_timeout is None:
        pool.shutdown(wait=True, cancel_futures=True)
    else:
        _shutdown_within(pool, leave.wait_on_exit_timeout)


def _shutdown_within(pool: Pool, seconds: float) -> None:
    # Executors cannot wait with a time limit, threads can.
    thread = threading.Thread(
        target=pool.shutdown, kwargs={"cancel_futures": True}, name="ewoksppf-exit", daemon=True
    )
    thread.start()
    thread.join(seconds)
    if thread.is_alive() and pool.kill_workers():
        thread.join()
