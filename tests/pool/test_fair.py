"""Producers take turns."""

import pytest

from ewoksppf_core.pool.fair import FairQueue


def drain(queue):
    return "".join(queue.get() for _ in range(len(queue)))


def test_one_producer_is_served_in_order():
    queue = FairQueue()
    for item in "abc":
        queue.put(1, item)
    assert drain(queue) == "abc"


def test_producer_with_many_items_does_not_make_others_wait():
    queue = FairQueue()
    for item in "abcd":
        queue.put(1, item)
    for item in "xy":
        queue.put(2, item)
    assert drain(queue) == "axbycd"


def test_item_that_is_put_back_comes_next():
    queue = FairQueue()
    for item in "abc":
        queue.put(1, item)
    queue.put(2, "x")
    queue.put_back(1, queue.get())
    assert drain(queue) == "axbc"


def test_queue_tells_its_length():
    queue = FairQueue()
    assert not queue
    queue.put(1, "a")
    queue.put(2, "b")
    assert len(queue) == 2
    assert queue.clear() == ["a", "b"]
    assert not queue


def test_empty_queue_gives_nothing():
    with pytest.raises(IndexError):
        FairQueue().get()


def test_items_are_removed_from_all_lines():
    queue = FairQueue()
    for item in "abc":
        queue.put(1, item)
    queue.put(2, "b")
    queue.put(3, "z")
    assert queue.remove("b".__eq__) == ["b", "b"]
    assert len(queue) == 3
    assert drain(queue) == "azc"


def test_items_can_be_looked_at_where_they_are():
    queue = FairQueue()
    queue.put(1, "a")
    queue.put(2, "c")
    queue.put(1, "b")
    assert list(queue) == ["a", "b", "c"]
    assert len(queue) == 3
