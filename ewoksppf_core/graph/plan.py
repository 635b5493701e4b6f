"""A graph compiled for execution: immutable, integer-indexed, every question answered once."""

from __future__ import annotations

import enum
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from .select import Selected

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
    :param error_needs_inputs: one of these delivers inputs of the activation that failed.
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
    error_needs_inputs: bool
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
