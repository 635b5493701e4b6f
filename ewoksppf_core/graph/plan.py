"""A graph compiled for execution: immutable, integer-indexed, every question answered once."""

from __future__ import annotations

import enum
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import networkx
from ewokscore.node import get_node_label, node_id_as_string

from ..errors import GraphError
from . import analysis
from .select import Selected
from .validate import check_feeders

Name = str | int
"""Name of an output or input; positional ones are whole numbers."""


class Kind(enum.Enum):
    """What a link means to the mailbox of its target."""

    REQUIRED = "required"
    """Nothing starts before it delivers; the latest data is kept."""

    CACHED = "cached"
    """Optional; the latest data is kept."""

    PLAIN = "plain"
    """Optional; each delivery starts an activation, the last one is retained."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison that must hold for a link to deliver.

    :param output: name of the output compared.
    :param value: what it must be equal to.
    :param others: for an *else* condition, the values of which it must equal none, unless it
        equals ``value``; None for an ordinary condition.
    """

    output: Name
    value: Any
    others: tuple[Any, ...] | None


@dataclass(frozen=True, slots=True)
class Link:
    """A link between two nodes.

    :param source: index of the source node.
    :param target: index of the target node.
    :param kind: what it means to the target.
    :param place: position among the links of the same kind of the target, in the order of their
        source nodes; 0 for plain links.
    :param map_all_data: pass all outputs by name.
    :param mapping: pairs of output and input; the output None stands for all outputs as one
        dictionary.
    :param conditions: what must hold.
    """

    source: int
    target: int
    kind: Kind
    place: int
    map_all_data: bool
    mapping: tuple[tuple[Name | None, Name], ...]
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A node of the graph.

    :param id: as in the graph.
    :param label: what the user calls it.
    :param attrs: the attributes in the graph.
    :param is_ppf: its outputs are inside the dictionary ``_ppfdict``.
    :param links: indices of the outgoing links that deliver after success.
    :param error_links: indices of the outgoing links that deliver after failure.
    :param predecessors: number of incoming links.
    :param required: number of incoming required links.
    :param cached: number of incoming cached links.
    :param once: it runs at most once.
    :param compared: outputs that conditions look at.
    :param wanted: outputs that a link or the result needs; None for all.
    """

    id: Hashable
    label: str
    attrs: Mapping[str, Any]
    is_ppf: bool
    links: tuple[int, ...]
    error_links: tuple[int, ...]
    predecessors: int
    required: int
    cached: int
    once: bool
    compared: frozenset[Name]
    wanted: frozenset[Name] | None


@dataclass(frozen=True, slots=True)
class Plan:
    """A graph ready to run.

    :param nodes: in the order of the graph.
    :param links: in the order of the graph: by source node, then as given.
    :param start: indices of the start nodes.
    :param selected: what each node contributes to the result, by node index.
    """

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    start: tuple[int, ...]
    selected: Mapping[int, tuple[Selected, ...]]

    def link_name(self, link: Link) -> str:
        """Name a link for the user."""
        return f"{self.nodes[link.source].label!r} -> {self.nodes[link.target].label!r}"


def compile_plan(
    graph: networkx.DiGraph, selected: Mapping[Hashable, list[Selected]] | None = None
) -> Plan:
    """Compile a graph that :func:`~ewoksppf_core.graph.load.load_graph` has loaded.

    :param selected: what each node contributes to the result.
    :raises GraphError: the graph has no start node or no end node.
    """
    selected = selected or {}
    required = analysis.required_links(graph)
    check_feeders(graph, required)
    start = analysis.start_nodes(graph, required)
    if graph and not start:
        raise GraphError(
            "the graph has no start node: every node waits for another one. Set "
            "force_start_node on the node where the run begins"
        )
    if graph and not analysis.end_nodes(graph):
        raise GraphError(
            "the graph has no end node: the run would never end. Add a node without successors "
            "or a condition that is not always fulfilled"
        )
    once = analysis.nodes_run_once(graph, required, start)
    index = {node: number for number, node in enumerate(graph.nodes)}
    links, counts = _compile_links(graph, index, required)
    out: list[list[int]] = [[] for _ in index]
    for number, link in enumerate(links):
        out[link.source].append(number)
    nodes = []
    for (node, attrs), numbers in zip(graph.nodes.items(), out, strict=True):
        on_error = [bool(link.get("on_error")) for link in graph.succ[node].values()]
        good = tuple(n for n, error in zip(numbers, on_error, strict=True) if not error)
        bad = tuple(n for n, error in zip(numbers, on_error, strict=True) if error)
        is_ppf = attrs.get("task_type") in ("ppfmethod", "ppfport")
        out_links = [links[number] for number in good]
        nodes.append(
            Node(
                id=node,
                label=str(get_node_label(node, attrs) or node_id_as_string(node)),
                attrs=attrs,
                is_ppf=is_ppf,
                links=good,
                error_links=bad,
                predecessors=len(graph.pred[node]),
                required=counts[Kind.REQUIRED].get(index[node], 0),
                cached=counts[Kind.CACHED].get(index[node], 0),
                once=node in once,
                compared=frozenset(c.output for link in out_links for c in link.conditions),
                wanted=_wanted(is_ppf, out_links, selected.get(node, [])),
            )
        )
    return Plan(
        nodes=tuple(nodes),
        links=tuple(links),
        start=tuple(index[node] for node in start),
        selected={index[node]: tuple(selected[node]) for node in graph.nodes if node in selected},
    )


def _compile_links(
    graph: networkx.DiGraph,
    index: Mapping[Hashable, int],
    required: set[tuple[Hashable, Hashable]],
) -> tuple[list[Link], dict[Kind, dict[int, int]]]:
    """Return all links, and how many of each kind each node has."""
    counts: dict[Kind, dict[int, int]] = {kind: {} for kind in Kind}
    links = []
    for source in graph.nodes:
        compared: dict[str, list[Any]] | None = None
        for target, attrs in graph.succ[source].items():
            conditions: tuple[Condition, ...] = ()
            if attrs.get("conditions"):
                if compared is None:
                    compared = analysis.condition_values(graph, source)
                else_value = graph.nodes[source].get("conditions_else_value")
                conditions = _conditions(attrs, compared, else_value)
            kind = _kind((source, target) in required, attrs)
            of_kind = counts[kind]
            place = of_kind.get(index[target], 0)
            of_kind[index[target]] = place + 1
            links.append(
                Link(
                    source=index[source],
                    target=index[target],
                    kind=kind,
                    place=place,
                    map_all_data=bool(attrs.get("map_all_data")),
                    mapping=_mapping(attrs),
                    conditions=conditions,
                )
            )
    return links, counts


def _kind(required: bool, attrs: Mapping[str, Any]) -> Kind:
    if required:
        return Kind.REQUIRED
    return Kind.CACHED if attrs.get("cache_if_optional") else Kind.PLAIN


def _mapping(attrs: Mapping[str, Any]) -> tuple[tuple[Name | None, Name], ...]:
    return tuple(
        (_name(item.get("source_output")), item["target_input"])
        for item in attrs.get("data_mapping") or ()
    )


def _conditions(
    attrs: Mapping[str, Any], values: Mapping[str, list[Any]], else_value: Any
) -> tuple[Condition, ...]:
    # The last of several conditions on one output counts.
    wanted = {item["source_output"]: item["value"] for item in attrs.get("conditions") or ()}
    return tuple(
        Condition(_name(output), value, tuple(values[output]) if value == else_value else None)
        for output, value in wanted.items()
    )


def _name(name: Any) -> Any:
    """Normalise the name of an output as ewokscore does: digits are positions."""
    if isinstance(name, str) and name.isdigit():
        return int(name)
    return None if name == "" else name


def _wanted(is_ppf: bool, links: list[Link], selected: list[Selected]) -> frozenset[Name] | None:
    names: set[Name | None] = {_name(choice.name) for choice in selected}
    for link in links:
        if link.map_all_data:
            return None
        names.update(output for output, _ in link.mapping)
        names.update(condition.output for condition in link.conditions)
        if is_ppf and link.conditions:
            names.add("_ppfdict")
    if None in names:
        return None
    return frozenset(name for name in names if name is not None)
