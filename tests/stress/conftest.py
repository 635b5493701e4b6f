"""Graphs of many like nodes."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def importable_tasks(importing_from):
    """Let this process and all workers import ``stress_tasks``."""
    with importing_from(Path(__file__).parent / "importable"):
        yield


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
