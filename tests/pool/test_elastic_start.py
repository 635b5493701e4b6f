"""Slots that take their time to start: the elastic pool while it waits for them."""

from concurrent.futures import CancelledError
from types import SimpleNamespace

import pytest

from ewoksppf_core.errors import WorkerLostError, WorkerStartError
from ewoksppf_core.pool import elastic

PATIENCE = 20


@pytest.fixture
def slots(slots):
    slots.slow = True
    return slots


def start(slot):
    slot.ready.set_result(None)


def killed():
    return WorkerLostError(None, 1, -9)


def tasks_of(slots):
    return [slot.ran for slot in slots]


def test_task_runs_when_its_slot_has_started(make_pool, slots):
    future = make_pool(1).submit("a")
    assert tasks_of(slots) == [[]]
    assert not future.running()
    start(slots[0])
    assert tasks_of(slots) == [["a"]]
    assert future.running()


def test_task_can_be_cancelled_while_its_slot_starts(make_pool, slots):
    pool = make_pool(1)
    future = pool.submit("a")
    assert future.cancel()
    start(slots[0])
    pool.submit("b")
    assert tasks_of(slots) == [["b"]]


def test_no_more_slots_start_than_tasks_wait(make_pool, slots):
    pool = make_pool(3)
    for name in "ab":
        pool.submit(name)
    assert len(slots) == 2
    start(slots[0])
    assert len(slots) == 2


def test_slot_that_has_started_takes_what_waits_for_another_one(make_pool, slots):
    pool = make_pool(2)
    for name in "ab":
        pool.submit(name)
    start(slots[1])
    slots[1].finish()
    assert tasks_of(slots) == [[], ["a", "b"]]


def test_slot_that_starts_too_late_is_idle(make_pool, slots, quick_keeper):
    pool = make_pool(2, retire_after=0.0)
    for name in "ab":
        pool.submit(name)
    start(slots[0])
    slots[0].finish()
    start(slots[1])
    assert slots[1].closed.wait(PATIENCE)
    assert not slots[0].closed.is_set()


def test_slot_killed_while_it_starts_leaves_its_task_to_the_others(make_pool, slots):
    pool = make_pool(2)
    futures = [pool.submit(name) for name in "ab"]
    slots[0].ready.set_exception(killed())
    start(slots[1])
    slots[1].finish()
    slots[1].finish()
    assert all(future.exception(PATIENCE) is None for future in futures)


def test_only_slot_killed_while_it_starts_fails_one_task(make_pool, slots):
    pool = make_pool(1)
    lost, waiting = pool.submit("a"), pool.submit("b")
    slots[0].ready.set_exception(killed())
    assert isinstance(lost.exception(PATIENCE), WorkerLostError)
    start(slots[1])
    slots[1].finish("done")
    assert waiting.result(PATIENCE) == "done"
    assert tasks_of(slots) == [[], ["b"]]


def test_slot_that_cannot_start_fails_all_that_waits_and_is_not_opened_again(make_pool, slots):
    pool = make_pool(1)
    futures = [pool.submit(name) for name in "abc"]
    slots[0].ready.set_exception(WorkerStartError(1, "spawn"))
    assert {type(future.exception(PATIENCE)) for future in futures} == {WorkerStartError}
    assert len(slots) == 1


def cannot_start():
    return WorkerStartError(1, "spawn")


def test_slot_that_cannot_start_leaves_its_task_to_one_that_has_started(make_pool, slots):
    pool = make_pool(2)
    futures = [pool.submit(name) for name in "ab"]
    start(slots[0])
    slots[1].ready.set_exception(cannot_start())
    slots[0].finish()
    slots[0].finish()
    assert all(future.exception(PATIENCE) is None for future in futures)
    assert len(slots) == 2


def test_slot_that_cannot_start_leaves_its_task_to_one_that_still_starts(make_pool, slots):
    pool = make_pool(2)
    futures = [pool.submit(name) for name in "ab"]
    slots[0].ready.set_exception(cannot_start())
    assert not any(future.done() for future in futures)
    start(slots[1])
    slots[1].finish()
    slots[1].finish()
    assert all(future.exception(PATIENCE) is None for future in futures)


def test_all_that_waits_fails_when_no_slot_can_start(make_pool, slots):
    pool = make_pool(2)
    futures = [pool.submit(name) for name in "abc"]
    for slot in slots:
        slot.ready.set_exception(cannot_start())
    assert {type(future.exception(PATIENCE)) for future in futures} == {WorkerStartError}
    assert len(slots) == 2


def test_start_is_tried_again_after_a_rest_that_becomes_longer(make_pool, slots, monkeypatch):
    now = 100.0
    monkeypatch.setattr(elastic, "time", SimpleNamespace(monotonic=lambda: now))
    monkeypatch.setattr(elastic, "GROW_SECONDS", PATIENCE)  # only the test looks
    pool = make_pool(2)
    for name in "abcd":
        pool.submit(name)
    start(slots[0])
    rests = []
    for _ in range(3):
        slots[-1].ready.set_exception(cannot_start())
        opened, before = len(slots), now
        while len(slots) == opened:
            now += 0.5
            pool._pump()
        rests.append(now - before)
    assert rests == [0.5, 1.0, 2.0]


def test_slot_that_failed_to_start_is_shut_down(make_pool, slots, quick_keeper):
    make_pool(1).submit("a")
    slots[0].ready.set_exception(killed())
    assert slots[0].closed.wait(PATIENCE)


def test_shutdown_does_not_wait_for_a_start_that_no_task_waits_for(make_pool, slots):
    pool = make_pool(2)
    futures = [pool.submit(name) for name in "ab"]
    start(slots[0])
    slots[0].finish()
    slots[0].finish()
    pool.shutdown()
    assert all(future.done() for future in futures)
    assert [slot.awaited for slot in slots] == [True, True]
    start(slots[1])
    assert tasks_of(slots) == [["a", "b"], []]


def test_shutdown_that_cancels_does_not_wait_for_starts(make_pool, slots):
    pool = make_pool(1)
    future = pool.submit("a")
    pool.shutdown(cancel_futures=True)
    assert slots[0].awaited
    with pytest.raises(CancelledError):
        future.result(PATIENCE)


def test_task_of_a_starting_slot_still_runs_after_shutdown(make_pool, slots):
    pool = make_pool(1)
    future = pool.submit("a")
    pool.shutdown(wait=False)
    start(slots[0])
    slots[0].finish("late")
    assert future.result(PATIENCE) == "late"
    assert slots[0].closed.wait(PATIENCE)
