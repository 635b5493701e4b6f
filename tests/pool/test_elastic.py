"""The elastic pool with slots that do what the test says: no processes, no timing."""

import signal
import threading
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor, wait

import pytest

from ewoksppf_core.errors import WorkerLostError, WorkerStartError
from ewoksppf_core.pool import elastic
from ewoksppf_core.pool.elastic import ElasticPool
from ewoksppf_core.pool.scaling import Limits, Workload
from ewoksppf_core.pool.slots import Slots as PoolSlots

PATIENCE = 20


@pytest.fixture
def idle_machine(monkeypatch):
    """Let the tasks wait rather than compute."""
    workload = Workload(idle_cpu_fraction=1.0, task_seconds=1.0, free_memory_fraction=1.0)
    monkeypatch.setattr(elastic.Meter, "look", lambda self, workers, completed: workload)


class Rounds:
    """Counts how often keepers have looked whether there is something to do."""

    def __init__(self):
        self.ended = threading.Semaphore(0)

    def wait_for_a_whole_one(self):
        while self.ended.acquire(blocking=False):
            pass
        for _ in range(2):  # the first one may have begun before
            assert self.ended.acquire(timeout=PATIENCE)


@pytest.fixture
def rounds(monkeypatch, quick_keeper):
    rounds = Rounds()
    last_step = PoolSlots.end_leaving

    def end_leaving(slots, wait):
        last_step(slots, wait)
        if threading.current_thread().name == "ewoksppf-keeper":
            rounds.ended.release()

    monkeypatch.setattr(PoolSlots, "end_leaving", end_leaving)
    return rounds


def tasks_of(slots):
    return [slot.ran for slot in slots]


def test_no_task_no_slot(make_pool, slots):
    make_pool(3)
    assert slots == []


def test_each_task_opens_a_slot_up_to_the_immediate_limit(make_pool, slots):
    pool = make_pool(3)
    for name in "abcde":
        pool.submit(name)
    assert tasks_of(slots) == [["a"], ["b"], ["c"]]


def test_free_slot_takes_the_task_that_waited_longest(make_pool, slots):
    pool = make_pool(2)
    for name in "abcd":
        pool.submit(name)
    slots[1].finish()
    slots[0].finish()
    assert tasks_of(slots) == [["a", "d"], ["b", "c"]]


def test_idle_slot_is_used_before_another_one_is_opened(make_pool, slots):
    pool = make_pool(2)
    pool.submit("a")
    slots[0].finish()
    pool.submit("b")
    assert tasks_of(slots) == [["a", "b"]]


def test_results_and_errors_are_passed_on(make_pool, slots):
    pool = make_pool(2)
    result, error = pool.submit("a"), pool.submit("b")
    slots[0].finish(42)
    slots[1].lose(KeyError("x"))
    assert result.result(PATIENCE) == 42
    assert isinstance(error.exception(PATIENCE), KeyError)


def test_task_that_fails_keeps_its_slot(make_pool, slots):
    pool = make_pool(1)
    pool.submit("a")
    slots[0].lose(KeyError("x"))
    pool.submit("b")
    assert tasks_of(slots) == [["a", "b"]]


def test_lost_slot_is_replaced_when_there_is_work(make_pool, slots):
    pool = make_pool(1)
    lost, waiting = pool.submit("a"), pool.submit("b")
    slots[0].lose()
    assert isinstance(lost.exception(PATIENCE), WorkerLostError)
    assert tasks_of(slots) == [["a"], ["b"]]
    assert not waiting.done()


def test_lost_slot_is_not_replaced_without_work(make_pool, slots):
    pool = make_pool(1)
    pool.submit("a")
    slots[0].lose()
    assert len(slots) == 1


def test_lost_slot_is_shut_down(make_pool, slots, quick_keeper):
    pool = make_pool(1)
    pool.submit("a")
    slots[0].lose()
    assert slots[0].closed.wait(PATIENCE)


def test_broken_executor_counts_as_a_lost_worker(make_pool, slots):
    pool = make_pool(1)
    lost = pool.submit("a")
    slots[0].lose(BrokenExecutor("gone"))
    error = lost.exception(PATIENCE)
    assert isinstance(error, WorkerLostError)
    assert isinstance(error.__cause__, BrokenExecutor)


def test_task_for_a_slot_that_died_between_tasks_goes_to_another_slot(make_pool, slots):
    pool = make_pool(1)
    pool.submit("a")
    slots[0].finish()
    slots[0].broken = True
    future = pool.submit("b")
    slots[1].finish("done")
    assert future.result(PATIENCE) == "done"
    assert tasks_of(slots) == [["a"], ["b"]]


def test_worker_that_cannot_start_fails_all_that_waits_and_is_not_started_again(make_pool, slots):
    pool = make_pool(1)
    futures = [pool.submit(name) for name in "abc"]
    slots[0].lose(WorkerStartError(1, "spawn"))
    assert {type(future.exception(PATIENCE)) for future in futures} == {WorkerStartError}
    assert len(slots) == 1


def test_first_slot_that_cannot_be_opened_fails_its_task():
    def refuse():
        raise OSError("no processes left")

    with ElasticPool(refuse, Limits.fixed(2)) as pool:
        assert isinstance(pool.submit("a").exception(PATIENCE), OSError)


@pytest.mark.parametrize("error", [OSError("no processes left"), RuntimeError("no threads left")])
def test_further_slot_that_cannot_be_opened_leaves_its_task_to_the_others(
    make_pool, slots, monkeypatch, error
):
    pool = make_pool(2)
    pool.submit("a")

    def refuse():
        raise error

    monkeypatch.setattr(pool, "_open_slot", refuse)
    waiting = pool.submit("b")
    slots[0].finish()
    slots[0].finish("b was here")
    assert waiting.result(PATIENCE) == "b was here"


def test_grows_beyond_the_immediate_limit_while_tasks_wait(make_pool, slots, idle_machine, rounds):
    pool = make_pool(1, at_most=3)
    for name in "abcde":
        pool.submit(name)
    slots.wait_for(3)
    rounds.wait_for_a_whole_one()
    assert len(slots) == 3


def test_worker_that_is_slow_to_end_does_not_keep_the_pool_from_growing(
    make_pool, slots, idle_machine
):
    pool = make_pool(at_once=1, at_most=4)
    for _ in range(6):
        pool.submit(print)
    slots.wait_for(1)
    slots[0].may_end.clear()
    slots[0].lose()
    slots.wait_for(4)
    slots[0].may_end.set()


def test_does_not_grow_without_waiting_tasks(make_pool, slots, idle_machine, rounds):
    pool = make_pool(1, at_most=3)
    pool.submit("a")
    rounds.wait_for_a_whole_one()
    assert len(slots) == 1


def test_idle_slots_are_retired(make_pool, slots, quick_keeper):
    pool = make_pool(2, retire_after=0.0)
    pool.submit("a")
    pool.submit("b")
    slots[0].finish()
    assert slots[0].closed.wait(PATIENCE)
    assert not slots[1].closed.is_set()


def test_pool_works_again_after_all_slots_were_retired(make_pool, slots, quick_keeper):
    pool = make_pool(1, retire_after=0.0)
    pool.submit("a")
    keeper = pool._keeper
    slots[0].finish()
    keeper.join(PATIENCE)
    pool.submit("b")
    assert tasks_of(slots) == [["a"], ["b"]]


def test_shutdown_waits_for_every_slot_that_there_ever_was(make_pool, slots, quick_keeper):
    pool = make_pool(2, retire_after=0.0)
    for name in "ab":
        pool.submit(name)
    slots[0].lose()
    slots[1].finish()
    pool.shutdown()
    assert [slot.awaited for slot in slots] == [True, True]


def test_busy_slot_ends_after_a_shutdown_that_did_not_wait(make_pool, slots):
    pool = make_pool(1)
    future = pool.submit("a")
    pool.shutdown(wait=False)
    assert not slots[0].closed.is_set()
    slots[0].finish("late")
    assert future.result(PATIENCE) == "late"
    assert slots[0].closed.wait(PATIENCE)


def test_waiting_tasks_still_run_after_shutdown(make_pool, slots):
    pool = make_pool(1)
    futures = [pool.submit(name) for name in "ab"]
    pool.shutdown(wait=False)
    slots[0].finish()
    slots[0].finish()
    assert all(future.done() for future in futures)


def test_shutdown_can_cancel_what_waits(make_pool, slots):
    pool = make_pool(1)
    running, waiting = pool.submit("a"), pool.submit("b")
    pool.shutdown(wait=False, cancel_futures=True)
    assert waiting.cancelled()
    assert not running.done()


def test_cancelled_task_is_never_handed_out(make_pool, slots):
    pool = make_pool(1)
    futures = [pool.submit(name) for name in "abc"]
    assert futures[1].cancel()
    slots[0].finish()
    assert tasks_of(slots) == [["a", "c"]]


def test_no_slot_is_opened_for_cancelled_tasks(make_pool, slots):
    pool = make_pool(1)
    pool.submit("a")
    cancelled = [pool.submit(name) for name in "bc"]
    assert all(future.cancel() for future in cancelled)
    slots[0].lose()
    assert len(slots) == 1
    assert wait(cancelled, timeout=0).not_done == set()


def test_shutdown_does_not_wait_for_cancelled_tasks_without_a_slot(make_pool, slots):
    pool = make_pool(1)
    pool.submit("a")
    pool.submit("b").cancel()
    pool.shutdown(wait=False)
    slots[0].lose()
    pool.shutdown()
    assert len(slots) == 1


def test_submit_after_shutdown_raises(make_pool):
    pool = make_pool(1)
    pool.shutdown()
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit("a")


def test_keeper_has_ended_after_shutdown(make_pool, slots):
    pool = make_pool(1)
    pool.submit("a")
    keeper = pool._keeper
    slots[0].finish()
    pool.shutdown()
    assert not keeper.is_alive()


def test_killing_ends_running_tasks(make_pool, slots):
    pool = make_pool(2)
    futures = [pool.submit(name) for name in "ab"]
    pool.kill_workers()
    assert {type(future.exception(PATIENCE)) for future in futures} == {WorkerLostError}


def test_slot_that_was_still_opening_at_the_end_is_killed_too(slots):
    opening, go_on = threading.Event(), threading.Event()

    def open_slowly():
        opening.set()
        assert go_on.wait(PATIENCE)
        return slots.open()

    pool = ElasticPool(open_slowly, Limits.fixed(1))
    submitter = threading.Thread(target=pool.submit, args=("a",))
    submitter.start()
    assert opening.wait(PATIENCE)
    pool.shutdown(wait=False)
    pool.kill_workers()
    go_on.set()
    pool.shutdown()
    submitter.join()
    assert slots[0].killed.is_set()


def test_stopping_tasks_leaves_other_tasks_alone(make_pool, slots):
    pool = make_pool(2)
    stopped, other = pool.submit("a"), pool.submit("b")
    pool.stop_tasks([stopped], grace=0.0)
    assert isinstance(stopped.exception(PATIENCE), WorkerLostError)
    assert not other.done()


@pytest.mark.timeout(PATIENCE)
def test_stopping_tasks_does_not_wait_for_cancelled_ones(make_pool, slots):
    pool = make_pool(1)
    running, waiting = pool.submit("a"), pool.submit("b")
    slots[0].terminate_workers = slots[0].lose
    waiting.cancel()
    pool.stop_tasks([running, waiting], grace=10 * PATIENCE)
    assert isinstance(running.exception(0), WorkerLostError)
    assert len(slots) == 1


def test_many_tasks_that_fail_at_once_do_not_pile_up():
    """Each one makes room for the next, without end of the stack."""
    release = threading.Event()
    with ElasticPool(FailingAtOnce, Limits.fixed(1)) as pool:
        blocked = pool.submit(release.wait, PATIENCE)
        futures = [pool.submit(print) for _ in range(3000)]
        release.set()
        assert blocked.result(PATIENCE)
        assert all(isinstance(future.exception(PATIENCE), ValueError) for future in futures)


class FailingAtOnce(ThreadPoolExecutor):
    """Fails every call of print before it returns from submit."""

    def __init__(self):
        super().__init__(max_workers=1)

    def submit(self, fn, /, *args, **kwargs):
        if fn is not print:
            return super().submit(fn, *args, **kwargs)
        future = Future()
        future.set_exception(ValueError("at once"))
        return future


def test_killed_worker_gets_the_time_to_be_known_as_dead(make_pool, slots, monkeypatch):
    """The system has killed it, but a busy machine may be slow to tell."""

    def wait(futures, timeout):
        if slots[0].killed.is_set() and timeout > 1:
            slots[0].lose()

    monkeypatch.setattr(elastic, "wait", wait)
    pool = make_pool(at_once=1)
    future = pool.submit(print)
    slots.wait_for(1)
    slots[0].kill_workers = slots[0].killed.set
    pool.stop_tasks([future], grace=0.0)
    assert isinstance(future.exception(0), WorkerLostError)


def test_interrupt_while_a_slot_opens_loses_neither_slot_nor_task(slots):
    def open_interrupted():
        signal.raise_signal(signal.SIGINT)
        return slots.open()

    pool = ElasticPool(open_interrupted, Limits.fixed(1))
    with pytest.raises(KeyboardInterrupt):
        pool.submit("a")
    assert slots[0].ran == ["a"]
    slots[0].finish()
    pool.shutdown()
    assert slots[0].awaited
