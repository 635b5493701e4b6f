"""The names of ``ewoksppf``, for programs written before ``ewoksppf_core``."""

from .bindings import execute_graph

__all__ = ["execute_graph"]
