import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ewoksppf_core.cli import main
from ewoksppf_core.pool import registry


class Finished(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Finished]
Graph = Callable[..., str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in this process."""
    monkeypatch.delenv("EWOKSPPF_POOL_TYPE", raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str) -> Finished:
        code = main(arguments)
        return Finished(code, *capsys.readouterr())

    return call


@pytest.fixture
def execute(run: Run) -> Run:
    """Execute workflows in this process, on threads unless told otherwise."""

    def call(*arguments: str) -> Finished:
        if "--pool-type" not in arguments:
            arguments = ("--pool-type", "thread", *arguments)
        return run("execute", *arguments)

    return call


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Start the command in a process of its own."""
    started = []

    def call(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "ewoksppf_core.cli", *arguments]
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        options.setdefault("env", {**os.environ, "TERM": "xterm", "COLUMNS": "100"})
        process = subprocess.Popen(command, **options)
        started.append(process)
        return process

    yield call
    for process in started:
        with process:
            process.kill()


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    """Write a graph without links: one example task per keyword argument."""

    def write(name: str = "graph", **nodes: tuple[str, dict[str, Any]]) -> str:
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(graph_of(name, **nodes)))
        return str(path)

    return write


def graph_of(name: str, /, **nodes: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "graph": {"id": name},
        "nodes": [node_of(node, task, inputs) for node, (task, inputs) in nodes.items()],
        "links": [],
    }


def node_of(node: str, task: str, inputs: dict[str, Any]) -> dict[str, Any]:
    is_class = task.rpartition(".")[2][0].isupper()
    return {
        "id": node,
        "task_type": "class" if is_class else "method",
        "task_identifier": task,
        "default_inputs": [
            # The names of positional arguments are numbers.
            {"name": int(name[1:]) if name.startswith("_") else name, "value": value}
            for name, value in inputs.items()
        ],
    }


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Pretend that a distribution is installed."""

    def write(distribution: str, version: str, **entry_points: str) -> None:
        folder = tmp_path / "site" / f"{distribution.replace('-', '_')}-{version}.dist-info"
        folder.mkdir(parents=True)
        metadata = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        (folder / "METADATA").write_text(metadata)
        lines = [f"{name} = {value}" for name, value in entry_points.items()]
        (folder / "entry_points.txt").write_text(
            "\n".join(["[ewoksppf_core.backends]", *lines, ""])
        )
        monkeypatch.syspath_prepend(folder.parent)
        registry.forget()

    yield write
    monkeypatch.undo()
    registry.forget()
