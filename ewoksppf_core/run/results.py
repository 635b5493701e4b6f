"""Collect what the run returns."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from ewokscore.missing_data import MISSING_DATA

from ..graph.plan import Plan
from .scheduler import Activation

_logger = logging.getLogger(__name__)


class Results:
    """Keeps the selected outputs of the latest activation of each selected node.

    :param plan: says what is selected.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._latest: dict[int, tuple[int, Mapping[Any, Any]]] = {}

    def add(self, activation: Activation, outputs: Mapping[Any, Any]) -> None:
        """Take the outputs of an activation that succeeded."""
        if activation.node not in self._plan.selected:
            return
        number, _ = self._latest.get(activation.node, (-1, None))
        if activation.number > number:
            self._latest[activation.node] = activation.number, outputs

    def collect(self, load: Callable[[int, Any], Any], merge: bool) -> dict[Hashable, Any]:
        """Return the result, in the order of the nodes in the graph.

        :param load: returns the value that an output of a node (by index) stands for.
        :param merge: merge the outputs of all nodes; otherwise they are given by node id.
        """
        result: dict[Hashable, Any] = {}
        for index, choices in self._plan.selected.items():
            if index not in self._latest:
                continue
            _, outputs = self._latest[index]
            values: dict[Hashable, Any] = {}
            for choice in choices:
                if choice.name is None:
                    values.update({name: load(index, value) for name, value in outputs.items()})
                else:
                    value = outputs.get(choice.name, MISSING_DATA)
                    values[choice.new_name] = load(index, value)
            if not merge:
                result[self._plan.nodes[index].id] = values
                continue
            for name in result.keys() & values.keys():
                _logger.warning(
                    "output %r of node %r replaces the one of an earlier node in the merged "
                    "result: select outputs, rename them, or use merge_outputs=False",
                    name,
                    self._plan.nodes[index].label,
                )
            result.update(values)
        return result
