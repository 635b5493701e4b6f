"""Tasks which log, wait and carry big arrays."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
import warnings

import numpy
from ewokscore import Task

from ewoksppf_core.testing.tasks import wait_until


class Patient(Task, input_names=["fifo"], output_names=["cancelled"]):
    """Says that it runs, then waits to be cancelled."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._cancelled_event = threading.Event()

    def run(self):
        with open(self.inputs.fifo, "w") as fifo:
            fifo.write(f"{os.getpid()}\n")
        # A short wait: a signal handler cannot run in the middle of a wait for a lock.
        while not self._cancelled_event.wait(0.01):
            pass
        with open(f"{self.inputs.fifo}.cancelled", "w"):
            pass
        self.outputs.cancelled = True

    def cancel(self):
        self._cancelled_event.set()


def log(text):
    logger = logging.getLogger("beamline")
    logger.debug("debug %s", text)
    logger.info("info %s", text)
    logger.error("object %r", threading.Lock(), extra={"extra": threading.Lock()})
    try:
        raise ValueError(text)
    except ValueError:
        logger.exception("exception %s", text)
    return os.getpid()


def warn(text):
    warnings.warn(text, stacklevel=1)


def log_in_fork(text):
    child = os.fork()
    if child == 0:
        logging.getLogger("beamline").warning(text)
        os._exit(0)
    os.waitpid(child, 0)
    return "x" * 1_000_000


def flood(count):
    for number in range(count):
        logging.getLogger("beamline").warning("%d", number)


def blas_threads():
    import threadpoolctl

    numpy.ones(1).dot(numpy.ones(1))
    return [library["num_threads"] for library in threadpoolctl.threadpool_info()]


def count_threads():
    """Count the threads of this process; one that has been joined may take a moment to go."""

    def count():
        return len(os.listdir("/proc/self/task"))

    with contextlib.suppress(TimeoutError):
        wait_until(lambda: count() == 1, time.sleep, 10)
    return count()


def environment(name):
    return os.environ.get(name)


def make_array(size, value=1.0):
    return numpy.full(size, value)


def add_one_in_place(array):
    array += 1
    return array


def total(array):
    return float(array.sum())


def segments(array, folder):
    """Count the files in shared memory while the array is an input."""
    return sum(len(files) for _, _, files in os.walk(folder)) - 1  # without the lock


def until_freed(array, folder, patience=30.0):
    """Wait until the array is in no file any more, and return its sum nevertheless."""
    deadline = time.monotonic() + patience
    while segments(array, folder):
        if time.monotonic() > deadline:
            raise TimeoutError("the array is still in shared memory")
        time.sleep(0.01)
    return total(array)


def until_all_freed(array, folder):
    return until_freed(array["return_value"], folder)


def die_first(array, marker):
    """Die, but not a second time."""
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return total(array)
    os._exit(7)


def fail(array):
    raise ValueError("on purpose")


def die_with_array(size):
    make_array(size)
    os._exit(7)


class SlowFile(logging.Handler):
    """Writes the types of Ewoks events into a file, slower than they come."""

    def __init__(self, path):
        super().__init__()
        self._path = path

    def emit(self, record):
        time.sleep(0.2)
        with open(self._path, "a") as file:
            file.write(f"{record.context} {record.type}\n")
