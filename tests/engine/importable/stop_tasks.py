"""Tasks that are stopped, or fail in odd ways."""

from __future__ import annotations

import os
import threading
import time

import numpy
from ewokscore import Task

release = threading.Event()
"""Ends the tasks that wait in this process."""

PATIENCE = 30.0


def say(fifo, word):
    with open(fifo, "w") as file:
        file.write(f"{word}\n")


def wait_in_thread(fifo):
    """Tell that it runs, and wait for :data:`release`."""
    say(fifo, os.getpid())
    release.wait(PATIENCE)


def wait_in_greenlet(fifo):
    """Tell that it runs, and wait in the hub."""
    import gevent

    say(fifo, os.getpid())
    gevent.sleep(PATIENCE)


def nothing_left_in(folder):
    """Wait until there are no big values in shared memory."""
    deadline = time.monotonic() + PATIENCE
    while sum(len(files) for _, _, files in os.walk(folder)) > 1:  # the lock
        if time.monotonic() > deadline:
            raise TimeoutError("something is left in shared memory")
        time.sleep(0.01)
    return "free"


class Cancellable(Task, input_names=["fifo"], output_names=["array"]):
    """Ends when it is cancelled, with a big value; tells how often that happens."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._event = threading.Event()

    def run(self):
        say(self.inputs.fifo, os.getpid())
        # A short wait: a signal handler cannot run in the middle of a wait for a lock.
        while not self._event.wait(0.01):
            pass
        self.outputs.array = numpy.ones(100_000)

    def cancel(self):
        with open(f"{self.inputs.fifo}.cancelled", "a") as file:
            file.write("x")
        self._event.set()


class Deaf(Cancellable, input_names=["fifo"], output_names=["array"]):
    """Is cancelled, but goes on until :data:`release`."""

    def run(self):
        wait_in_thread(self.inputs.fifo)


class UnprintableError(Exception):
    """Raises when it is printed."""

    def __str__(self):
        raise ValueError("no text")

    __repr__ = __str__


class Unmade(Task, output_names=["x"]):
    """Cannot be instantiated."""

    def __init__(self, *args, **kwargs):
        raise UnprintableError("x")

    def run(self):
        pass


class Unprintable(Task, output_names=["x"]):
    def run(self):
        raise UnprintableError("x")
