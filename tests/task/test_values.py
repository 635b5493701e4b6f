"""What scientists hand on arrives as it was: tables, sparse matrices, data from HDF5 files."""

import os
import pickle

import h5py
import numpy
import pandas
import pytest
import scipy.sparse

from ewoksppf_core.task.parcel import BIG, Parcel


@pytest.fixture(params=["shared memory", "pipe"])
def send(request, tmp_path):
    """Bring a value to another process, which cannot disturb a third one."""
    store = str(tmp_path) if request.param == "shared memory" else None

    def send(value):
        parcel = pickle.loads(pickle.dumps(Parcel.pack(value, store)))
        assert bool(os.listdir(tmp_path)) == (store is not None)
        return parcel.unpack(), parcel.unpack()

    return send


def big_array():
    return numpy.arange(BIG, dtype="f8")


@pytest.mark.parametrize(
    "table",
    [
        pandas.DataFrame({"energy": big_array(), "counts": numpy.arange(BIG), "name": "x"}),
        pandas.Series(big_array(), index=pandas.date_range("2026-01-01", periods=BIG, freq="s")),
    ],
    ids=["columns", "times"],
)
def test_tables(send, table):
    first, second = send(table)
    assert first.equals(table)
    first.iloc[0] = first.iloc[1]
    assert not first.equals(table)
    assert second.equals(table)


@pytest.mark.parametrize("layout", ["csr", "csc", "coo", "bsr"])
def test_sparse_matrices(send, layout):
    matrix = scipy.sparse.random_array((3000, 3000), density=0.01, rng=1, format=layout)
    first, second = send(matrix)
    assert first.format == layout
    assert abs(first - matrix).max() == 0
    first.data[:] = -1
    assert abs(second - matrix).max() == 0


@pytest.mark.parametrize(
    "written",
    [
        big_array().reshape(256, -1),
        numpy.zeros(BIG, dtype=[("x", "<f4"), ("label", "S8"), ("on", "?")]),
        numpy.arange(BIG, dtype=">i4"),
    ],
    ids=["image", "compound", "big-endian"],
)
def test_data_loaded_from_hdf5_files(send, written):
    with h5py.File("any.h5", "w", driver="core", backing_store=False) as file:
        file["data"] = written
        loaded = file["data"][()]
    first, second = send(loaded)
    assert first.dtype == loaded.dtype
    numpy.testing.assert_array_equal(first, written)
    first[:] = first[-1]
    numpy.testing.assert_array_equal(second, written)
