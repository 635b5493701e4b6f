"""Records of workers are handled before a pool has been left, unless a handler hangs."""

from __future__ import annotations

import logging
import pickle
import threading

import pytest

from ewoksppf_core import open_pool
from ewoksppf_core.pool import logs
from ewoksppf_core.pool.logs import LogListener
from ewoksppf_core.task.logs import LOG

PATIENCE = 30.0


class Handler(logging.Handler):
    """Handles a record when it may."""

    def __init__(self):
        super().__init__()
        self.handled = []
        self.entered = threading.Event()
        self.free = threading.Semaphore(0)
        self.left = threading.Semaphore(0)

    def emit(self, record):
        self.entered.set()
        assert self.free.acquire(timeout=PATIENCE)
        self.handled.append(record.getMessage())
        self.left.release()


@pytest.fixture
def handler():
    logger, handler = logging.getLogger("slow"), Handler()
    logger.addHandler(handler)
    logger.propagate = False
    yield handler
    logger.removeHandler(handler)


@pytest.fixture
def abandoned(handler):
    """Let all threads that were left to themselves end."""
    yield
    handler.free.release(1000)
    for thread in threading.enumerate():
        if thread.name == "ewoksppf-log":
            thread.join(PATIENCE)


def message(text, logger="slow"):
    record = logging.LogRecord(logger, logging.ERROR, "", 0, text, None, None)
    return LOG + pickle.dumps(vars(record))


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(logs, "PATIENCE_SECONDS", 0.01)


@pytest.mark.usefixtures("abandoned", "impatient")
def test_handler_that_hangs_is_not_waited_for(handler, capsys):
    listener = LogListener()
    listener.begin()
    for text in "abc":
        listener.put(message(text))
    assert handler.entered.wait(PATIENCE)
    listener.end()
    assert handler.handled == []
    complaint = capsys.readouterr().err
    assert "hangs" in complaint
    assert "3 may be lost" in complaint


@pytest.mark.usefixtures("abandoned", "impatient")
def test_later_users_get_a_listener_that_does_not_hang(handler, caplog, monkeypatch):
    listener = LogListener()
    listener.begin()
    listener.put(message("a"))
    assert handler.entered.wait(PATIENCE)
    listener.end()
    monkeypatch.setattr(logs, "PATIENCE_SECONDS", PATIENCE)
    listener.begin()
    listener.put(message("b", "other"))
    listener.end()
    assert [record.getMessage() for record in caplog.records] == ["b"]


def test_records_that_a_hanging_handler_has_kept_are_handled_when_it_goes_on(
    handler, abandoned, impatient
):
    listener = LogListener()
    listener.begin()
    for text in "abc":
        listener.put(message(text))
    listener.end()
    handler.free.release(3)
    for _ in range(3):
        assert handler.left.acquire(timeout=PATIENCE)
    assert handler.handled == ["a", "b", "c"]


def test_slow_handler_gets_all_records(handler, monkeypatch):
    listener = LogListener()
    listener.begin()
    for text in "abc":
        listener.put(message(text))
    join = threading.Thread.join

    def pass_time(thread, timeout=None):
        """Let the handler end with one record in the time that one waits for it."""
        assert timeout == logs.PATIENCE_SECONDS
        handler.free.release()
        assert handler.left.acquire(timeout=PATIENCE)
        if len(handler.handled) == 3:
            join(thread, PATIENCE)

    monkeypatch.setattr(threading.Thread, "join", pass_time)
    listener.end()
    assert handler.handled == ["a", "b", "c"]


@pytest.mark.usefixtures("abandoned", "impatient")
def test_pool_can_be_left_while_a_handler_hangs(handler, process_type, caplog, monkeypatch):
    with open_pool(process_type) as pool:
        pool.submit(logging.getLogger("slow").error, "a").result(PATIENCE)
        assert handler.entered.wait(PATIENCE)
    monkeypatch.setattr(logs, "PATIENCE_SECONDS", PATIENCE)
    with open_pool(process_type) as pool:
        pool.submit(logging.getLogger("other").error, "b").result(PATIENCE)
    assert [record.getMessage() for record in caplog.records] == ["b"]
    assert handler.handled == []
