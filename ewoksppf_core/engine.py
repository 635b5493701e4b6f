"""The Ewoks engine ``ppf_core``, for ``ewoks execute --engine ppf_core``."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from ewokscore.engine_interface import WorkflowEngine

from .api import execute_as


class PpfCoreWorkflowEngine(WorkflowEngine):  # type: ignore[misc]
    """Run workflows with :func:`ewoksppf_core.execute_graph`."""

    name = "ppf_core"
    """Name of the entry point, reported in Ewoks events."""

    def execute_graph(self, graph: Any, **options: Any) -> dict[Hashable, Any]:
        """Execute an Ewoks graph; the options are those of the function."""
        return execute_as(self.name, graph, **options)
