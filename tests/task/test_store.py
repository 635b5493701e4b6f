"""The folder in shared memory goes with its run, whatever happened to it."""

import errno
import fcntl
import os
import shutil
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


RUN = """
from ewoksppf_core.task.store import open_store
with open_store() as folder:
    print(folder, flush=True)
    input()
"""


def killed_run():
    """Leave the folder of a killed run behind."""
    with subprocess.Popen(
        [sys.executable, "-c", RUN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        left = run.stdout.readline().strip()
        run.send_signal(signal.SIGKILL)
    return left


def test_folder_of_a_killed_run_is_removed_by_the_next_one(root):
    with subprocess.Popen(
        [sys.executable, "-c", RUN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        left = run.stdout.readline().strip()
        with open_store():
            assert os.path.isdir(left), "the folder of a living run must stay"
        run.send_signal(signal.SIGKILL)
    with open_store():
        assert not os.path.exists(left)
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("name", ["os.mkdir", "fcntl.flock", "tempfile.mkstemp"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_run_killed_while_it_makes_its_folder_leaves_nothing_for_long(root, name, when):
    code = (
        "import fcntl, os, signal, sys, tempfile\n"
        "from ewoksppf_core.task.store import open_store\n"
        "name, when = sys.argv[1:]\n"
        "module, name = name.split('.')\n"
        "module = globals()[module]\n"
        "original = getattr(module, name)\n"
        "def last(*args, **kwargs):\n"
        "    if when == 'after':\n"
        "        original(*args, **kwargs)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "setattr(module, name, last)\n"
        "with open_store(): sys.exit('the test is in vain')\n"
    )
    run = subprocess.run([sys.executable, "-c", code, name, when])
    assert run.returncode == -signal.SIGKILL
    with open_store():
        pass
    assert list(root.iterdir()) == []


def write_while_removing(monkeypatch, folder, times):
    """Have somebody write into a folder at the moment in which it is to be removed."""
    rmdir = os.rmdir

    def late(path, **kwargs):
        nonlocal times
        if times and os.path.basename(path) == os.path.basename(folder):
            times -= 1
            write_segment(folder, [memoryview(b"late")])
        rmdir(path, **kwargs)

    monkeypatch.setattr(os, "rmdir", late)


@pytest.mark.parametrize("times", [1, 1000])
def test_orphan_that_writes_during_a_sweep_leaves_nothing_for_long(root, monkeypatch, times):
    left = killed_run()
    with monkeypatch.context() as patch:
        write_while_removing(patch, left, times)
        with open_store():
            assert os.path.exists(left) is (times > 1)
    with open_store():
        assert not os.path.exists(left)
    assert list(root.iterdir()) == []


def test_worker_that_writes_while_its_run_ends_leaves_nothing_for_long(root, monkeypatch):
    with monkeypatch.context() as patch, open_store() as folder:
        write_while_removing(patch, folder, 1000)
    with open_store():
        pass
    assert list(root.iterdir()) == []


def test_orphan_cannot_write_after_a_sweep(root):
    left = killed_run()
    with open_store(), pytest.raises(FileNotFoundError):
        write_segment(left, [memoryview(b"late")])


def test_sweep_that_is_faster_than_a_maker_does_not_take_its_folder(root, monkeypatch):
    flock = fcntl.flock
    sweeps = 0

    def late(descriptor, operation):
        nonlocal sweeps
        if operation == fcntl.LOCK_EX and sweeps < 3:
            sweeps += 1
            with open_store():
                pass
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    with open_store() as folder:
        assert sweeps == 3
        with open_store():
            assert os.path.isdir(folder)
    assert list(root.iterdir()) == []


def test_folder_that_cannot_be_made_leaves_no_lock_file(root, monkeypatch):
    def mkdir(path, mode):
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(os, "mkdir", mkdir)
    with open_store() as folder:
        assert folder is None
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("during", [(os, "mkdir"), (shutil, "rmtree")])
def test_interrupt_while_the_folder_is_made_or_removed_leaves_nothing(root, monkeypatch, during):
    module, name = during
    call = getattr(module, name)

    def interrupted(*args, **kwargs):
        signal.raise_signal(signal.SIGINT)
        call(*args, **kwargs)

    def run():
        with open_store():
            pass

    monkeypatch.setattr(module, name, interrupted)
    with pytest.raises(KeyboardInterrupt):
        run()
    assert list(root.iterdir()) == []


def test_folder_is_kept_while_a_forked_worker_lives(root):
    release, hold = os.pipe()
    with open_store() as folder:
        child = os.fork()
        if child == 0:
            os.close(hold)
            os.read(release, 1)
            os._exit(0)
        for path in list(root.iterdir()):  # as if the run had been killed
            os.rename(path, str(path).replace(folder, str(root / "ewoksppf-kept")))
    kept = root / "ewoksppf-kept"
    try:
        with open_store():
            assert kept.exists()
    finally:
        os.close(hold)
        os.close(release)
        os.waitpid(child, 0)
    with open_store():
        assert not kept.exists()
    assert list(root.iterdir()) == []
