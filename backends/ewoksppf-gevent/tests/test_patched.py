"""What is different in a process that gevent has monkey patched."""

import subprocess
import sys
from pathlib import Path

import pytest

from ewoksppf_core.pool import obstacles
from ewoksppf_core.pool.registry import default_pool_type, installed_backends

HERE = Path(__file__).parent


def run_patched(
    code: str, *arguments: str, patch: str = "patch_all()"
) -> subprocess.CompletedProcess[str]:
    code = f"from gevent import monkey; monkey.{patch}\n{code}"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=55
    )


def test_backend_conforms_in_the_hub_of_the_program():
    result = run_patched(
        "import sys, pytest; sys.exit(pytest.main(sys.argv[1:]))",
        str(HERE / "test_conformance.py"),
        "-p",
        "no:cacheprovider",
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_greenlets_are_the_default():
    result = run_patched(
        "from ewoksppf_core.pool.registry import default_pool_type; print(default_pool_type())"
    )
    assert result.stdout.split() == ["gevent"]


def test_greenlets_are_not_the_default_without_patching(monkeypatch):
    monkeypatch.delenv("EWOKSPPF_POOL_TYPE", raising=False)
    assert default_pool_type() == "process"


def test_pool_runs_in_the_hub_of_the_program():
    result = run_patched(
        "import gevent\n"
        "from ewoksppf_core.pool.options import request_pool\n"
        "with request_pool(pool_type='gevent').open() as pool:\n"
        "    print(pool.submit(gevent.get_hub).result(10) is gevent.get_hub())\n"
    )
    assert result.stdout.split() == ["True"], result.stderr


def test_backends_made_of_processes_are_unavailable_and_tell_the_cure(monkeypatch):
    monkeypatch.setattr(obstacles, "is_monkey_patched", lambda: True)
    for installed in installed_backends():
        if installed.backend is not None and installed.backend.contexts:
            assert "'gevent'" in str(installed.backend.unavailable())


@pytest.mark.parametrize("patch", ["patch_thread()", "patch_all(queue=False)"])
def test_process_that_is_patched_in_part_is_refused_and_told_the_cure(patch):
    result = run_patched(
        "from ewoksppf_core import PoolUnavailableError, open_pool\n"
        "try:\n"
        "    with open_pool() as pool:\n"
        "        print('opened')\n"
        "except PoolUnavailableError as error:\n"
        "    print(error)\n",
        patch=patch,
    )
    assert "patch everything with gevent.monkey.patch_all()" in result.stdout, result.stderr
