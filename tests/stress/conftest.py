"""Graphs of many like nodes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

IMPORTABLE = str(Path(__file__).parent / "importable")


@pytest.fixture(scope="session", autouse=True)
def importable_tasks():
    """Let this process and all workers import ``stress_tasks``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(IMPORTABLE)
        paths = [IMPORTABLE, *filter(None, [os.environ.get("PYTHONPATH")])]
        patch.setenv("PYTHONPATH", os.pathsep.join(paths))
        yield
    sys.modules.pop("stress_tasks", None)


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
