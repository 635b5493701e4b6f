"""What the distributions contain and ask for."""

import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
BACKENDS = sorted(path.name for path in (ROOT / "backends").iterdir())


def files(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def requirements(wheel: Path) -> list[Requirement]:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        lines = message_from_bytes(archive.read(metadata)).get_all("Requires-Dist") or []
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("name", BACKENDS)
def test_backend_depends_on_the_core_and_its_own_library_only(name, build):
    library = name.removeprefix("ewoksppf-")
    needed = {requirement.name for requirement in requirements(build(f"backends/{name}"))}
    assert {"ewoksppf-core"} <= needed <= {"ewoksppf-core", library}


@pytest.mark.parametrize("name", BACKENDS)
def test_wheel_of_a_backend_is_one_typed_package(name, build):
    content = files(build(f"backends/{name}"))
    package = name.replace("-", "_")
    assert f"{package}/py.typed" in content
    assert {file.split("/")[0] for file in content} == {package}


def test_wheel_of_the_core_is_one_typed_package(build):
    content = files(build("."))
    assert "ewoksppf_core/py.typed" in content
    assert {file.split("/")[0] for file in content} == {"ewoksppf_core"}


def test_core_depends_on_no_backend_and_on_no_library_of_one(build):
    needed = {
        requirement.name for requirement in requirements(build(".")) if not requirement.marker
    }
    of_backends = {"ewoksppf", *BACKENDS, *(name.removeprefix("ewoksppf-") for name in BACKENDS)}
    assert not needed & of_backends


def test_source_of_the_core_contains_the_core_only(build):
    with tarfile.open(build(".", "sdist")) as archive:
        content = {name.split("/", 1)[1] for name in archive.getnames()}
    assert {file.split("/")[0] for file in content} == {
        "ewoksppf_core", "pyproject.toml", "PKG-INFO", "README.md", "LICENSE", "CHANGELOG.md",
        ".gitignore",
    }  # fmt: skip


def test_distribution_of_the_old_name_depends_on_the_core_and_all_backends(build):
    needed = {requirement.name for requirement in requirements(build("dropin"))}
    assert needed == {"ewoksppf-core", *BACKENDS}
