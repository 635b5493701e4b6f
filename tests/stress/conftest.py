"""Graphs of many like nodes, and every installed pool type."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ewoksppf_core.hookspecs import Location, Scaling
from ewoksppf_core.pool.registry import installed_backends

IMPORTABLE = str(Path(__file__).parent / "importable")
BACKENDS = [item.backend for item in installed_backends() if item.backend]
PROCESSES = [
    backend.pool_type
    for backend in BACKENDS
    if backend.location is Location.SAME_MACHINE and backend.scaling is Scaling.CORE
]


@pytest.fixture(scope="session", autouse=True)
def importable_tasks():
    """Let this process and all workers import ``stress_tasks``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(IMPORTABLE)
        paths = [IMPORTABLE, *filter(None, [os.environ.get("PYTHONPATH")])]
        patch.setenv("PYTHONPATH", os.pathsep.join(paths))
        yield
    sys.modules.pop("stress_tasks", None)


@pytest.fixture(params=[backend.pool_type for backend in BACKENDS])
def pool_type(request):
    """Every installed pool type."""
    return request.param


@pytest.fixture(params=PROCESSES)
def process_type(request):
    """Every installed pool type whose workers are processes that the core looks after."""
    return request.param


@pytest.fixture
def many():
    """Make a graph of independent nodes that differ in their inputs."""

    def make(task, inputs):
        nodes = [
            {
                "id": str(number),
                "task_type": "method",
                "task_identifier": f"stress_tasks.{task}",
                "default_inputs": [{"name": key, "value": value} for key, value in each.items()],
            }
            for number, each in enumerate(inputs)
        ]
        return {"graph": {"id": task}, "nodes": nodes}

    return make
