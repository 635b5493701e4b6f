"""Per node: the latest data received from each incoming link; decides when activations start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..graph.plan import Kind, Link, Name, Node

Data = Mapping[Name, Any]
"""What a link delivers: values by input name. The values are opaque here."""

_NEVER: Data = {}
"""What is in the place of a link that has never delivered; compared by identity."""

_LET_GO: Data = {}
"""What is in the place of a link that has delivered, when nobody will look at that again."""


class Mailbox:
    """Collects deliveries to one node and tells which activations they start.

    :param node: the node, which has predecessors.
    """

    __slots__ = (
        "_all_replaced",
        "_buffer",
        "_cached",
        "_missing",
        "_ran",
        "_required",
        "_retained",
        "_start",
    )

    def __init__(self, node: Node) -> None:
        self._start: Data = _NEVER
        self._required: list[Data] = [_NEVER] * node.required
        self._cached: list[Data] = [_NEVER] * node.cached
        self._missing = node.required
        self._buffer: list[Data] = []
        self._retained: Data = _NEVER
        self._ran = False
        # The next delivery replaces all that there is: keeping it would only take memory.
        self._all_replaced = node.predecessors == 1 or not (node.required or node.cached)

    def trigger(self, start: Data) -> None:
        """Take the arguments of a start trigger."""
        self._start = start

    def deliver(self, link: Link, data: Data) -> None:
        """Take what a link delivers."""
        if link.kind is Kind.REQUIRED:
            self._missing -= self._required[link.place] is _NEVER
            self._required[link.place] = data
        elif link.kind is Kind.CACHED:
            self._cached[link.place] = data
        elif self._ran:
            self._retained = data
        else:
            self._buffer.append(data)

    def activations(self) -> list[dict[Name, Any]]:
        """Return the inputs of the activations that the last delivery starts."""
        if self._missing:
            return []
        if self._ran:
            elements = [self._retained]
        else:
            elements = self._buffer or [_NEVER]
            self._ran, self._retained, self._buffer = True, elements[-1], []
        due = [self._merge(element) for element in elements]
        if self._all_replaced:
            self._let_go()
        return due

    def _let_go(self) -> None:
        self._retained = _LET_GO
        self._required = [_LET_GO] * len(self._required)
        self._cached = [_LET_GO] * len(self._cached)

    def _merge(self, last: Data) -> dict[Name, Any]:
        inputs: dict[Name, Any] = dict(self._start)
        for data in self._required:
            inputs.update(data)
        for data in self._cached:
            inputs.update(data)
        inputs.update(last)
        return inputs
