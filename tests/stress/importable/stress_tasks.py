"""Tasks of the stress tests; every worker can import them."""

from __future__ import annotations

import os
import time


def pid():
    return os.getpid()


def busy(seconds=0.02):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return os.getpid()


def meet(folder, name, party, patience):
    """Return when so many tasks are in here at the same time."""
    with open(os.path.join(folder, name), "w"):
        pass
    deadline = time.monotonic() + patience
    while len(os.listdir(folder)) < party:
        if time.monotonic() > deadline:
            raise TimeoutError(f"only {len(os.listdir(folder))} tasks came")
        time.sleep(0.01)
    return os.getpid()


def read(fifo):
    """Return when somebody writes."""
    with open(fifo) as file:
        return file.read()


def run(pool_type):
    from ewoksppf_core import execute_graph

    node = {"id": "a", "task_type": "method", "task_identifier": "stress_tasks.pid"}
    return execute_graph({"graph": {"id": "in"}, "nodes": [node]}, pool_type=pool_type)


def run_or_reason(pool_type):
    try:
        return run(pool_type)["return_value"]
    except Exception as error:
        return f"{type(error).__name__}: {error}"
