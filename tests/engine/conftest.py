"""Run real graphs in real pools."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ewoksppf_core import open_pool
from ewoksppf_core.pool.pool import Pool
from ewoksppf_core.run.events import ActivationStarted

SHORT = {
    "Count": "class",
    "Two": "class",
    "Half": "class",
    "Failing": "class",
    "Handler": "class",
    "ppf_add": "ppfmethod",
    "ppf_fail": "ppfmethod",
    "ppf_describe": "ppfmethod",
}


@pytest.fixture(scope="session", autouse=True)
def importable_tasks(importing_from: Callable[[Path], Any]) -> Iterator[None]:
    """Let this process and all workers import ``engine_tasks``."""
    with importing_from(Path(__file__).parent / "importable"):
        yield


@pytest.fixture(scope="module")
def warm_pool(pool_type: str, importable_tasks: None) -> Iterator[Pool]:
    """An open pool of every installed pool type."""
    with open_pool(pool_type) as pool:
        yield pool


@pytest.fixture(params=["thread", "process"])
def one_of_each(request: pytest.FixtureRequest) -> str:
    """A pool type whose values pass by reference, and one whose values travel."""
    return str(request.param)


@pytest.fixture
def make_graph() -> Callable[..., dict[str, Any]]:
    """Make graphs from short descriptions: nodes are named by their task."""

    def make(
        nodes: dict[str, Any], links: Any = (), id: str = "graph", **attrs: Any
    ) -> dict[str, Any]:
        described = []
        for name, node in nodes.items():
            node = {"task": node} if isinstance(node, str) else dict(node)
            task = node.pop("task", None)
            inputs = node.pop("inputs", {})
            if task is not None:
                node.setdefault("task_type", SHORT.get(task, "method"))
                node["task_identifier"] = f"engine_tasks.{task}"
            if inputs:
                node["default_inputs"] = [
                    {"name": key, "value": value} for key, value in inputs.items()
                ]
            described.append({"id": name, **node})
        return {
            "graph": {"id": id, **attrs},
            "nodes": described,
            "links": [{"source": s, "target": t, **link} for s, t, link in links],
        }

    return make


@pytest.fixture
def wait_for_start(listener: Any) -> Callable[[object], None]:
    """Observe a run, and let it go on when its first task has said that it runs.

    A time limit that is over meanwhile finds the task running, however slow the machine is.
    """

    pids: list[int] = []

    def observe(event: object) -> None:
        if isinstance(event, ActivationStarted) and not pids:
            pids.append(listener.read_pid())

    return observe


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give tasks that are cancelled all the time that they need to end."""
    for module in ("pool.pool", "run.runner"):
        monkeypatch.setattr(f"ewoksppf_core.{module}.GRACE_SECONDS", 30.0)


@pytest.fixture
def shared_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Name the folder in which big values are."""
    folder = tmp_path / "shm"
    folder.mkdir()
    monkeypatch.setenv("EWOKSPPF_SHM", str(folder))
    return folder
