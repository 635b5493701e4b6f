"""A Python for every peer, and what is installed in it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent

REQUIREMENTS = {
    "ours": [str(CHECKOUT), *map(str, sorted((CHECKOUT / "backends").glob("ewoksppf-*"))), "numpy"],
    "ewoksppf": ["ewoksppf==3.0.0", "numpy"],
    "ewoksdask": ["ewoksdask==3.0.0", "numpy"],
    "bare": ["ewokscore>=5", "dask", "loky", "numpy"],
}
"""What is installed for each peer; ``bare`` is everything that needs no engine but ewokscore."""

SHOWN = [
    "ewoksppf-core",
    "ewoksppf",
    "pypushflow",
    "ewoksdask",
    "ewokscore",
    "dask",
    "loky",
    "networkx",
    "numpy",
]
"""Packages whose versions are told in the results."""

_VERSIONS = """
import importlib.metadata, json, platform, sys
versions = {"python": platform.python_version()}
for name in sys.argv[1:]:
    try:
        versions[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
print(json.dumps(versions))
"""


def build(peer: str, folder: Path) -> str:
    """Make a virtual environment for a peer, unless there is one, and return its Python.

    :param folder: holds the environments of all peers.
    """
    home = folder / peer
    python = home / "bin" / "python"
    if not (home / "complete").exists():
        print(f"building an environment for {peer}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        _install(python, REQUIREMENTS[peer])
        (home / "complete").touch()
    elif peer == "ours":
        _install(python, ["--force-reinstall", "--no-deps", *REQUIREMENTS[peer][:-1]])
    return str(python)


def versions(python: str) -> dict[str, str]:
    """Return the versions of Python and of what matters in an environment."""
    command = [python, "-c", _VERSIONS, *SHOWN]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def _install(python: Path, requirements: list[str]) -> None:
    subprocess.run([str(python), "-m", "pip", "install", "-q", *requirements], check=True)
