"""Compile a graph into a plan: answer every question of a run once, in linear time."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import networkx

from ..errors import GraphError
from . import analysis
from .names import node_label
from .plan import Condition, Kind, Link, Name, Node, Plan
from .select import Selected
from .validate import check_feeders

# Looking up a member of an enumeration is a function call in some versions of Python.
_REQUIRED, _CACHED, _PLAIN = Kind.REQUIRED, Kind.CACHED, Kind.PLAIN
_NO_NAMES: frozenset[Name] = frozenset()
_ERROR = {"WorkflowException", "WorkflowExceptionInstance"}


def compile_plan(
    graph: networkx.DiGraph, selected: Mapping[Hashable, Sequence[Selected]] | None = None
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
    index = {node: number for number, node in enumerate(graph)}
    links, counts = _compile_links(graph, index, required)
    once = analysis.nodes_run_once(graph, required, start)
    return Plan(
        nodes=tuple(_compile_nodes(graph, links, counts, once, selected)),
        links=tuple(links),
        start=tuple(index[node] for node in start),
        selected={index[node]: tuple(selected[node]) for node in graph if node in selected},
    )


class _Shared(dict[Any, Any]):
    """Holds one object for all that are equal, because most links and nodes are alike."""

    def __missing__(self, value: Any) -> Any:
        self[value] = value
        return value


def _compile_links(
    graph: networkx.DiGraph,
    index: Mapping[Hashable, int],
    required: set[tuple[Hashable, Hashable]],
) -> tuple[list[Link], tuple[list[int], list[int]]]:
    """Return all links, and how many required and how many cached ones lead to each node."""
    required_counts, cached_counts = [0] * len(index), [0] * len(index)
    shared = _Shared()
    links: list[Link] = []
    for source, targets in graph.adjacency():
        number = index[source]
        compared: dict[str, list[Any]] | None = None
        for target, attrs in targets.items():
            conditions: tuple[Condition, ...] = ()
            if attrs.get("conditions"):
                if compared is None:
                    compared = analysis.condition_values(targets.values())
                else_value = graph.nodes[source].get("conditions_else_value")
                conditions = _conditions(attrs, compared, else_value)
            kind, place, to = _PLAIN, 0, index[target]
            if (source, target) in required:
                kind, place = _REQUIRED, required_counts[to]
                required_counts[to] += 1
            elif attrs.get("cache_if_optional"):
                kind, place = _CACHED, cached_counts[to]
                cached_counts[to] += 1
            links.append(
                Link(
                    source=number,
                    target=to,
                    kind=kind,
                    place=place,
                    map_all_data=bool(attrs.get("map_all_data")),
                    mapping=shared[_mapping(attrs)],
                    conditions=conditions,
                )
            )
    return links, (required_counts, cached_counts)


def _compile_nodes(
    graph: networkx.DiGraph,
    links: Sequence[Link],
    counts: tuple[list[int], list[int]],
    once: set[Hashable],
    selected: Mapping[Hashable, Sequence[Selected]],
) -> list[Node]:
    """Return all nodes.

    :param counts: how many required and how many cached links lead to each node.
    """
    required_counts, cached_counts = counts
    predecessors, successors = analysis.predecessors(graph), analysis.successors(graph)
    shared = _Shared()
    nodes: list[Node] = []
    first_link = 0
    for number, (node, attrs) in enumerate(graph.nodes.data()):
        good: list[int] = []
        bad: list[int] = []
        for position, link in enumerate(successors[node].values(), first_link):
            (bad if link.get("on_error") else good).append(position)
        first_link += len(successors[node])
        is_ppf = attrs.get("task_type") in ("ppfmethod", "ppfport")
        out_links = [links[position] for position in good]
        compared = _compared(out_links)
        wanted = _wanted(is_ppf, out_links, compared, selected.get(node))
        nodes.append(
            Node(
                id=node,
                label=node_label(node, attrs),
                attrs=attrs,
                is_ppf=is_ppf,
                links=tuple(good),
                error_links=tuple(bad),
                error_needs_inputs=any(_needs_inputs(links[position]) for position in bad),
                predecessors=len(predecessors[node]),
                required=required_counts[number],
                cached=cached_counts[number],
                once=node in once,
                compared=compared,
                wanted=shared[wanted],
            )
        )
    return nodes


def _mapping(attrs: Mapping[str, Any]) -> tuple[tuple[Name | None, Name], ...]:
    items = attrs.get("data_mapping")
    if not items:
        return ()
    return tuple([(_name(item.get("source_output")), item["target_input"]) for item in items])


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


def _needs_inputs(error_link: Link) -> bool:
    outputs = {output for output, _ in error_link.mapping}
    return error_link.map_all_data or not outputs <= _ERROR


def _compared(links: Iterable[Link]) -> frozenset[Name]:
    names = [condition.output for link in links for condition in link.conditions]
    return frozenset(names) if names else _NO_NAMES


def _wanted(
    is_ppf: bool,
    links: Sequence[Link],
    compared: frozenset[Name],
    selected: Sequence[Selected] | None,
) -> frozenset[Name] | None:
    if not links and not selected:
        return _NO_NAMES
    names: set[Name | None] = {_name(choice.name) for choice in selected or ()}
    for link in links:
        if link.map_all_data:
            return None
        for output, _ in link.mapping:
            names.add(output)
    names.update(compared)
    if is_ppf and compared:
        names.add("_ppfdict")
    if None in names:
        return None
    return frozenset(name for name in names if name is not None)
