"""What becomes of workers when their program forks."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from ewoksppf_core.testing.base import is_gone
from ewoksppf_core.testing.tasks import wait_until

PATIENCE = 30.0

# Python 3.12 and later warn of forks of programs with threads: this one means it.
COMMAND = [sys.executable, "-W", "ignore::DeprecationWarning"]

PROGRAM = """
import os, sys
from ewoksppf_core import open_pool

started, release, what, pool_type = sys.argv[1:]

def task():
    with open(started, "w") as file:
        file.write(f"{os.getpid()}\\n")
    with open(release) as file:
        file.read()
    return bytes(1_000_000)

with open_pool(pool_type, context="fork") as pool:
    future = pool.submit(task)
    with open(started) as file:
        worker = file.read()
    if os.fork() == 0:
        if what == "exit":
            sys.exit(0)
        with open(release + ".helper") as file:
            file.read()
        os._exit(0)
    if what == "exit":
        print(os.wait()[1])
        with open(release, "w") as file:
            file.write("go")
        print(len(future.result()))
    else:
        print(worker, flush=True)
        sys.stdin.read()
"""


@pytest.fixture
def start(tmp_path):
    """Start a program which forks while its worker has a task."""
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    for name in ("started", "release", "release.helper"):
        os.mkfifo(tmp_path / name)
    programs = []

    def start(what, pool_type):
        program = subprocess.Popen(
            [*COMMAND, script, tmp_path / "started", tmp_path / "release", what, pool_type],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        programs.append(program)
        return program

    yield start
    for program in programs:
        program.kill()
        program.communicate()


def test_fork_of_the_program_that_ends_does_nothing_to_workers(process_type, start):
    output, errors = start("exit", process_type).communicate(timeout=PATIENCE)
    assert output.split() == ["0", "1000000"]
    assert not errors


def test_worker_with_a_big_reply_does_not_outlive_a_killed_program_that_has_forked(start, tmp_path):
    program = start("stay", "process")
    worker = int(program.stdout.readline())
    program.kill()
    program.wait()
    with open(tmp_path / "release", "w") as file:
        file.write("go")
    wait_until(lambda: is_gone(worker), time.sleep, PATIENCE)
    with open(tmp_path / "release.helper", "w") as file:  # the fork lived on
        file.write("go")
