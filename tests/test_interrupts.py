"""Ctrl-C waits until it does no harm."""

import signal
import threading
from collections import deque

import pytest

from ewoksppf_core.interrupts import deferring_interrupts

PATIENCE = 20


@pytest.fixture(autouse=True)
def handler():
    """Let SIGINT raise KeyboardInterrupt, and see to it that this is so afterwards."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield signal.default_int_handler
    left = signal.signal(signal.SIGINT, previous)
    assert left is signal.default_int_handler


def interrupt(steps):
    signal.raise_signal(signal.SIGINT)
    steps.append("went on")


def test_interrupt_is_raised_after_the_context():
    steps = []
    with pytest.raises(KeyboardInterrupt), deferring_interrupts():
        interrupt(steps)
    assert steps == ["went on"]


def test_nested_contexts_wait_for_the_outermost_one():
    steps = []

    def nested():
        with deferring_interrupts():
            signal.raise_signal(signal.SIGINT)
        steps.append("went on")

    with pytest.raises(KeyboardInterrupt), deferring_interrupts():
        nested()
    assert steps == ["went on"]


def test_several_interrupts_are_raised_once():
    steps = []
    with pytest.raises(KeyboardInterrupt), deferring_interrupts():
        deque(map(interrupt, [steps, steps]))
    with deferring_interrupts():
        pass


def test_handler_that_somebody_installs_meanwhile_stays(handler):
    received = []
    with deferring_interrupts():
        signal.signal(signal.SIGINT, lambda number, frame: received.append(number))
    signal.raise_signal(signal.SIGINT)
    signal.signal(signal.SIGINT, handler)
    assert received == [signal.SIGINT]


def test_ignored_interrupts_stay_ignored(handler):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with deferring_interrupts():
        signal.raise_signal(signal.SIGINT)
    assert signal.signal(signal.SIGINT, handler) == signal.SIG_IGN


def test_other_threads_leave_the_handler_alone(handler):
    seen = []

    def look():
        with deferring_interrupts():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join(PATIENCE)
    assert seen == [handler]
