"""Workflows in a Jupyter kernel, whose thread has an event loop that runs."""

from __future__ import annotations

import ast
import os

import pytest
from jupyter_client.manager import start_new_kernel

from ewoksppf_core.testing.base import is_gone

PATIENCE = 50.0
TASKS = """
import os

def add(a, b=1):
    return a + b

def pid():
    return os.getpid()

def hang(fifo):
    with open(fifo, "w") as file:
        file.write(f"{os.getpid()}\\n")
    os.read(os.pipe()[0], 1)
"""
SETUP = """
import asyncio, os
from ewoksppf_core import execute_graph, open_pool

def graph(task, **inputs):
    node = {"id": "node", "task_type": "method", "task_identifier": f"kernel_tasks.{task}"}
    node["default_inputs"] = [{"name": name, "value": inputs[name]} for name in inputs]
    return {"graph": {"id": "graph"}, "nodes": [node]}

def run(task, pool_type, **inputs):
    return execute_graph(graph(task, **inputs), pool_type=pool_type)["return_value"]
"""


class Kernel:
    """Run cells, and tell what an expression is worth afterwards."""

    def __init__(self, manager, client):
        self.manager = manager
        self.client = client

    def run(self, code, expression="None"):
        reply = self.client.execute(
            code, reply=True, timeout=PATIENCE, user_expressions={"value": expression}
        )["content"]
        assert reply["status"] == "ok", reply
        return ast.literal_eval(reply["user_expressions"]["value"]["data"]["text/plain"])


@pytest.fixture(scope="module")
def start_kernel(tmp_path_factory):
    """Start a kernel that can import the tasks."""
    folder = tmp_path_factory.mktemp("importable")
    (folder / "kernel_tasks.py").write_text(TASKS)
    kernels = []

    def start():
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
            manager, client = start_new_kernel(kernel_name="python3", startup_timeout=PATIENCE)
        kernels.append(Kernel(manager, client))
        kernels[-1].run(SETUP)
        return kernels[-1]

    yield start
    for kernel in kernels:
        kernel.client.stop_channels()
        if kernel.manager.has_kernel:
            kernel.manager.shutdown_kernel(now=True)


@pytest.fixture(scope="module")
def kernel(start_kernel):
    return start_kernel()


def test_cell_runs_workflows(kernel, make):
    assert kernel.run(f"result = run('add', {make!r}, a=2)", "result") == 3


def test_cell_awaits_a_workflow_in_another_thread(kernel):
    code = "result = await asyncio.to_thread(run, 'add', 'process', a=2)"
    assert kernel.run(code, "result") == 3


def test_interrupt_ends_the_workflow_and_the_kernel_goes_on(kernel, process_type, listener):
    code = f"run('hang', {process_type!r}, fifo={listener.path!r})"
    kernel.client.execute(code, stop_on_error=False)  # which would abort the next cell, too
    worker = listener.read_pid()
    kernel.manager.interrupt_kernel()
    reply = kernel.client.get_shell_msg(timeout=PATIENCE)["content"]
    assert (reply["status"], reply["ename"]) == ("error", "KeyboardInterrupt")
    assert is_gone(worker)
    assert kernel.run("result = run('add', 'process', a=2)", "result") == 3


def test_kernel_that_ends_leaves_no_worker(start_kernel):
    kernel = start_kernel()
    code = "pool = open_pool(); worker = pool.__enter__().submit(os.getpid).result()"
    worker = kernel.run(code, "worker")
    kernel.manager.shutdown_kernel()
    assert is_gone(worker)
