"""What several test folders need."""

from __future__ import annotations

import importlib
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from ewoksppf_core.hookspecs import Location, Scaling
from ewoksppf_core.pool.registry import installed_backends


@pytest.fixture(scope="session")
def importing_from() -> Callable[[Path], AbstractContextManager[None]]:
    """Let this process and its workers import what is in a folder."""

    @contextmanager
    def importing(folder: Path) -> Iterator[None]:
        before = set(sys.modules)
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(folder)
            paths = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
            patch.setenv("PYTHONPATH", os.pathsep.join(paths))
            yield
        for name in set(sys.modules) - before:
            origin = getattr(sys.modules[name], "__file__", None) or ""
            if origin.startswith(str(folder)):
                del sys.modules[name]

    return importing


@pytest.fixture
def importable(
    tmp_path: Path, importing_from: Callable[[Path], AbstractContextManager[None]]
) -> Iterator[Callable[..., Path]]:
    """Write files that this process and its workers can import."""
    folder = tmp_path / "importable"
    folder.mkdir()

    def write(name: str, text: str) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        importlib.invalidate_caches()
        return path

    with importing_from(folder):
        yield write


class Listener:
    """Reads what tasks write into a pipe, without ever waiting for ever."""

    patience = 30.0

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = str(path)
        self._fd = os.open(path, os.O_RDWR)

    def read_pid(self) -> int:
        """Wait until a task has written its process id."""
        text = b""
        while not text.endswith(b"\n"):
            readable, _, _ = select.select([self._fd], [], [], self.patience)
            assert readable, "no task has started"
            text += os.read(self._fd, 1)
        return int(text)

    def close(self) -> None:
        os.close(self._fd)


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    """Hear from tasks that they run."""
    listener = Listener(tmp_path / "started")
    yield listener
    listener.close()


@pytest.fixture
def fifo(listener: Listener) -> str:
    """Name a pipe through which a task says that it runs; there is somebody who listens."""
    return listener.path


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
