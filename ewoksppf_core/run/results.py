"""Collect what the run returns."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any

from ewokscore.missing_data import MISSING_DATA

from ..errors import TransferError
from ..graph.plan import Plan
from ..graph.select import Selected
from .scheduler import Activation

Load = Callable[[int, Any, Any], Any]
LoadAll = Callable[[int, Mapping[Any, Any]], dict[Any, Any]]

_logger = logging.getLogger(__name__)


class Results:
    """Keeps the selected outputs of the latest activation of each selected node.

    :param plan: says what is selected.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._latest: dict[tuple[int, Selected], tuple[int, Mapping[Any, Any]]] = {}

    def add(self, activation: Activation, outputs: Mapping[Any, Any], ended: bool) -> None:
        """Take the outputs of an activation that succeeded.

        :param ended: they were not delivered to any other node.
        """
        for choice in self._plan.selected.get(activation.node, ()):
            if choice.at_end and not ended:
                continue
            place = activation.node, choice
            number, _ = self._latest.get(place, (-1, None))
            if activation.number > number:
                # Not more than needed: other outputs may be big.
                kept = outputs if choice.name is None else _only(choice.name, outputs)
                self._latest[place] = activation.number, kept

    def collect(self, load: Load, merge: bool) -> tuple[dict[Hashable, Any], list[TransferError]]:
        """Return the result, in the order of the nodes in the graph.

        :param load: returns the value that an output stands for, from the index of its node and
            its name; raises :class:`TransferError` when that is impossible.
        :param merge: merge the outputs of all nodes; otherwise they are given by node id.
        :returns: the values, and why others are missing.
        """
        problems: list[TransferError] = []

        def load_all(index: int, outputs: Mapping[Any, Any]) -> dict[Any, Any]:
            loaded = {}
            for name, output in outputs.items():
                try:
                    loaded[name] = load(index, name, output)
                except TransferError as error:
                    problems.append(error)
            return loaded

        result: dict[Hashable, Any] = {}
        replacing: list[tuple[str, str]] = []
        for index, choices in self._plan.selected.items():
            values = self._values(index, choices, load_all)
            if values is None:
                continue
            node = self._plan.nodes[index]
            if not merge:
                result[node.id] = values
                continue
            if replaced := sorted(map(str, result.keys() & values.keys())):
                replacing.append((node.label, ", ".join(replaced)))
            result.update(values)
        if replacing:
            (label, names), others = replacing[0], len(replacing) - 1
            _logger.warning(
                "node %r replaces %s of an earlier node in the merged result%s: select outputs, "
                "rename them, or use merge_outputs=False",
                label,
                names,
                f", and {others} more nodes do the like" if others else "",
            )
        return result, problems

    def _values(
        self, index: int, choices: Iterable[Selected], load_all: LoadAll
    ) -> dict[Hashable, Any] | None:
        values: dict[Hashable, Any] | None = None
        for choice in choices:
            if (index, choice) not in self._latest:
                continue
            _, outputs = self._latest[index, choice]
            values = {} if values is None else values
            if choice.name is None:
                values.update(load_all(index, outputs))
            else:
                output = outputs.get(choice.name, MISSING_DATA)
                for value in load_all(index, {choice.name: output}).values():
                    values[choice.new_name] = value
        return values


def _only(name: str, outputs: Mapping[Any, Any]) -> dict[Any, Any]:
    return {name: outputs[name]} if name in outputs else {}
