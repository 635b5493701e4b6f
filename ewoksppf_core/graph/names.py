"""What a node is called."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any


def node_label(node: Hashable, attrs: Mapping[str, Any]) -> str:
    """Return the label of a node, or its id: a node of a sub-graph is called ``graph:node``.

    It is what ``ewokscore.node.get_node_label`` returns, except for ids that are integers: that
    one calls node 10 ``1:0``, and raises a :class:`TypeError` for integers in sub-graphs.
    """
    if label := attrs.get("label"):
        return str(label)
    parts = []
    while node and isinstance(node, tuple):
        *first, node = node
        parts += first
    return ":".join(map(str, [*parts, node]))
