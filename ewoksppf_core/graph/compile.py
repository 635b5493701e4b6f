"""Compile a graph into a plan: answer every question of a run once, in linear time."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import networkx
from ewokscore.node import get_node_label, node_id_as_string

from ..errors import GraphError
from . import analysis
from .plan import Condition, Kind, Link, Name, Node, Plan
from .select import Selected
from .validate import check_feeders


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
