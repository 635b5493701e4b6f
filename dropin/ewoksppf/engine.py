"""The Ewoks engine ``ppf``, for ``ewoks execute --engine ppf``."""

from ewoksppf_core.engine import PpfCoreWorkflowEngine


class PpfWorkflowEngine(PpfCoreWorkflowEngine):
    """Run workflows with :func:`ewoksppf_core.execute_graph`."""

    name = "ppf"
