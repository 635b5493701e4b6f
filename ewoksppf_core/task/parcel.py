"""Values on their way between processes: opaque bytes and big buffers in shared memory.

A buffer is written into shared memory once, by its producer, and mapped by each consumer: private
and copy-on-write, so that a consumer gets a writable array without a copy and cannot disturb
another one. The process which forwards parcels never looks inside. It *adopts* the ones that it
receives: the memory is freed when its last reference to the parcel goes.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import pickle
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .mapping import map_privately
from .store import write_segment

BIG = 64 * 1024
"""Buffers and pickles from this size on, in bytes, go into shared memory."""

_ALIGNMENT = 64
"""Of buffers in a segment, in bytes: vector instructions like it."""

_adopted: set[str] = set()
"""Files that go with parcels of this process."""

_logger = logging.getLogger(__name__)


class Bundle(dict[Any, Any]):
    """All outputs of an activation as the value of one input."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A file in shared memory.

    :param path: where it is.
    :param lengths: of the blocks in it, in bytes; each begins at a multiple of the alignment.
    """

    path: str
    lengths: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Parcel:
    """A pickled value, which is forwarded without being unpickled.

    :param data: the pickle; None when it is big, and then the first block of the segment.
    :param segment: holds the big buffers of the value; None when it has none.
    """

    data: bytes | None
    segment: Segment | None = None

    @classmethod
    def pack(cls, value: Any, store: str | None = None) -> Parcel:
        """Pickle a value; raises whatever pickle raises.

        :param store: folder in shared memory; None for no shared memory.
        """
        if store is None:
            return cls(pickle.dumps(value, protocol=5))
        return Pickled(value).parcel(store)

    def unpack(self) -> Any:
        """Unpickle the value; raises whatever pickle raises."""
        if self.segment is None:
            assert self.data is not None
            return pickle.loads(self.data)
        blocks = _map(self.segment)
        data = next(blocks) if self.data is None else self.data
        return pickle.loads(data, buffers=blocks)

    def destroy(self) -> None:
        """Free the shared memory now."""
        if self.segment is not None:
            _unlink(self.segment.path, os.getpid())

    def adopt(self) -> None:
        """Free the shared memory when this object goes."""
        if self.segment is not None:
            _adopted.add(self.segment.path)
            weakref.finalize(self, _unlink, self.segment.path, os.getpid())


class Pickled:
    """A pickled value whose big buffers have not been copied yet; raises whatever pickle raises."""

    def __init__(self, value: Any) -> None:
        self._value = value
        self._blocks: list[memoryview] = []
        self._data = pickle.dumps(value, protocol=5, buffer_callback=self._keep_in_band)
        if len(self._data) >= BIG:
            self._blocks.insert(0, memoryview(self._data))

    @property
    def is_big(self) -> bool:
        """Whether shared memory is the place for it."""
        return bool(self._blocks)

    def parcel(self, store: str | None) -> Parcel:
        """Write what is big into shared memory, if there is room.

        :param store: folder in shared memory; None for no shared memory.
        """
        if not self._blocks:
            return Parcel(self._data)
        if store is None:
            return Parcel(pickle.dumps(self._value, protocol=5))
        try:
            segment = _write(store, self._blocks)
        except OSError as error:
            _logger.info("shared memory cannot take a value, a pipe does: %s", error)
            return Parcel(pickle.dumps(self._value, protocol=5))
        return Parcel(self._data if len(self._data) < BIG else None, segment)

    def _keep_in_band(self, buffer: pickle.PickleBuffer) -> bool:
        try:
            raw = buffer.raw()
        except BufferError:  # not contiguous: pickle knows what to do
            return True
        if raw.nbytes < BIG:
            return True
        self._blocks.append(raw)
        return False


def remove_orphans(store: str, pid: int) -> None:
    """Free the shared memory of values that a process was writing when it died.

    :param pid: process id of a worker, all of whose outcomes have been adopted.
    """
    for name in os.listdir(store):
        path = os.path.join(store, name)
        if name.startswith(f"{pid}-") and path not in _adopted:
            _unlink(path, os.getpid())


def adopt(value: Any) -> None:
    """Adopt a parcel, or all parcels of a bundle; other values need nothing."""
    if isinstance(value, Parcel):
        value.adopt()
    elif isinstance(value, Bundle):
        for item in value.values():
            adopt(item)


def _write(store: str, blocks: list[memoryview]) -> Segment:
    padding = memoryview(bytes(_ALIGNMENT))
    padded = ((block, padding[: -block.nbytes % _ALIGNMENT]) for block in blocks)
    path = write_segment(store, list(itertools.chain.from_iterable(padded)))
    return Segment(path, tuple(block.nbytes for block in blocks))


def _map(segment: Segment) -> Iterator[memoryview]:
    view = map_privately(segment.path)
    start = 0
    for length in segment.lengths:
        yield view[start : start + length]
        start += length + -length % _ALIGNMENT


def _unlink(path: str, owner: int) -> None:
    if os.getpid() != owner:
        return  # a copy of the parcel in a forked worker
    _adopted.discard(path)
    with contextlib.suppress(OSError):  # the run has removed its folder already
        os.unlink(path)
