"""A run hands out its tasks as the pool can take them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from ewoksppf_core import execute_graph, open_pool
from ewoksppf_core.pool.pool import Pool


class Counting(ThreadPoolExecutor):
    """Knows how many tasks it had at the same time."""

    def __init__(self):
        super().__init__(2)
        self.futures = []
        self.most = 0

    def submit(self, fn, /, *args, **kwargs):
        future = super().submit(fn, *args, **kwargs)
        self.futures.append(future)
        self.most = max(self.most, sum(not each.done() for each in self.futures))
        return future


def test_no_more_tasks_are_submitted_than_the_pool_can_take(make_graph):
    graph = make_graph({str(number): "add" for number in range(50)})
    with Counting() as executor:
        execute_graph(graph, pool=Pool(executor, None, capacity=5), merge_outputs=False)
    assert len(executor.futures) == 50
    assert executor.most <= 5


@pytest.mark.parametrize("workers", [None, 3000])
def test_every_pool_has_a_limit_that_lets_all_its_workers_work(pool_type, workers):
    number = {} if workers is None else {"scaling_workers": False, "max_workers": workers}
    with open_pool(pool_type, **number) as pool:
        assert 1000 <= pool.capacity <= 10_000
        assert workers is None or pool.capacity > workers
