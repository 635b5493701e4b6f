"""What travels is named when it cannot, and nothing of it stays behind."""

import os
import pickle

import numpy
import pytest

from ewoksppf_core.errors import TransferError
from ewoksppf_core.task.packing import pack_outputs, unpack_inputs
from ewoksppf_core.task.parcel import BIG, Bundle, Parcel
from ewoksppf_core.testing import tasks


def test_one_output_under_two_names_is_one_value(tmp_path):
    parcel = Parcel.pack(numpy.ones(BIG), str(tmp_path))
    inputs = pickle.loads(pickle.dumps({"a": parcel, "b": parcel, "c": Bundle(d=parcel)}))
    values = unpack_inputs("My node", inputs)
    assert values["a"] is values["b"] is values["c"]["d"]


def test_equal_outputs_are_different_values():
    values = unpack_inputs("My node", {"a": Parcel.pack([]), "b": Parcel.pack([])})
    assert values["a"] is not values["b"]


def test_nothing_is_left_of_outputs_one_of_which_cannot_be_pickled(tmp_path):
    outputs = {"good": numpy.ones(BIG), "bad": tasks.Unpicklable()}
    with pytest.raises(TransferError, match="output 'bad' of node 'My node'"):
        pack_outputs("My node", outputs, str(tmp_path))
    assert os.listdir(tmp_path) == []
