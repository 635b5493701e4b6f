"""What several test folders need."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ewoksppf_core.hookspecs import Location, Scaling
from ewoksppf_core.pool.registry import installed_backends


@pytest.fixture
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Write files that this process and its workers can import."""
    folder = tmp_path / "importable"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    before = set(sys.modules)

    def write(name: str, text: str) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        importlib.invalidate_caches()
        return path

    yield write
    for name in set(sys.modules) - before:
        origin = getattr(sys.modules[name], "__file__", None) or ""
        if origin.startswith(str(folder)):
            del sys.modules[name]


# What a shell starts in the background ignores Ctrl-C, and so would the programs of the tests.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Examples have tests of their own.
BACKENDS = [
    item.backend
    for item in installed_backends()
    if item.backend and "example" not in item.distribution
]
# One of each make: others of the same make differ in nothing but their name.
PROCESSES = {
    backend.made_of: backend.pool_type
    for backend in BACKENDS
    if backend.location is Location.SAME_MACHINE and backend.scaling is Scaling.CORE
}


@pytest.fixture(params=[backend.pool_type for backend in BACKENDS], scope="session")
def pool_type(request: pytest.FixtureRequest) -> str:
    """Every installed pool type."""
    return str(request.param)


@pytest.fixture(
    params=[
        backend.pool_type
        for backend in BACKENDS
        if backend.pool_type == PROCESSES.get(backend.made_of, backend.pool_type)
    ],
    scope="session",
)
def make(request: pytest.FixtureRequest) -> str:
    """A pool type of every make of workers."""
    return str(request.param)


@pytest.fixture(params=PROCESSES.values(), scope="session")
def process_type(request: pytest.FixtureRequest) -> str:
    """A pool type of every make of processes that the core looks after."""
    return str(request.param)
