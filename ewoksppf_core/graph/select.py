"""Find the nodes that ``inputs=`` and ``outputs=`` of a run speak of."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import networkx
from ewokscore.node import as_node_id_type

from ..errors import OptionError, did_you_mean
from .names import node_label

_SELECTORS = ("id", "label", "task_identifier", "all")
_INPUT_KEYS = ("name", "value", *_SELECTORS)
_OUTPUT_KEYS = ("name", "new_name", *_SELECTORS)


@dataclass(frozen=True, slots=True)
class Selected:
    """One output value of a node which belongs to the result.

    :param name: name of the output; None for all of them.
    :param new_name: its name in the result.
    :param at_end: only activations after which the run went nowhere count. In a cyclic graph
        without other end nodes, these are the ones at which the run really ended.
    """

    name: str | None
    new_name: str | None
    at_end: bool = False


def apply_inputs(
    graph: networkx.DiGraph,
    inputs: Sequence[Mapping[str, Any]] | None,
    start_nodes: Callable[[], Iterable[Hashable]],
) -> None:
    """Make the inputs of a run the default inputs of the nodes they are for.

    :param inputs: items with ``name`` and ``value``, and one of ``id``, ``label`` and
        ``task_identifier`` (both may be given), ``all``; without any of these, start nodes.
    :param start_nodes: returns the start nodes.
    :raises OptionError: an item has unknown or missing keys, or matches no node.
    """
    for item in _items("inputs", inputs, _INPUT_KEYS):
        for key in ("name", "value"):
            if key not in item:
                raise OptionError("inputs", dict(item), f"the key {key!r} is missing")
        for node in _matching("inputs", graph, item, start_nodes):
            defaults = graph.nodes[node].setdefault("default_inputs", [])
            defaults[:] = [default for default in defaults if default["name"] != item["name"]]
            defaults.append({"name": item["name"], "value": item["value"]})


def select_outputs(
    graph: networkx.DiGraph,
    outputs: Sequence[Mapping[str, Any]] | None,
    end_nodes: Callable[[], Iterable[Hashable]],
) -> dict[Hashable, tuple[Selected, ...]]:
    """Return what each node contributes to the result of a run.

    :param outputs: items with one of ``id``, ``label`` and ``task_identifier`` (both may be
        given), ``all``; without any of these, end nodes. With ``name`` only that output, called
        ``new_name`` in the result. None stands for all outputs of the end nodes.
    :param end_nodes: returns the end nodes.
    :raises OptionError: an item has unknown or missing keys, or matches no node.
    """
    selected: dict[Hashable, tuple[Selected, ...]] = {}
    for item in _items("outputs", [{"all": False}] if outputs is None else outputs, _OUTPUT_KEYS):
        name = item.get("name")
        if item.get("new_name") is not None and name is None:
            cure = "'new_name' needs the key 'name': which output is meant?"
            raise OptionError("outputs", dict(item), cure)
        at_end = not item.get("all") and not item.keys() & {"id", "label", "task_identifier"}
        choices = (Selected(name, item.get("new_name") or name, at_end),)
        for node in _matching("outputs", graph, item, end_nodes):
            selected[node] = selected[node] + choices if node in selected else choices
    return selected


def _items(
    option: str, items: Sequence[Mapping[str, Any]] | None, keys: Sequence[str]
) -> Sequence[Mapping[str, Any]]:
    if items is None:
        return ()
    if isinstance(items, Mapping | str) or not isinstance(items, Iterable):
        raise OptionError(option, items, "a list of dictionaries is expected")
    items = list(items)
    for item in items:
        if not isinstance(item, Mapping):
            raise OptionError(option, item, "a list of dictionaries is expected")
        for key in item:
            if key not in keys:
                hint = f"{did_you_mean(str(key), keys)} Keys are: {', '.join(keys)}"
                raise OptionError(option, dict(item), f"unknown key {key!r}{hint}")
    return items


def _matching(
    option: str,
    graph: networkx.DiGraph,
    item: Mapping[str, Any],
    default: Callable[[], Iterable[Hashable]],
) -> list[Hashable]:
    if "id" in item:
        node = as_node_id_type(item["id"])
        if node not in graph:
            hint = did_you_mean(str(node), map(str, graph.nodes)) + _some(graph.nodes)
            raise OptionError(option, dict(item), f"there is no node with id {node!r}{hint}")
        return [node]
    label, identifier = item.get("label"), item.get("task_identifier")
    if label is None and identifier is None:
        return list(graph.nodes if item.get("all") else default())
    nodes = [
        node
        for node, attrs in graph.nodes.items()
        if (label is None or node_label(node, attrs) == str(label))
        and (identifier is None or str(attrs.get("task_identifier", "")).endswith(identifier))
    ]
    if not nodes:
        wanted = {key: item[key] for key in _SELECTORS if key in item}
        hint = _hint(graph, label, identifier)
        raise OptionError(option, dict(item), f"there is no node with {wanted}{hint}")
    return nodes


def _some(nodes: Iterable[Hashable]) -> str:
    *first, last = [str(node) for node, _ in zip(nodes, range(11), strict=False)] or [""]
    return f" Nodes are: {', '.join([*first, '...' if len(first) == 10 else last])}"


def _hint(graph: networkx.DiGraph, label: str | None, identifier: str | None) -> str:
    if label is not None:
        labels = (node_label(node, attrs) for node, attrs in graph.nodes.items())
        return did_you_mean(label, labels)
    identifiers = (str(attrs.get("task_identifier")) for attrs in graph.nodes.values())
    return did_you_mean(str(identifier), set(identifiers))
