"""Processes inside of processes of the other library."""

import multiprocessing
import subprocess
import sys

import pytest

from ewoksppf_core.pool.options import request_pool
from ewoksppf_core.testing import tasks

CONTEXTS = ("fork", "spawn", "forkserver")
PATIENCE = 20


@pytest.mark.parametrize("context", CONTEXTS)
def test_tasks_can_start_multiprocessing_processes(context):
    request = request_pool(
        pool_type="billiard", context=context, scaling_workers=False, max_workers=1
    )
    with request.open() as pool:
        assert pool.submit(tasks.run_child_process).result(PATIENCE) == 0


@pytest.mark.parametrize("context", CONTEXTS)
def test_tasks_can_start_billiard_processes(context):
    request = request_pool(pool_type="billiard", scaling_workers=False, max_workers=1)
    code = (
        "import billiard, os\n"
        f"process = billiard.get_context({context!r}).Process(target=os.getpid)\n"
        "process.start(); process.join(); assert process.exitcode == 0"
    )
    with request.open() as pool:
        pool.submit(exec, code, {}).result(PATIENCE)


def test_authentication_key_does_not_travel_as_a_result():
    code = "import multiprocessing, pickle; pickle.dumps(multiprocessing.current_process().authkey)"
    request = request_pool(pool_type="billiard", scaling_workers=False, max_workers=1)
    with request.open() as pool, pytest.raises(TypeError, match="authentication key"):
        pool.submit(exec, code, {}).result(PATIENCE)


def test_pool_works_inside_a_daemonic_multiprocessing_process():
    process = multiprocessing.get_context("spawn").Process(
        target=tasks.run_pool, args=("billiard",), daemon=True
    )
    process.start()
    process.join(PATIENCE)
    assert process.exitcode == 0


def test_pool_is_unavailable_inside_a_daemonic_billiard_process(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import billiard\n"
        "from ewoksppf_core.testing import tasks\n"
        "if __name__ == '__main__':\n"
        "    process = billiard.Process(target=tasks.run_pool, args=('billiard',), daemon=True)\n"
        "    process.start(); process.join()\n"
    )
    result = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=PATIENCE
    )
    assert "PoolUnavailableError" in result.stderr
    assert "use a pool type whose tasks run in this process" in result.stderr
