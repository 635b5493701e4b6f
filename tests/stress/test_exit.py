"""A program that ends without closing its pool."""

import os
import subprocess
import sys

import psutil
import pytest

PATIENCE = 30.0

PROGRAM = """
import os
import sys
from ewoksppf_core.hookspecs import PoolOptions
from ewoksppf_core.pool.registry import get_backend

def run(started, release, finished):
    with open(started, "w") as file:
        file.write(f"{os.getpid()}\\n")
    with open(release) as file:
        file.read()
    with open(finished, "w"):
        pass

if __name__ == "__main__":
    executor = get_backend(sys.argv[1]).open(PoolOptions(max_workers=1))
    executor.submit(run, *sys.argv[2:])
    sys.stdin.read()
"""


@pytest.fixture
def program(tmp_path, listener):
    """Start the program; its task runs when this returns."""
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    os.mkfifo(tmp_path / "release")
    running = []

    def start(pool_type):
        command = [sys.executable, str(script), pool_type]
        paths = [listener.path, str(tmp_path / "release"), str(tmp_path / "finished")]
        process = subprocess.Popen([*command, *paths], stdin=subprocess.PIPE)
        running.append(process)
        listener.read_pid()
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()


def test_daemonic_worker_is_gone_at_once(program, tmp_path):
    process = program("multiprocessing")
    (worker,) = psutil.Process(process.pid).children()
    process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert not worker.is_running()
    assert not (tmp_path / "finished").exists()


@pytest.mark.parametrize("pool_type", ["process", "billiard", "thread"])
def test_other_worker_finishes_its_task(program, tmp_path, pool_type):
    process = program(pool_type)
    process.stdin.close()
    with open(tmp_path / "release", "w") as file:
        file.write("go")
    process.wait(PATIENCE)
    assert process.returncode == 0
    assert (tmp_path / "finished").exists()
