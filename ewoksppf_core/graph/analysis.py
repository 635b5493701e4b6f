"""Questions about the shape of a graph, answered in time linear in its nodes and links.

``ewokscore.graph.analysis`` answers the same questions, recursively and one node at a time. The
rules are those of the Ewoks specification, https://ewokscore.readthedocs.io/en/stable/
reference/specs.html.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import networkx
from ewokscore.graph.analysis import node_pure_descendants
from ewokscore.inittask import get_task_class

Attrs = Mapping[str, Any]


def descendants(graph: networkx.DiGraph, nodes: Iterable[Hashable]) -> set[Hashable]:
    """Return the given nodes and everything downstream of them."""
    reached = set(nodes)
    pending = deque(reached)
    while pending:
        for successor in graph.successors(pending.popleft()):
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
    for link, attrs in graph.edges.items():
        if attrs.get("required") is not None:
            explicit[link] = attrs["required"]
        elif is_conditional(attrs):
            explicit[link] = False
    uncertain = descendants(graph, (t for (_, t), required in explicit.items() if not required))
    return {link for link in graph.edges if explicit.get(link, link[0] not in uncertain)}


def start_nodes(
    graph: networkx.DiGraph, required: set[tuple[Hashable, Hashable]]
) -> list[Hashable]:
    """Return the nodes that are triggered when the run starts, in the order of the graph.

    :param required: the required links.
    """
    natural = [
        node
        for node, attrs in graph.nodes.items()
        if attrs.get("force_start_node") or not graph.pred[node]
    ]
    if natural:
        return natural
    return [
        node
        for node, attrs in graph.nodes.items()
        if not any((source, node) in required for source in graph.pred[node])
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
    missing = {node: len(sources) for node, sources in graph.pred.items()}
    pending = deque(node for node, count in missing.items() if count == 0)
    while pending:
        node = pending.popleft()
        sources = graph.pred[node]
        one_trigger = len(sources) == 1 and node not in start
        if not one_trigger and any((source, node) not in required for source in sources):
            continue
        once.add(node)
        for target in graph.succ[node]:
            missing[target] -= 1
            if missing[target] == 0:
                pending.append(target)
    return once


def end_nodes(graph: networkx.DiGraph) -> list[Hashable]:
    """Return the nodes whose outputs are the result, in the order of the graph."""
    pure = [
        node
        for node in graph.nodes
        if all(link.get("on_error") for link in graph.succ[node].values())
    ]
    return pure or [node for node in graph.nodes if _conditions_have_a_gap(graph, node)]


def condition_values(graph: networkx.DiGraph, node: Hashable) -> dict[str, list[Any]]:
    """Return the values that the links of a node compare each of its outputs with."""
    values: dict[str, list[Any]] = {}
    for link in graph.succ[node].values():
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
    for node, attrs in graph.nodes.items():
        if attrs.pop("default_error_node", False):
            link = dict(attrs.pop("default_error_attributes", None) or {})
            link["on_error"] = True
            if not link.keys() & {"map_all_data", "data_mapping"}:
                link["map_all_data"] = True
            handlers[node] = link
    if not handlers:
        return
    handled = {source for (source, _), link in graph.edges.items() if link.get("on_error")}
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


def _conditions_have_a_gap(graph: networkx.DiGraph, node: Hashable) -> bool:
    else_value = graph.nodes[node].get("conditions_else_value")
    return any(
        else_value not in values and not _are_booleans(values)
        for values in condition_values(graph, node).values()
    )


def _are_booleans(values: Iterable[Any]) -> bool:
    # By identity: 0 and 1 equal them, but do not cover an output that is a number.
    return any(value is True for value in values) and any(value is False for value in values)
