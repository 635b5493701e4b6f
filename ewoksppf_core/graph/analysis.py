"""Questions about the shape of a graph, answered in time linear in its nodes and links.

``ewokscore.graph.analysis`` answers the same questions, recursively and one node at a time. The
rules are those of the Ewoks specification, https://ewokscore.readthedocs.io/en/stable/
reference/specs.html.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from itertools import repeat
from typing import Any

import networkx
from ewokscore.graph.analysis import node_pure_descendants
from ewokscore.inittask import get_task_class

Attrs = Mapping[str, Any]


def successors(graph: networkx.DiGraph) -> dict[Hashable, Mapping[Hashable, Attrs]]:
    """Return the outgoing links of every node: their attributes, by target.

    The same as ``graph.succ``, which makes new views for every look-up.
    """
    return dict(graph.adjacency())


def predecessors(graph: networkx.DiGraph) -> dict[Hashable, Mapping[Hashable, Attrs]]:
    """Return the incoming links of every node: their attributes, by source."""
    return dict(graph.reverse(copy=False).adjacency())


def descendants(graph: networkx.DiGraph, nodes: Iterable[Hashable]) -> set[Hashable]:
    """Return the given nodes and everything downstream of them."""
    reached = set(nodes)
    pending = list(reached)
    while pending:
        for successor in graph.successors(pending.pop()):
            if successor not in reached:
                reached.add(successor)
                pending.append(successor)
    return reached


def is_conditional(link: Attrs) -> bool:
    """Tell whether a link delivers only sometimes."""
    return bool(link.get("on_error")) or bool(link.get("conditions"))


def required_links(graph: networkx.DiGraph) -> set[tuple[Hashable, Hashable]]:
    """Return the links that must deliver before their target starts.

    ``required`` decides if given. Conditional links are optional, and so is every other link with
    an optional link anywhere upstream.
    """
    explicit: dict[tuple[Hashable, Hashable], bool] = {}
    for source, targets in graph.adjacency():
        for target, link in targets.items():
            if link.get("required") is not None:
                explicit[source, target] = link["required"]
            elif is_conditional(link):
                explicit[source, target] = False
    uncertain = descendants(graph, (t for (_, t), required in explicit.items() if not required))
    return {
        link
        for source, targets in graph.adjacency()
        for link in zip(repeat(source), targets)
        if explicit.get(link, source not in uncertain)
    }


def start_nodes(
    graph: networkx.DiGraph, required: set[tuple[Hashable, Hashable]]
) -> list[Hashable]:
    """Return the nodes that are triggered when the run starts, in the order of the graph.

    :param required: the required links.
    """
    sources_of = predecessors(graph)
    natural = [
        node
        for node, attrs in graph.nodes.data()
        if not sources_of[node] or attrs.get("force_start_node")
    ]
    if natural:
        return natural
    return [
        node
        for node, attrs in graph.nodes.data()
        if not any((source, node) in required for source in sources_of[node])
        and _inputs_are_covered(node, attrs)
    ]


def nodes_run_once(
    graph: networkx.DiGraph,
    required: set[tuple[Hashable, Hashable]],
    start: Iterable[Hashable],
) -> set[Hashable]:
    """Return nodes which certainly run at most once, so that their inputs can be let go.

    :param required: the required links.
    :param start: the start nodes.
    """
    start = set(start)
    once = set()
    sources_of, targets_of = predecessors(graph), successors(graph)
    missing = {node: len(sources) for node, sources in sources_of.items()}
    pending = [node for node, count in missing.items() if count == 0]
    while pending:
        node = pending.pop()
        sources = sources_of[node]
        one_trigger = len(sources) == 1 and node not in start
        if not one_trigger and any((source, node) not in required for source in sources):
            continue
        once.add(node)
        for target in targets_of[node]:
            missing[target] -= 1
            if missing[target] == 0:
                pending.append(target)
    return once


def end_nodes(graph: networkx.DiGraph) -> list[Hashable]:
    """Return the nodes whose outputs are the result, in the order of the graph."""
    pure = [
        node
        for node, targets in graph.adjacency()
        if not targets or all(link.get("on_error") for link in targets.values())
    ]
    return pure or [
        node
        for node, targets in graph.adjacency()
        if _conditions_have_a_gap(graph.nodes[node], targets.values())
    ]


def condition_values(links: Iterable[Attrs]) -> dict[str, list[Any]]:
    """Return the values that the links of a node compare each of its outputs with."""
    values: dict[str, list[Any]] = {}
    for link in links:
        for condition in link.get("conditions") or ():
            known = values.setdefault(condition["source_output"], [])
            if condition["value"] not in known:
                known.append(condition["value"])
    return values


def connect_default_error_handlers(graph: networkx.DiGraph) -> None:
    """Give every node without error handler a link to each default error handler.

    Nodes that handle errors, or come after them, get none. When no node needs the default error
    handlers, they are removed with all that depends on nothing else.
    """
    handlers: dict[Hashable, dict[str, Any]] = {}
    for node, attrs in graph.nodes.data():
        if attrs.pop("default_error_node", False):
            link = dict(attrs.pop("default_error_attributes", None) or {})
            link["on_error"] = True
            if not link.keys() & {"map_all_data", "data_mapping"}:
                link["map_all_data"] = True
            handlers[node] = link
    if not handlers:
        return
    handled = {
        source
        for source, targets in graph.adjacency()
        if any(link.get("on_error") for link in targets.values())
    }
    excluded = handled | descendants(graph, handlers)
    unhandled = [node for node in graph.nodes if node not in excluded]
    for node in unhandled:
        for handler, link in handlers.items():
            graph.add_edge(node, handler, **link)
    if not unhandled:
        for handler in handlers:
            if handler in graph and not graph.pred[handler]:
                useless = list(node_pure_descendants(graph, handler, include_node=True))
                graph.remove_nodes_from(useless)


def _inputs_are_covered(node: Hashable, attrs: Attrs) -> bool:
    # Only classes tell which inputs they require.
    if attrs.get("task_type") != "class":
        return False
    required = get_task_class(node, dict(attrs)).required_input_names()
    return not set(required) - {item["name"] for item in attrs.get("default_inputs") or ()}


def _conditions_have_a_gap(node: Attrs, links: Iterable[Attrs]) -> bool:
    else_value = node.get("conditions_else_value")
    return any(
        else_value not in values and not _are_booleans(values)
        for values in condition_values(links).values()
    )


def _are_booleans(values: Iterable[Any]) -> bool:
    # By identity: 0 and 1 equal them, but do not cover an output that is a number.
    return any(value is True for value in values) and any(value is False for value in values)
