"""Notice attributes whose names look like a slip: Ewoks keeps them, and nobody reads them."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Mapping
from typing import Any

import networkx

from .names import node_label
from .validate import LINK_ATTRIBUTES, NODE_ATTRIBUTES

_NODE_NAMES = (
    *NODE_ATTRIBUTES,
    "id",
    "label",
    "task_type",
    "task_identifier",
    "task_generator",
    "conditions_else_value",
)
_LINK_NAMES = (
    *LINK_ATTRIBUTES,
    "source",
    "target",
    "sub_source",
    "sub_target",
    "sub_target_attributes",
)
_ALIKE = 0.8
"""How much a name resembles another one when it is a slip for it, from 0 to 1."""

_logger = logging.getLogger(__name__)


def warn_of_slips(graph: networkx.DiGraph) -> None:
    """Log a warning for each unknown attribute that resembles one which means something."""
    seen = set(_NODE_NAMES)
    for node, attrs in graph.nodes.data():
        if not seen.issuperset(attrs):
            _warn(f"node {node_label(node, attrs)!r}", attrs, seen, _NODE_NAMES)
    seen = set(_LINK_NAMES)
    for source, targets in graph.adjacency():
        for target, attrs in targets.items():
            if not seen.issuperset(attrs):
                _warn(f"link {source!r} -> {target!r}", attrs, seen, _LINK_NAMES)


def _warn(owner: str, attrs: Mapping[str, Any], seen: set[str], known: tuple[str, ...]) -> None:
    """Look at the names that have not been seen before."""
    for name in attrs.keys() - seen:
        seen.add(name)
        for meant in difflib.get_close_matches(str(name), known, n=1, cutoff=_ALIKE):
            _logger.warning(
                "%s: the attribute %r has no effect (did you mean %r?)", owner, name, meant
            )
