"""Wheels of all distributions, and an environment to install them into."""

import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

RUN_GRAPH = """
import json, sys
from ewoksppf_core import EwoksPpfError, execute_graph

if __name__ == "__main__":
    graph, pool_type = sys.argv[1:]
    try:
        print(execute_graph(graph, **json.loads(pool_type))["result"])
    except EwoksPpfError as error:
        print(f"{type(error).__name__}: {error}")
"""

LIST_POOL_TYPES = """
from importlib.metadata import entry_points

print(*sorted(entry_points(group="ewoksppf_core.backends").names))
"""


@dataclass(frozen=True)
class Environment:
    """A virtual environment which knows nothing of the one that runs the tests."""

    folder: Path

    @property
    def packages(self) -> Path:
        """Where distributions are installed."""
        (folder,) = self.folder.glob("lib/python*/site-packages")
        return folder

    def python(self, *arguments: object) -> str:
        """Run Python, and return what it prints."""
        python = self.folder / "bin" / "python"
        done = subprocess.run(
            [python, *map(str, arguments)],
            cwd=self.folder,
            env=without_our_variables(),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def install(self, *wheels: Path) -> None:
        """Install distributions and what they depend on."""
        # Most modules are never imported: Python compiles those that are.
        options = ["--no-compile", "--disable-pip-version-check"]
        self.python("-m", "pip", "install", *options, *wheels)

    def uninstall(self, *names: str) -> None:
        """Uninstall distributions, but not what they depend on."""
        self.python("-m", "pip", "uninstall", "--yes", *names)

    def remove_plugins(self) -> None:
        """Do what uninstalling everything but the core does, in no time."""
        for found in distributions(path=[str(self.packages)]):
            if found.name.startswith("ewoksppf") and found.name != "ewoksppf-core":
                for folder in {file.parts[0] for file in found.files or []}:
                    shutil.rmtree(self.packages / folder)

    def execute(self, **pool_type: str) -> str:
        """Run a workflow which computes 42, and return its result or the error."""
        script = self.folder / "run_graph.py"
        script.write_text(RUN_GRAPH)
        return self.python(script, GRAPH, json.dumps(pool_type))

    def pool_types(self) -> list[str]:
        """Return the installed pool types."""
        return self.python("-c", LIST_POOL_TYPES).split()


GRAPH = json.dumps(
    {
        "graph": {"id": "sum"},
        "nodes": [
            {
                "id": node,
                "task_type": "class",
                "task_identifier": "ewokscore.tests.examples.tasks.sumtask.SumTask",
                "default_inputs": [{"name": "a", "value": 1}, {"name": "b", "value": 40}],
            }
            for node in ("first", "second")
        ],
        "links": [
            {
                "source": "first",
                "target": "second",
                "data_mapping": [{"source_output": "result", "target_input": "b"}],
            }
        ],
    }
)


def without_our_variables() -> dict[str, str]:
    """Return the variables of this process but those that would show through."""
    # What has been imported once is to be compiled when it is imported again.
    ours = ("PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "EWOKSPPF_")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """Build the wheel or the sdist of the distribution in a folder."""
    built: dict[tuple[str, str], Path] = {}

    def build(source: str, target: str = "wheel") -> Path:
        if (source, target) not in built:
            folder = tmp_path_factory.mktemp(target)
            subprocess.run(
                [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder],
                cwd=ROOT / source,
                check=True,
                capture_output=True,
            )
            (built[source, target],) = folder.iterdir()
        return built[source, target]

    return build


@pytest.fixture(scope="session")
def core_alone(build, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Return an environment with the core and nothing else."""
    environment = Environment(tmp_path_factory.mktemp("environment"))
    venv.create(environment.folder)
    # Quicker than installing pip.
    pip = find_spec("pip")
    assert pip is not None
    assert pip.origin is not None
    shutil.copytree(Path(pip.origin).parent, environment.packages / "pip")
    environment.install(build("."))
    return environment


@pytest.fixture
def environment(core_alone: Environment) -> Iterator[Environment]:
    """Return an environment with the core, for a test which installs more."""
    yield core_alone
    core_alone.remove_plugins()
