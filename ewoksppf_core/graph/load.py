"""Load a graph from any representation that Ewoks knows, in linear time.

``ewokscore.load_graph`` does the same, but its validation asks for every link whether it is
required, which takes time exponential in the depth of the graph. Everything else that it does is
reused: representations, schema updates, sub-graph extraction.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx
from ewokscore.graph.multigraph import flatten_multigraph
from ewokscore.graph.schema import LATEST_VERSION, normalize_schema_version, update_graph_schema
from ewokscore.graph.subgraph import add_subgraph_links, extract_graph_nodes
from packaging.version import parse as parse_version

from ..errors import GraphError, GraphNotFoundError, check_known
from .analysis import connect_default_error_handlers
from .read import links_of, read_graph
from .slips import warn_of_slips
from .validate import check_links, check_node_attributes, check_tasks, task_type_of

_SUB_NODE_KEYS = {"sub_source", "sub_target", "sub_target_attributes"}
_LOAD_OPTIONS = ("representation", "root_dir", "root_module")


def load_graph(source: Any, load_options: Mapping[str, Any] | None = None) -> networkx.DiGraph:
    """Load a graph, with its sub-graphs and default error handlers in place.

    :param source: anything that ``ewokscore.load_graph`` accepts: a file name, a JSON string, a
        dictionary, a module, a ``TaskGraph`` or a :class:`networkx.DiGraph`.
    :param load_options: ``representation``, ``root_dir`` and ``root_module``, as in ewokscore.
    :returns: a graph that shares no mutable structure with the source, only input values.
    :raises UnknownOptionError: there is no load option of that name.
    :raises GraphError: it cannot be loaded, or has attributes that mean nothing.
    :raises GraphNotFoundError: there is no such file.
    """
    options = dict(load_options or {})
    check_known("load_options", options, _LOAD_OPTIONS)
    graph = _load(source, options, parents=())
    check_tasks(graph)
    check_links(graph)
    warn_of_slips(graph)
    return graph


@dataclass
class _SubGraph:
    """What ``extract_graph_nodes`` wants to see of a sub-graph."""

    graph: networkx.DiGraph


def _load(source: Any, options: dict[str, Any], parents: tuple[str, ...]) -> networkx.DiGraph:
    if isinstance(source, str | Path):
        if str(source) in parents:
            raise GraphError(f"the graph contains itself: {' > '.join([*parents, str(source)])}")
        parents = (*parents, str(source))
    graph = read_graph(source, options)
    _update_schema(graph)
    _check_defined(graph)
    check_node_attributes(graph)
    sub_graphs = {
        node: _load_sub_graph(node, attrs, options, parents)
        for node, attrs in graph.nodes.data()
        if task_type_of(node, attrs, sub_graphs=True) == "graph"
    }
    if sub_graphs:
        graph = _insert(graph, sub_graphs)
    try:
        graph = flatten_multigraph(graph)
    except ValueError as error:
        raise GraphError(
            f"links between the same two nodes contradict each other: {error}"
        ) from error
    connect_default_error_handlers(graph)
    return graph


def _update_schema(graph: networkx.DiGraph) -> None:
    try:
        normalize_schema_version(graph)
        while parse_version(graph.graph["schema_version"]) != LATEST_VERSION:
            update_graph_schema(graph)
    except ValueError as error:
        raise GraphError(f"schema_version: {error}") from error


def _check_defined(graph: networkx.DiGraph) -> None:
    # networkx adds the nodes that only links know, without attributes.
    for node, attrs in graph.nodes.data():
        if attrs:
            continue
        if graph.pred[node]:
            link = next(source for source in graph if graph.has_edge(source, node)), node
        elif graph.succ[node]:
            link = node, next(graph.successors(node))
        else:
            continue
        raise GraphError(
            f"link {link[0]!r} -> {link[1]!r} refers to node {node!r}, which is not a node of "
            "the graph"
        )


def _load_sub_graph(
    node: Hashable, attrs: dict[str, Any], options: dict[str, Any], parents: tuple[str, ...]
) -> _SubGraph:
    try:
        graph = _load(attrs["task_identifier"], options, parents)
    except GraphNotFoundError as error:
        raise GraphNotFoundError(error.message, f"sub-graph {node!r}") from error
    except GraphError as error:
        raise GraphError(str(error), f"sub-graph {node!r}") from error
    graph.graph["id"] = node
    return _SubGraph(graph)


def _insert(graph: networkx.DiGraph, sub_graphs: Mapping[Hashable, _SubGraph]) -> networkx.DiGraph:
    """Replace the graph nodes by the nodes of the graphs that they stand for."""
    for source, target, attrs in links_of(graph):
        is_outer = source in sub_graphs or target in sub_graphs
        if is_outer and not attrs.keys() & _SUB_NODE_KEYS:
            # ewokscore would drop the link without a word.
            raise GraphError(
                "'sub_source' or 'sub_target' is missing: which node of the sub-graph is meant?",
                f"link {source!r} -> {target!r}",
            )
    try:
        links, update_attrs = extract_graph_nodes(graph, sub_graphs)
        graph = flatten_multigraph(graph)
        renamed = [
            networkx.relabel_nodes(sub.graph, {node: (name, node) for node in sub.graph.nodes})
            for name, sub in sub_graphs.items()
        ]
        graph_attrs = dict(graph.graph)
        graph = networkx.compose_all([graph, *renamed])
        graph.graph = graph_attrs
        # Several links between the same two nodes become one.
        multi = networkx.MultiDiGraph(graph)
        add_subgraph_links(multi, links, update_attrs)
    except ValueError as error:
        raise GraphError(str(error)) from error
    return multi
