"""Programs written for ewoksppf find what they look for."""

import inspect
import pickle
import sqlite3
import subprocess
import sys
from contextlib import closing
from importlib.metadata import entry_points, requires, version

import pytest
from ewokscore import events
from packaging.requirements import Requirement

import ewoksppf
import ewoksppf.bindings
import ewoksppf_core
from ewoksppf.engine import PpfWorkflowEngine

GRAPH = {
    "graph": {"id": "sum"},
    "nodes": [
        {
            "id": "sum",
            "task_type": "class",
            "task_identifier": "ewokscore.tests.examples.tasks.sumtask.SumTask",
            "default_inputs": [{"name": "a", "value": 40}, {"name": "b", "value": 2}],
        }
    ],
}


def test_execute_graph_gives_the_outputs():
    assert ewoksppf.execute_graph(GRAPH, pool_type="thread")["result"] == 42


def test_arguments_may_be_positional():
    inputs = [{"id": "sum", "name": "b", "value": 0}]
    assert ewoksppf.execute_graph(GRAPH, inputs, None, pool_type="thread")["result"] == 40


def test_execute_graph_shows_signature_and_documentation_of_the_core():
    assert inspect.signature(ewoksppf.execute_graph) == inspect.signature(
        ewoksppf_core.execute_graph
    )
    assert ewoksppf.execute_graph.__doc__ == ewoksppf_core.execute_graph.__doc__


def test_execute_graph_pickles():
    assert pickle.loads(pickle.dumps(ewoksppf.execute_graph)) is ewoksppf.execute_graph


def test_execute_graph_is_found_where_older_programs_import_it():
    assert ewoksppf.bindings.execute_graph is ewoksppf.execute_graph


def test_options_of_the_pool_outside_pool_options_warn_at_the_caller():
    with pytest.warns(DeprecationWarning, match="wait_on_exit") as caught:
        ewoksppf.execute_graph(GRAPH, pool_type="thread", wait_on_exit=True)
    assert [warning.filename for warning in caught] == [__file__]


def test_workers_without_effect_warn_at_the_caller():
    with pytest.warns(UserWarning, match="max_workers=3") as caught:
        ewoksppf.execute_graph(GRAPH, pool_type="thread", max_workers=3)
    assert [warning.filename for warning in caught] == [__file__]


def test_unknown_option_is_refused():
    with pytest.raises(ewoksppf_core.UnknownOptionError, match="max_wokers"):
        ewoksppf.execute_graph(GRAPH, max_wokers=2)


@pytest.mark.parametrize("execute", [ewoksppf.execute_graph, PpfWorkflowEngine().execute_graph])
def test_events_name_the_engine_ppf(execute, tmp_path):
    database = tmp_path / "events.db"
    handler = {
        "class": "ewokscore.events.handlers.Sqlite3EwoksEventHandler",
        "arguments": [{"name": "uri", "value": str(database)}],
    }
    try:
        execute(GRAPH, execinfo={"handlers": [handler], "asynchronous": False}, pool_type="thread")
    finally:
        events.cleanup()
    with closing(sqlite3.connect(database)) as connection:
        engines = connection.execute("SELECT DISTINCT engine FROM ewoks_events").fetchall()
    assert engines == [("ppf",)]


def test_engine_ppf_is_registered():
    (entry_point,) = entry_points(group="ewoks.engines", name="ppf")
    assert entry_point.load() is PpfWorkflowEngine


def test_ewoks_accepts_the_version():
    wanted = [Requirement(line) for line in requires("ewoks") or ()]
    (ppf,) = [requirement for requirement in wanted if requirement.name == "ewoksppf"]
    assert ppf.specifier.contains(version("ewoksppf"))


def test_ewoks_runs_its_demo():
    command = [sys.executable, "-m", "ewoks", "execute", "--engine", "ppf", "demo", "--test"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "FINISHED" in done.stdout
