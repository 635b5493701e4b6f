"""A queue in which several producers take turns."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """First in, first out for each producer; the producers take turns.

    A producer with many items does not make another one wait for all of them.
    """

    def __init__(self) -> None:
        self._lines: dict[Hashable, deque[T]] = {}  # the first one has its turn
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        """Give all items, producer by producer."""
        return itertools.chain.from_iterable(self._lines.values())

    def put(self, producer: Hashable, item: T) -> None:
        """Queue up."""
        line = self._lines.get(producer)
        if line is None:
            self._lines[producer] = deque((item,))
        else:
            line.append(item)
        self._length += 1

    def put_back(self, producer: Hashable, item: T) -> None:
        """Return an item to the head of the queue."""
        line = self._lines.pop(producer, deque())
        line.appendleft(item)
        self._lines = {producer: line, **self._lines}
        self._length += 1

    def get(self) -> T:
        """Take the next item.

        :raises IndexError: the queue is empty.
        """
        if not self._length:
            raise IndexError("get from an empty queue")
        producer = next(iter(self._lines))
        line = self._lines.pop(producer)
        item = line.popleft()
        if line:
            self._lines[producer] = line  # behind the others
        self._length -= 1
        return item

    def remove(self, which: Callable[[T], bool]) -> list[T]:
        """Take the items for which a function is true, in no particular order."""
        taken: list[T] = []
        for producer, line in list(self._lines.items()):
            kept: deque[T] = deque()
            for item in line:
                (taken if which(item) else kept).append(item)
            if kept:
                self._lines[producer] = kept
            else:
                del self._lines[producer]
        self._length -= len(taken)
        return taken

    def clear(self) -> list[T]:
        """Take all items."""
        return [self.get() for _ in range(self._length)]
