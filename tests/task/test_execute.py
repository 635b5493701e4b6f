"""One activation, as a worker executes it."""

from __future__ import annotations

import os
import pickle

import pytest
from ewokscore.missing_data import MISSING_DATA
from ewokscore.variable import Variable
from ewoksutils.exceptions import TaskExecutionError

from ewoksppf_core.errors import TransferError
from ewoksppf_core.task.cancel import RunningTasks
from ewoksppf_core.task.defaults import BigDefaults
from ewoksppf_core.task.execute import execute_here, execute_packed
from ewoksppf_core.task.failure import PackedException, pack_exception
from ewoksppf_core.task.outcome import NodeInfo, RunInfo
from ewoksppf_core.task.packing import open_value, pack_node, pack_value
from ewoksppf_core.task.parcel import Bundle, Parcel
from ewoksppf_core.testing import tasks

RUN = RunInfo(None, None, None, None)
PLACE = "ewoksppf_core.testing.tasks"


def node_info(task, wanted=None, inputs=(), **attrs):
    attrs = {"task_type": "method", "task_identifier": f"{PLACE}.{task}", **attrs}
    attrs["default_inputs"] = [{"name": name, "value": value} for name, value in inputs]
    return NodeInfo("My node", attrs, wanted)


def here(node, **inputs):
    return execute_here(RUN, node, inputs, RunningTasks())


def packed(node, **inputs):
    values = {name: pack_value("node", name, value, None) for name, value in inputs.items()}
    outcome = execute_packed(pickle.dumps(RUN), pack_node(node, BigDefaults(None)), values)
    return pickle.loads(pickle.dumps(outcome))


def opened(outcome):
    return {name: open_value(value, None) for name, value in outcome.outputs.items()}


@pytest.mark.parametrize("execute", [here, packed])
def test_outcome_has_outputs_process_and_times(execute):
    outcome = execute(node_info("add", inputs=[("left", 1), ("right", 5)]), right=2)
    assert opened(outcome) == {"return_value": 3}
    assert outcome.failure is None
    assert outcome.pid == os.getpid()
    assert outcome.started <= outcome.finished


@pytest.mark.parametrize("execute", [here, packed])
def test_failure_is_returned_not_raised(execute):
    outcome = execute(node_info("throw_from_cause"))
    assert outcome.outputs is None
    error = outcome.failure.unpack()
    assert isinstance(error, TaskExecutionError)
    assert isinstance(error.__cause__, tasks.SimpleError)
    assert "throw_from_cause" in outcome.failure.traceback


@pytest.mark.parametrize("execute", [here, packed])
@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_base_exceptions_of_a_task_are_failures(execute, error):
    outcome = execute(node_info("throw"), error=error)
    assert isinstance(outcome.failure.unpack(), type(error))


@pytest.mark.parametrize("execute", [here, packed])
@pytest.mark.parametrize(
    ("wanted", "names"), [(None, {"return_value"}), (frozenset(), set()), (frozenset("x"), set())]
)
def test_only_wanted_outputs_are_returned(execute, wanted, names):
    assert set(execute(node_info("pid", wanted)).outputs) == names


def test_unpicklable_output_is_a_failure_that_names_node_and_output():
    outcome = packed(node_info("make", inputs=[("kind", tasks.Unpicklable)]))
    error = outcome.failure.unpack()
    assert isinstance(error, TransferError)
    assert (error.node, error.variable) == ("My node", "output 'return_value'")


def test_unloadable_input_is_a_failure_that_names_node_and_input():
    outcome = packed(node_info("same"), value=tasks.Unloadable())
    error = outcome.failure.unpack()
    assert isinstance(error, TransferError)
    assert (error.node, error.variable) == ("My node", "input 'value'")


def test_unpicklable_default_input_is_named_when_the_node_is_packed():
    node = node_info("same", inputs=[("good", 1), ("bad", tasks.Unpicklable())])
    with pytest.raises(TransferError, match="input 'bad' of node 'My node'"):
        pack_node(node, BigDefaults(None))


def test_unpicklable_attribute_is_an_error_when_the_node_is_packed():
    with pytest.raises(TransferError, match="attributes of node 'My node'"):
        pack_node(node_info("same", unpicklable=tasks.Unpicklable()), BigDefaults(None))


@pytest.mark.parametrize("execute", [here, packed])
def test_bundle_reaches_the_task_as_a_plain_dictionary(execute):
    outcome = execute(node_info("same"), value=Bundle({"x": Variable(1), "y": 2}))
    value = opened(outcome)["return_value"]
    assert value == {"x": 1, "y": 2}
    assert type(value) is dict


def test_packed_exception_reaches_the_task_as_exception():
    error = pack_exception(ValueError("message"))
    assert isinstance(pack_value("node", "x", error, None), PackedException)
    value = opened(packed(node_info("same"), value=error))["return_value"]
    assert repr(value) == "ValueError('message')"


def test_exception_as_input_works_with_persistence(tmp_path):
    run = RunInfo({"root_uri": str(tmp_path), "scheme": "json"}, None, None, None)
    node = node_info("same", task_identifier="builtins.repr")
    outcome = execute_here(run, node, {"0": ValueError("message")}, RunningTasks())
    assert open_value(outcome.outputs["return_value"], run.varinfo) == "ValueError('message')"


def test_parcel_is_not_packed_twice():
    parcel = Parcel.pack(1, None)
    assert pack_value("node", "x", parcel, None) is parcel


def test_open_value_resolves_parcels_and_variables():
    assert open_value(Parcel.pack(Variable(5), None), None) == 5
    assert open_value(5, None) == 5
    assert open_value(MISSING_DATA, None) is MISSING_DATA
