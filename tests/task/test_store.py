"""The folder in shared memory goes with its run, whatever happened to it."""

import os
import signal
import subprocess
import sys

import pytest

from ewoksppf_core.task.store import open_store, write_segment


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("EWOKSPPF_SHM", str(tmp_path))
    return tmp_path


def test_folder_is_private_and_goes_with_the_run(root):
    with open_store() as folder:
        assert os.stat(folder).st_mode & 0o777 == 0o700
        write_segment(folder, [memoryview(b"value")])
    assert list(root.iterdir()) == []


def test_folder_goes_when_the_run_raises(root):
    with pytest.raises(ValueError, match="task"), open_store():
        raise ValueError("task")
    assert list(root.iterdir()) == []


def test_no_descriptor_is_left_behind(root):
    before = os.listdir("/proc/self/fd")
    with open_store() as folder:
        write_segment(folder, [memoryview(b"value")])
    assert os.listdir("/proc/self/fd") == before


@pytest.mark.parametrize("value", ["", "/no/such/folder"])
def test_there_may_be_no_shared_memory(monkeypatch, value):
    monkeypatch.setenv("EWOKSPPF_SHM", value)
    with open_store() as folder:
        assert folder is None


def test_folder_of_a_killed_run_is_removed_by_the_next_one(root):
    code = (
        "from ewoksppf_core.task.store import open_store\n"
        "with open_store() as folder:\n"
        "    print(folder, flush=True)\n"
        "    input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        left = run.stdout.readline().strip()
        with open_store():
            assert os.path.isdir(left), "the folder of a living run must stay"
        run.send_signal(signal.SIGKILL)
    with open_store():
        assert not os.path.exists(left)


def test_folder_is_kept_while_a_forked_worker_lives(root):
    release, hold = os.pipe()
    with open_store() as folder:
        child = os.fork()
        if child == 0:
            os.close(hold)
            os.read(release, 1)
            os._exit(0)
        os.mkdir(root / "copy")
        os.rename(folder, root / "ewoksppf-kept")  # as if the run had been killed
    try:
        with open_store():
            assert (root / "ewoksppf-kept").exists()
    finally:
        os.close(hold)
        os.close(release)
        os.waitpid(child, 0)
    with open_store():
        assert not (root / "ewoksppf-kept").exists()
