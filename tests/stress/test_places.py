"""Workflows run wherever a program can call them, or refuse with words."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ewoksppf_core import execute_graph, open_pool

PATIENCE = 50
FORKS = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


def test_in_other_threads_at_once(pool_type, many):
    barrier = threading.Barrier(3)

    def run():
        barrier.wait(PATIENCE)
        return execute_graph(many("pid", [{}] * 5), pool_type=pool_type, merge_outputs=False)

    with ThreadPoolExecutor(3) as threads:
        results = [future.result(PATIENCE) for future in [threads.submit(run) for _ in range(3)]]
    assert [len(result) for result in results] == [5, 5, 5]


def test_in_asyncio(pool_type, many):
    async def main():
        graphs = [many("pid", [{}] * 2) for _ in range(2)]
        runs = [asyncio.to_thread(execute_graph, graph, pool_type=pool_type) for graph in graphs]
        return await asyncio.gather(*runs)

    assert all(result["return_value"] for result in asyncio.run(main()))


@pytest.mark.parametrize("inner", ["process", "thread"])
def test_inside_a_task_of_another_workflow(process_type, inner, many):
    result = execute_graph(many("run_or_reason", [{"pool_type": inner}]), pool_type=process_type)
    if process_type == "multiprocessing" and inner == "process":
        assert "is daemonic" in result["return_value"]
        assert "'thread'" in result["return_value"]
    else:
        assert isinstance(result["return_value"], int)


@pytest.fixture(scope="module")
def in_daemon():
    """Call a function in a daemonic process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        yield lambda *call: pool.apply_async(call[0], call[1:]).get(PATIENCE)


@pytest.mark.parametrize("inner", ["process", "ndprocess", "multiprocessing", "ndmultiprocessing"])
def test_daemonic_process_is_told_why_it_cannot_have_workers(in_daemon, inner):
    import stress_tasks

    reason = in_daemon(stress_tasks.run_or_reason, inner)
    assert reason.startswith("PoolUnavailableError")
    assert "is daemonic" in reason
    assert "'thread'" in reason


@pytest.mark.parametrize("inner", ["thread", "gevent", "billiard"])
def test_inside_a_daemonic_process(in_daemon, inner):
    import stress_tasks

    assert isinstance(in_daemon(stress_tasks.run_or_reason, inner), int)


def in_fork(call):
    """Call in a fork of this process, and return whether that worked."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            call()
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1] == 0


@FORKS
def test_after_a_fork_of_the_caller(pool_type, many):
    graph = many("pid", [{}] * 3)
    assert execute_graph(graph, pool_type=pool_type)
    assert in_fork(lambda: execute_graph(graph, pool_type=pool_type))
    assert execute_graph(graph, pool_type=pool_type)


@FORKS
def test_fork_of_the_caller_may_not_use_its_pool_of_processes(process_type, many):
    graph = many("pid", [{}])

    def use():
        with pytest.raises(RuntimeError, match=r"belongs to process \d+: open one here"):
            execute_graph(graph, pool=pool)

    with open_pool(process_type) as pool:
        assert execute_graph(graph, pool=pool)
        assert in_fork(use)
        assert execute_graph(graph, pool=pool)


ENDINGS = {
    "leaves a pool open after a run in another one": "execute_graph(graph('pid'), "
    "pool_type=pool_type); pool = open_pool(pool_type); execute_graph(graph('pid'), "
    "pool=pool.__enter__())",
    "exits during a run": "threading.Thread(target=execute_graph, args=(graph('read'),), "
    "kwargs={'pool_type': pool_type}, daemon=True).start(); open(sys.argv[2], 'w').close()",
}

PROGRAM = """
import sys, threading
from ewoksppf_core import execute_graph, open_pool

pool_type, fifo = sys.argv[1:]

def graph(task):
    inputs = [{"name": "fifo", "value": fifo}] if task == "read" else []
    node = {"id": "a", "task_type": "method", "task_identifier": f"stress_tasks.{task}",
            "default_inputs": inputs}
    return {"graph": {"id": "g"}, "nodes": [node]}

if __name__ == "__main__":
    ENDING
"""


@pytest.mark.parametrize("ending", ENDINGS)
def test_program_that_ends_at_once_does_not_hang(pool_type, ending, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    script = tmp_path / "program.py"
    script.write_text(PROGRAM.replace("ENDING", ENDINGS[ending]))
    result = subprocess.run(
        [sys.executable, str(script), pool_type, str(fifo)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert result.returncode == 0, result.stderr
