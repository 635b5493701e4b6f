"""The distributions of this repository fit together."""

import ast
import json
import sys
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest

import ewoksppf_core

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
BACKENDS = sorted((ROOT / "backends").iterdir())
POOL_TYPES = {folder.name.removeprefix("ewoksppf-") for folder in BACKENDS}
MAY_NAME_POOL_TYPES = {
    "pool/registry.py": {"process"},  # the default
}
SOURCES = sorted((ROOT / "ewoksppf_core").rglob("*.py"))

every_backend = pytest.mark.parametrize("folder", BACKENDS, ids=lambda folder: folder.name)


def project(folder: Path) -> dict:
    return tomllib.loads((folder / "pyproject.toml").read_text())["project"]


def strings(source: Path) -> Iterator[str]:
    """Find the string literals in a module."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_backends_holds_distributions_only():
    # `pip install . backends/*` takes everything in there for one.
    assert all((folder / "pyproject.toml").exists() for folder in BACKENDS)


@every_backend
def test_backend_has_the_version_of_the_core_and_needs_it(folder):
    version = project(ROOT)["version"]
    assert project(folder)["version"] == version
    assert f"ewoksppf-core =={version}" in project(folder)["dependencies"]


@every_backend
def test_backend_needs_the_python_of_the_core(folder):
    assert project(folder)["requires-python"] == project(ROOT)["requires-python"]


@every_backend
def test_names_follow_from_the_pool_type(folder):
    pool_type = folder.name.removeprefix("ewoksppf-")
    assert project(folder)["name"] == f"ewoksppf-{pool_type}"
    entry_points = project(folder)["entry-points"]["ewoksppf_core.backends"]
    assert entry_points == {pool_type: f"ewoksppf_{pool_type}"}


@every_backend
def test_backend_has_what_all_backends_have(folder):
    package = folder.name.replace("-", "_")
    expected = ("README.md", "tests/test_conformance.py", f"{package}/py.typed")
    assert [name for name in expected if not (folder / name).exists()] == []


def test_distribution_of_the_old_name_needs_this_core_and_these_backends():
    version = project(ROOT)["version"]
    expected = {f"{name} =={version}" for name in ("ewoksppf-core", *(b.name for b in BACKENDS))}
    assert set(project(ROOT / "dropin")["dependencies"]) == expected


def imported(source: Path) -> Iterator[str]:
    """Find the packages that are imported with a module."""
    for node in ast.parse(source.read_text()).body:
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module).partition(".")[0]


def test_core_needs_what_it_imports():
    needed = {name.partition(" ")[0] for name in project(ROOT)["dependencies"]}
    found = {
        name
        for source in SOURCES
        if "testing" not in source.parts
        for name in imported(source)
        if name not in sys.stdlib_module_names
    }
    assert found - {"ewoksppf_core"} <= needed


def test_public_names_are_sorted_and_importable():
    names = ewoksppf_core.__all__
    assert names == sorted(names)
    assert [name for name in names if not hasattr(ewoksppf_core, name)] == []


@pytest.mark.parametrize(
    "source", SOURCES, ids=lambda source: str(source.relative_to(ROOT / "ewoksppf_core"))
)
def test_core_decides_nothing_by_the_name_of_a_pool_type(source):
    allowed = MAY_NAME_POOL_TYPES.get(str(source.relative_to(ROOT / "ewoksppf_core")), set())
    assert set(strings(source)) & POOL_TYPES == allowed


def test_tests_run_the_installed_core():
    # `python -m pytest` puts the working directory before what is installed, `pytest` does not.
    origin = distribution("ewoksppf-core").read_text("direct_url.json") or "{}"
    if json.loads(origin).get("dir_info", {}).get("editable"):
        pytest.skip("the core is installed in editable mode")
    assert Path(ewoksppf_core.__file__).parent != ROOT / "ewoksppf_core"
