"""Read a graph from a file, a string, or an object of the user, and look at what networkx hides."""

from __future__ import annotations

import copy
import os
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import networkx
from ewokscore.graph import TaskGraph, serialize
from ewokscore.node import as_node_id_type

from ..errors import GraphError, GraphNotFoundError
from .validate import LIST, MAPPING


def read_graph(source: Any, options: Mapping[str, Any]) -> networkx.DiGraph:
    """Read a graph without its sub-graphs.

    :param options: ``representation``, ``root_dir`` and ``root_module``, as in ewokscore.
    :returns: a graph that shares no mutable structure with the source, only input values.
    :raises GraphError: it cannot be read.
    :raises GraphNotFoundError: there is no such file.
    """
    if source is None or (isinstance(source, str) and not source.strip()):
        raise GraphError(f"a graph is expected, not {source!r}")
    if isinstance(source, TaskGraph):
        source = source.graph
    if not isinstance(source, str | Path | Mapping | networkx.Graph):
        raise GraphError(
            "a graph is expected (a file name, JSON string, dictionary, TaskGraph or networkx "
            f"graph), not {source!r}"
        )
    with _reader_errors(source):
        read = _parse_json(source, options)
        if isinstance(read, Mapping):
            read = dict(read, graph=dict(read.get("graph") or {}))
    if isinstance(read, dict):
        _check_ids(read)
        if read.get("multigraph", True) and _has_simple_links(read):
            read["multigraph"] = False
        if isinstance(source, str | Path):
            options = {**options, "representation": None}  # it was that of the text
    with _reader_errors(source):
        graph = serialize.load(read, **options)
    if isinstance(source, networkx.Graph):
        graph = graph.copy()
    if not isinstance(source, str | Path):
        _copy_values(graph)
    return graph


@contextmanager
def _reader_errors(source: Any) -> Iterator[None]:
    """Say that a graph cannot be loaded, whatever the parsers and networkx raise."""
    try:
        yield
    except FileNotFoundError as error:
        raise GraphNotFoundError(f"there is no graph file {error}") from error
    except Exception as error:
        if any(isinstance(value, networkx.Graph) for value in error.args):
            raise GraphError('the graph is not directed: remove "directed": false') from error
        text = str(source)
        shown = text if len(text) < 200 else f"{text[:200]}..."
        raise GraphError(
            f"cannot load the graph {shown!r}: {type(error).__name__}: {_explain(error)}"
        ) from error


def _parse_json(source: Any, options: Mapping[str, Any]) -> Any:
    """Return what a JSON string or file says, as the dictionary that tells more than the graph.

    Anything else, and a file that has to be searched for, is returned as it is.
    """
    if not isinstance(source, str | Path):
        return source
    representation = options.get("representation")
    if isinstance(source, str) and "{" in source and "}" in source:
        is_text = representation in (None, "json_string")
        return serialize.json_load(source) if is_text else source
    if representation not in (None, "json") or not str(source).lower().endswith(".json"):
        return source
    root = options.get("root_dir")
    path = os.path.join(root or "", source)
    if (options.get("root_module") and not root) or not os.path.isfile(path):
        return source
    with open(path) as file:
        return serialize.json_load(file)


def _check_ids(source: Mapping[str, Any]) -> None:
    """Check that no two nodes have the same id, because networkx makes one node of them.

    :raises GraphError: two nodes have.
    """
    try:
        ids = [
            as_node_id_type(node.get("id", position))
            for position, node in enumerate(source.get("nodes") or ())
        ]
        distinct = set(ids)
    except (AttributeError, TypeError):
        return  # the reader says what is wrong
    if len(distinct) < len(ids):
        twice = Counter(ids).most_common(1)[0][0]
        raise GraphError(f"two nodes have the id {twice!r}: give one of them another id")


def _has_simple_links(source: Mapping[str, Any]) -> bool:
    """Tell whether there is at most one link from one node to another.

    What networkx reads is a multigraph otherwise, which takes longer and has to be flattened.
    """
    links = source.get("links")
    if not isinstance(links, LIST):
        return False
    try:
        pairs = {(link["source"], link["target"]) for link in links if "key" not in link}
    except (LookupError, TypeError):
        return False  # the reader says what is wrong, or knows what to do with it
    return len(pairs) == len(links)


def _explain(error: BaseException) -> str:
    # Decoding errors of ewokscore say nothing themselves.
    return str(error) or str(error.__cause__ or error.__context__ or "")


def _copy_values(graph: networkx.DiGraph) -> None:
    """Copy the values of attributes, but not the values of inputs."""
    graph.graph = copy.deepcopy(graph.graph)
    for _, attrs in graph.nodes.data():
        inputs = attrs.get("default_inputs")
        if isinstance(inputs, LIST):
            attrs["default_inputs"] = [
                dict(item) if isinstance(item, MAPPING) else item for item in inputs
            ]
    for _, _, attrs in links_of(graph):
        for name in ("data_mapping", "conditions"):
            items = attrs.get(name)
            if isinstance(items, LIST):
                attrs[name] = list(items)


def links_of(graph: networkx.DiGraph) -> Iterator[tuple[Hashable, Hashable, dict[str, Any]]]:
    """Return source, target and attributes of every link."""
    # Not graph.edges: networkx keeps that view, and the view keeps the graph, so that nothing but
    # the garbage collector would ever remove it.
    is_multigraph = graph.is_multigraph()
    for source, targets in graph.adjacency():
        for target, attrs in targets.items():
            for link in attrs.values() if is_multigraph else (attrs,):
                yield source, target, link
