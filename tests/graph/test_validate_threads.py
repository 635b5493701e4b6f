"""A task whose module another thread is importing is not unknown."""

from __future__ import annotations

import importlib
import threading

from ewoksppf_core.graph import validate
from ewoksppf_core.graph.load import load_graph

PATIENCE = 30

GATE = """
import threading

entered, go_on = threading.Event(), threading.Event()
"""

SLOW = """
import gate

gate.entered.set()
assert gate.go_on.wait(30)

def task():
    return 1
"""


def test_module_that_another_thread_is_importing_is_waited_for(importable, monkeypatch):
    importable("gate.py", GATE)
    importable("slow_import.py", SLOW)
    import gate

    importing = threading.Thread(target=importlib.import_module, args=("slow_import",))
    importing.start()
    assert gate.entered.wait(PATIENCE)
    import_module = importlib.import_module

    def let_go_on(name):
        gate.go_on.set()
        return import_module(name)

    monkeypatch.setattr(validate.importlib, "import_module", let_go_on)
    node = {"id": "a", "task_type": "method", "task_identifier": "slow_import.task"}
    try:
        load_graph({"graph": {"id": "graph"}, "nodes": [node]})
    finally:
        gate.go_on.set()
        importing.join(PATIENCE)
