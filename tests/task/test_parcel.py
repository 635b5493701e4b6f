"""Values travel between processes unchanged, the big ones through shared memory."""

import gc
import os
import pickle

import numpy
import pytest

from ewoksppf_core.task import parcel as parcel_module
from ewoksppf_core.task.parcel import BIG, Bundle, Parcel, adopt, remove_orphans
from ewoksppf_core.task.store import open_store


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("EWOKSPPF_SHM", str(tmp_path))
    with open_store() as folder:
        yield folder


def segments(store):
    return os.listdir(store)


def send(parcel):
    """Do what a pipe does."""
    return pickle.loads(pickle.dumps(parcel))


def big_array():
    return numpy.arange(BIG, dtype="f8")


class WithBuffer:
    """An object which hands out a buffer when it is pickled."""

    def __init__(self, buffer):
        self.buffer = buffer

    def __reduce_ex__(self, protocol):
        return WithBuffer, (pickle.PickleBuffer(self.buffer),)


@pytest.mark.parametrize(
    "array",
    [
        big_array(),
        big_array()[::2],
        big_array().reshape(256, -1).T,
        numpy.asfortranarray(big_array().reshape(256, -1)),
        numpy.zeros((0, 4)),
        numpy.zeros(BIG, dtype=[("a", "i4"), ("b", "f8", (2,))]),
        numpy.array([{"a": 1}, None], dtype=object),
        numpy.array("scalar"),
    ],
    ids=["big", "strided", "transposed", "fortran", "empty", "structured", "object", "scalar"],
)
def test_arrays_arrive_unchanged_and_writable(store, array):
    arrived = send(Parcel.pack(array, store)).unpack()
    assert arrived.dtype == array.dtype
    numpy.testing.assert_array_equal(arrived, array)
    assert arrived.flags.writeable


def test_read_only_array_stays_read_only(store):
    array = big_array()
    array.flags.writeable = False
    assert not Parcel.pack(array, store).unpack().flags.writeable


@pytest.mark.parametrize("value", ["x" * BIG, b"x" * BIG, list(range(BIG)), {"a": [1]}, None])
def test_other_values_arrive_unchanged(store, value):
    assert send(Parcel.pack(value, store)).unpack() == value


def test_objects_with_buffers_of_their_own_arrive(store):
    arrived = send(Parcel.pack(WithBuffer(bytearray(b"x" * BIG)), store)).unpack()
    assert bytes(arrived.buffer) == b"x" * BIG


def test_several_big_buffers_share_one_file(store):
    arrays = [numpy.full(BIG + number, number, dtype="u1") for number in range(5)]
    parcel = Parcel.pack(arrays, store)
    assert len(segments(store)) == 1
    for arrived, array in zip(send(parcel).unpack(), arrays, strict=True):
        numpy.testing.assert_array_equal(arrived, array)


def test_buffers_are_aligned_for_vector_instructions(store):
    arrays = [numpy.zeros(BIG + odd, dtype="u1") for odd in (1, 2, 3)]
    addresses = [array.ctypes.data for array in Parcel.pack(arrays, store).unpack()]
    assert [address % 64 for address in addresses] == [0, 0, 0]


def test_many_small_buffers_need_no_file(store):
    Parcel.pack([numpy.zeros(10) for _ in range(100)], store)
    assert segments(store) == []


def test_big_values_pass_the_forwarding_process_as_a_few_bytes(store):
    assert len(pickle.dumps(Parcel.pack(big_array(), store))) < 1000
    assert len(pickle.dumps(Parcel.pack("x" * BIG, store))) < 1000


def test_values_keep_no_file_descriptor(store):
    parcel = Parcel.pack(big_array(), store)
    descriptors = len(os.listdir("/proc/self/fd"))
    values = [parcel.unpack() for _ in range(10)]
    assert len(os.listdir("/proc/self/fd")) == descriptors
    for value in values:
        numpy.testing.assert_array_equal(value, big_array())


def test_memory_is_unmapped_with_the_last_piece_of_a_value(store):
    def is_mapped():
        with open("/proc/self/maps") as file:
            return any(store in line for line in file)

    arrays = Parcel.pack([big_array(), big_array()], store).unpack()
    piece = arrays.pop()[10:20]
    del arrays
    gc.collect()
    assert is_mapped()
    numpy.testing.assert_array_equal(piece, range(10, 20))
    del piece
    gc.collect()
    assert not is_mapped()


def test_consumer_cannot_disturb_another_one(store):
    parcel = Parcel.pack(big_array(), store)
    first, second = parcel.unpack(), parcel.unpack()
    first[:] = -1
    numpy.testing.assert_array_equal(second, big_array())
    numpy.testing.assert_array_equal(parcel.unpack(), big_array())


def test_producer_that_goes_on_writing_does_not_change_what_was_sent(store):
    array = big_array()
    parcel = Parcel.pack(array, store)
    array[:] = -1
    numpy.testing.assert_array_equal(parcel.unpack(), big_array())


def test_adopted_parcel_frees_its_memory_when_it_goes(store):
    parcel = Parcel.pack(big_array(), store)
    adopt(Bundle(a=parcel))
    value = parcel.unpack()
    assert len(segments(store)) == 1
    del parcel
    gc.collect()
    assert segments(store) == []
    numpy.testing.assert_array_equal(value, big_array())


def test_copy_of_an_adopted_parcel_frees_nothing(store):
    parcel = Parcel.pack(big_array(), store)
    adopt(parcel)
    copy = send(parcel)
    del copy
    gc.collect()
    assert len(segments(store)) == 1


def test_forked_copy_of_an_adopted_parcel_frees_nothing(store):
    parcel = Parcel.pack(big_array(), store)
    adopt(parcel)
    child = os.fork()
    if child == 0:
        del parcel
        os._exit(0)
    os.waitpid(child, 0)
    assert len(segments(store)) == 1


def test_what_a_dead_process_was_writing_is_removed(store):
    adopted = Parcel.pack(big_array(), store)
    adopted.adopt()
    Parcel.pack(big_array(), store)
    remove_orphans(store, os.getpid() + 1)
    assert len(segments(store)) == 2
    remove_orphans(store, os.getpid())
    assert segments(store) == [os.path.basename(adopted.segment.path)]


@pytest.mark.parametrize("where", ["segment", "folder"])
def test_value_takes_the_pipe_when_shared_memory_is_full(store, monkeypatch, where):
    def write(descriptor, data):
        raise OSError(28, "No space left on device")

    if where == "segment":
        monkeypatch.setattr(os, "write", write)
        folder = store
    else:
        folder = os.path.join(store, "gone")
    parcel = Parcel.pack(big_array(), folder)
    monkeypatch.undo()
    assert parcel.segment is None
    assert segments(store) == []
    numpy.testing.assert_array_equal(send(parcel).unpack(), big_array())


def test_value_takes_the_pipe_without_shared_memory():
    parcel = Parcel.pack(big_array())
    assert parcel.segment is None
    arrived = send(parcel).unpack()
    numpy.testing.assert_array_equal(arrived, big_array())
    assert arrived.flags.writeable


def test_writes_larger_than_one_call_takes_are_complete(store, monkeypatch):
    write = os.write
    monkeypatch.setattr(parcel_module.os, "write", lambda fd, data: write(fd, data[:1000]))
    parcel = Parcel.pack(big_array(), store)
    monkeypatch.undo()
    numpy.testing.assert_array_equal(parcel.unpack(), big_array())
