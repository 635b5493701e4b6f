"""A big default input is packed once, and nodes look as if nothing had happened."""

import gc
import os
import pickle

import numpy
import pytest

from ewoksppf_core.errors import TransferError
from ewoksppf_core.task.defaults import BigDefaults
from ewoksppf_core.task.execute import execute_packed
from ewoksppf_core.task.outcome import NodeInfo, RunInfo
from ewoksppf_core.task.packing import pack_node
from ewoksppf_core.task.parcel import BIG
from ewoksppf_core.testing import tasks

RUN = pickle.dumps(RunInfo(None, None, None))


class Node:
    """Collects what a task of a node gets to see."""

    def __init__(self, **inputs):
        self.items = [{"name": name, "value": value, "x": 1} for name, value in inputs.items()]
        self.attrs = {
            "task_type": "method",
            "task_identifier": "ewoksppf_core.testing.tasks.same",
            "default_inputs": self.items,
        }
        self.info = NodeInfo("My node", self.attrs, None)


def seen(parcel, monkeypatch):
    """Return the attributes with which a task is made."""
    attrs = []
    monkeypatch.setattr(
        "ewoksppf_core.task.execute.instantiate_task",
        lambda label, node_attrs, **kwargs: attrs.append(node_attrs),
    )
    execute_packed(RUN, parcel, {})
    return attrs[0]


@pytest.fixture
def defaults(tmp_path):
    return BigDefaults(str(tmp_path))


def segments(defaults):
    return os.listdir(defaults.store)


def big_array(value=1.0):
    return numpy.full(BIG, value)


def test_big_value_of_many_nodes_is_written_once(defaults):
    array, text = big_array(), "x" * BIG
    nodes = [pack_node(Node(a=array, number=n, text=text).info, defaults) for n in range(10)]
    assert len(segments(defaults)) == 2
    assert all(node.info.segment is None for node in nodes)


def test_equal_values_are_not_the_same_value(defaults):
    for _ in range(2):
        pack_node(Node(a=big_array()).info, defaults)
    assert len(segments(defaults)) == 2


def test_task_gets_the_attributes_of_its_node(defaults, monkeypatch):
    array = big_array()
    for number in range(2):
        node = Node(a=array, number=number, text="x" * BIG, small=[1, {}])
        attrs = seen(pack_node(node.info, defaults), monkeypatch)
        numpy.testing.assert_array_equal(attrs["default_inputs"][0].pop("value"), array)
        expected = {**node.attrs, "default_inputs": [dict(item) for item in node.items]}
        del expected["default_inputs"][0]["value"]
        assert attrs == expected


def test_attributes_of_the_plan_stay_as_they_are(defaults):
    array = big_array()
    node = Node(a=array)
    pack_node(node.info, defaults)
    assert node.attrs["default_inputs"] is node.items
    assert node.items[0]["value"] is array


def test_one_value_under_two_names_is_one_value_in_the_task(defaults, monkeypatch):
    array = big_array()
    attrs = seen(pack_node(Node(a=array, b=array).info, defaults), monkeypatch)
    first, second = (item["value"] for item in attrs["default_inputs"])
    assert first is second


def test_tasks_cannot_disturb_each_other(defaults, monkeypatch):
    parcel = pack_node(Node(a=big_array()).info, defaults)
    seen(parcel, monkeypatch)["default_inputs"][0]["value"][:] = -1
    array = seen(parcel, monkeypatch)["default_inputs"][0]["value"]
    numpy.testing.assert_array_equal(array, big_array())


def test_many_small_values_stay_with_their_node(defaults, monkeypatch):
    values = {f"x{number}": "x" * (BIG // 10) for number in range(20)}
    node = pack_node(Node(**values).info, defaults)
    assert node.info.segment is not None
    assert len(segments(defaults)) == 1
    attrs = seen(node, monkeypatch)
    assert {item["name"]: item["value"] for item in attrs["default_inputs"]} == values


def test_memory_is_freed_with_the_run(defaults):
    gone = BigDefaults(defaults.store)
    pack_node(Node(a=big_array()).info, gone)
    del gone
    gc.collect()
    assert segments(defaults) == []


@pytest.mark.parametrize("room", ["full", "none"])
def test_big_value_of_many_nodes_is_pickled_once_without_room_in_shared_memory(
    defaults, monkeypatch, room
):
    def write(descriptor, data):
        raise OSError(28, "No space left on device")

    array = big_array()
    here = BigDefaults(None) if room == "none" else defaults
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        nodes = [pack_node(Node(a=array, number=n).info, here) for n in range(10)]
    assert segments(defaults) == []
    assert len({id(parcel) for node in nodes for parcel in node.defaults.values()}) == 1
    assert sum(len(node.info.data) for node in nodes) < BIG
    attrs = seen(pickle.loads(pickle.dumps(nodes[0])), monkeypatch)
    numpy.testing.assert_array_equal(attrs["default_inputs"][0]["value"], array)


def test_unpicklable_value_beside_a_big_one_is_named(defaults):
    array = big_array()
    pack_node(Node(a=array).info, defaults)
    with pytest.raises(TransferError, match="input 'bad' of node 'My node'"):
        pack_node(Node(a=array, bad=tasks.Unpicklable()).info, defaults)
