"""With the fork server, too, a worker that is killed is not one that cannot start."""

import os
import subprocess
import sys

import pytest

PATIENCE = 60

PROGRAM = """
import os, pathlib, sys, time

what, folder = sys.argv[1:]
started = pathlib.Path(folder, "started")

if __name__ == "__mp_main__":
    if what == "raise":
        raise LookupError("on purpose")
    if what == "exit":
        sys.exit("on purpose")
    if what == "hang" and not started.exists():
        started.touch()
        open(os.path.join(folder, "nobody writes into this")).read()

if __name__ == "__main__":
    from ewoksppf_core import WorkerLostError, WorkerStartError, open_pool
    from ewoksppf_core.testing import tasks

    with open_pool(
        "billiard", context="forkserver", scaling_workers=False, max_workers=1
    ) as pool:
        first, second = (pool.submit(tasks.add, number) for number in range(2))
        if what == "hang":
            tasks.wait_until(started.exists, time.sleep, 30)
            pool.kill_workers()
        print(repr(first.exception()), repr(second.exception()))
"""


@pytest.fixture
def run(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    os.mkfifo(tmp_path / "nobody writes into this")

    def run(what):
        # By the name of a module, because a script is imported by the fork server already.
        return subprocess.run(
            [sys.executable, "-m", "program", what, str(tmp_path)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    return run


@pytest.mark.parametrize("what", ["raise", "exit"])
def test_worker_that_cannot_start_fails_all_tasks(run, what):
    result = run(what)
    assert result.stdout.count("WorkerStartError(1, 'forkserver')") == 2
    assert "on purpose" in result.stderr


def test_worker_that_is_killed_while_it_starts_fails_one_task(run):
    result = run("hang")
    assert result.stdout.startswith("WorkerLostError(")
    assert result.stdout.endswith(" None\n")
