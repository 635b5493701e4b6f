"""Inputs go as soon as the worker has them, and not before somebody else needs them."""

import gc
import os
import pickle

import numpy
import pytest
from ewokscore import Task

from ewoksppf_core.task import lease, packing
from ewoksppf_core.task.defaults import BigDefaults
from ewoksppf_core.task.execute import execute_packed
from ewoksppf_core.task.lease import (
    GIVEN_BACK,
    give_back,
    need_memory,
    speak_to_parent,
    start_lease,
    take_back,
)
from ewoksppf_core.task.outcome import NodeInfo, RunInfo
from ewoksppf_core.task.packing import pack_node
from ewoksppf_core.task.parcel import BIG, Bundle, Parcel, adopt


class Double(Task, input_names=["array", "other"], output_names=["first", "second"]):
    """Makes two arrays of two."""

    def run(self):
        self.outputs.first = 2 * self.inputs.array
        self.outputs.second = 2 * self.inputs.other


def double(array, other):
    return 2 * array + other


def make_parcel(folder):
    parcel = Parcel.pack(numpy.ones(BIG), str(folder))
    adopt(parcel)
    return parcel


@pytest.fixture
def parcel(tmp_path):
    """A parcel that others need, too."""
    return make_parcel(tmp_path)


@pytest.fixture
def sent():
    """What this process, as a worker, sends to its parent."""
    messages = []
    speak_to_parent(messages.append)
    yield messages
    speak_to_parent(None)


def files(tmp_path):
    return os.listdir(tmp_path)


def test_memory_goes_when_the_worker_has_the_inputs(tmp_path, sent):
    lent = start_lease({"array": make_parcel(tmp_path)})
    arrived = pickle.loads(pickle.dumps(lent))
    value = arrived.inputs["array"].unpack()
    assert len(files(tmp_path)) == 1
    give_back(arrived)
    (message,) = sent
    take_back(message)
    assert files(tmp_path) == []
    numpy.testing.assert_array_equal(value, numpy.ones(BIG))


@pytest.fixture
def lent(parcel):
    return start_lease({"array": parcel})


def test_memory_stays_while_somebody_else_needs_it(parcel, lent, tmp_path):
    take_back(GIVEN_BACK + lent.token)
    assert lent.inputs == {}
    assert len(files(tmp_path)) == 1


def test_memory_goes_with_the_lease_when_the_worker_says_nothing(tmp_path):
    lent = start_lease({"array": make_parcel(tmp_path)})
    assert len(files(tmp_path)) == 1
    del lent
    assert files(tmp_path) == []
    assert len(lease._leases) == 0


def test_message_about_a_lease_that_is_over_does_nothing():
    lent = start_lease({})
    message = GIVEN_BACK + lent.token
    del lent
    take_back(message)


def test_process_without_a_parent_that_listens_says_nothing(lent):
    give_back(lent)


def test_parent_that_is_gone_is_no_error(lent):
    def send(message):
        raise BrokenPipeError

    speak_to_parent(send)
    try:
        give_back(lent)
    finally:
        speak_to_parent(None)


def test_process_forked_by_a_task_says_nothing(lent):
    readable, writable = os.pipe()
    speak_to_parent(lambda message: os.write(writable, message))
    try:
        child = os.fork()
        if child == 0:
            give_back(lent)
            os._exit(0)
        os.waitpid(child, 0)
    finally:
        speak_to_parent(None)
        os.close(writable)
    with open(readable, "rb") as pipe:
        assert pipe.read() == b""


def test_only_values_in_shared_memory_need_it(parcel):
    small = Parcel.pack(1)
    assert not need_memory({})
    assert not need_memory({"a": small, "b": 1, "c": Bundle(d=small)})
    assert need_memory({"a": small, "b": parcel})
    assert need_memory({"a": Bundle(b=small, c=parcel)})


@pytest.mark.parametrize(
    ("kind", "outputs"), [("class", ["first", "second"]), ("method", ["return_value"])]
)
def test_worker_has_let_go_of_all_inputs_when_it_packs_the_outputs(
    parcel, sent, tmp_path, monkeypatch, kind, outputs
):
    held = []
    pack_value = packing.pack_value

    def pack(label, variable, value, store):
        with open("/proc/self/maps") as maps:
            held.append([line for line in maps if str(tmp_path) in line])
        return pack_value(label, variable, value, store)

    monkeypatch.setattr(packing, "pack_value", pack)
    name = {"class": "Double", "method": "double"}[kind]
    attrs = {
        "task_type": kind,
        "task_identifier": f"{__name__}.{name}",
        "default_inputs": [{"name": "other", "value": numpy.ones(BIG)}],
    }
    defaults = BigDefaults(str(tmp_path))
    node = pack_node(NodeInfo("My node", attrs, None), defaults)
    run = pickle.dumps(RunInfo(None, None, None, str(tmp_path)))
    lent = start_lease({"array": parcel})
    gc.collect()
    gc.disable()
    try:
        outcome = execute_packed(run, node, pickle.loads(pickle.dumps(lent)))
    finally:
        gc.enable()
    assert outcome.failure is None
    assert sorted(outcome.outputs) == outputs
    assert held == [[] for _ in outputs]
    assert sent == [GIVEN_BACK + lent.token]
