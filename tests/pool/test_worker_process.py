"""Worker processes: what becomes of their tasks, of their start and of their end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path

import psutil
import pytest

from ewoksppf_core import Stopper, WorkflowStoppedError, execute_graph, open_pool
from ewoksppf_core.hookspecs import PoolOptions
from ewoksppf_core.pool.registry import get_backend
from ewoksppf_core.task.lease import Lease

PATIENCE = 30.0


def stop(pid):
    """Stop a child, so that it reads nothing any more, and wait until it has stopped."""
    os.kill(pid, signal.SIGSTOP)
    _, status = os.waitpid(pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)


def note(path):
    with open(path, "a") as file:
        file.write(f"{os.getpid()}\n")
    return os.getpid()


def length(path, data):
    note(path)
    return len(data)


@pytest.mark.parametrize("size", [1, 1_000_000], ids=["small call", "call bigger than the pipe"])
def test_call_that_a_dead_worker_has_not_read_runs_in_another_one(process_type, tmp_path, size):
    path = tmp_path / "ran"
    with open_pool(process_type, scaling_workers=False, max_workers=1) as pool:
        first = pool.submit(os.getpid).result()
        stop(first)
        future = pool.submit(length, str(path), b"x" * size)
        os.kill(first, signal.SIGKILL)
        assert future.result() == size
    (ran,) = Path(path).read_text().splitlines()
    assert int(ran) != first


HAND_OVER = {
    "graph": {"id": "hand over"},
    "nodes": [
        {
            "id": "make",
            "task_type": "method",
            "task_identifier": "numpy.ones",
            "default_inputs": [{"name": 0, "value": 1_000_000}],
        },
        {"id": "sum", "task_type": "method", "task_identifier": "numpy.sum"},
    ],
    "links": [
        {
            "source": "make",
            "target": "sum",
            "data_mapping": [{"source_output": "return_value", "target_input": 0}],
        }
    ],
}


def test_big_input_that_a_dead_worker_has_not_read_reaches_another_one(process_type, monkeypatch):
    """Nobody but the call refers to it any more."""
    with open_pool(process_type, scaling_workers=False, max_workers=1) as pool:
        worker = pool.submit(os.getpid).result()
        submit = pool.submit

        def submit_to_a_dying_worker(*call):
            if not isinstance(call[-1], Lease):
                return submit(*call)
            stop(worker)
            future = submit(*call)
            os.kill(worker, signal.SIGKILL)
            return future

        monkeypatch.setattr(pool, "submit", submit_to_a_dying_worker)
        assert execute_graph(HAND_OVER, pool=pool) == {"return_value": 1_000_000}
        monkeypatch.undo()
        assert pool.submit(os.getpid).result() != worker


@pytest.fixture
def worker(process_type):
    worker = get_backend(process_type).open(PoolOptions(max_workers=1))
    yield worker
    worker.kill_workers()
    worker.shutdown()


@pytest.fixture
def run_program(tmp_path):
    """Run a Python program; return what it writes to stdout, which is a pipe."""

    def run(text, *options):
        path = tmp_path / "program.py"
        path.write_text(text)
        environment = {**os.environ, "PYTHONUNBUFFERED": ""}
        done = subprocess.run(
            [sys.executable, *options, path],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env=environment,
        )
        assert not done.stderr
        assert done.returncode == 0
        return done.stdout

    return run


RUN = """
import os, signal, threading
from ewoksppf_core import execute_graph

NODE = {"id": "node", "task_type": "method", "task_identifier": "operator.neg"}

def run():
    return execute_graph({"graph": {"id": "graph"}, "nodes": [NODE]},
        inputs=[{"name": 0, "value": 42}], pool_type="POOL_TYPE")["return_value"]
"""


def test_workers_start_in_an_optimised_program(process_type, run_program):
    text = RUN.replace("POOL_TYPE", process_type) + "print(run())"
    assert run_program(text, "-O") == "-42\n"


def test_program_may_ignore_the_end_of_its_children(process_type, run_program):
    text = RUN.replace("POOL_TYPE", process_type) + (
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "run()\n"
        "before = len(os.listdir('/proc/self/fd'))\n"
        "run()\n"
        "print(len(os.listdir('/proc/self/fd')) - before, *threading.enumerate()[1:])\n"
    )
    assert run_program(text) == "0\n"


def test_prints_of_a_stopped_task_are_not_lost(process_type, run_program, tmp_path):
    os.mkfifo(tmp_path / "fifo")
    text = f"""
from ewoksppf_core.hookspecs import PoolOptions
from ewoksppf_core.pool.registry import get_backend

def task():
    print("printed")
    with open({str(tmp_path / "fifo")!r}, "w") as file:
        file.write("started")
    while True:
        pass

worker = get_backend({process_type!r}).open(PoolOptions(max_workers=1, context="fork"))
worker.submit(task)
with open({str(tmp_path / "fifo")!r}) as file:
    file.read()
worker.terminate_workers()
worker.shutdown()
"""
    assert run_program(text) == "printed\n"


def test_worker_without_a_thread_leaves_nothing(process_type, worker, monkeypatch):
    worker.submit(os.getpid).result(PATIENCE)

    def refuse(thread):
        raise RuntimeError("can't start new thread")

    def holdings():
        return len(os.listdir("/proc/self/fd")), psutil.Process().children()

    before = holdings()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="new thread"):
        get_backend(process_type).open(PoolOptions(max_workers=1))
    assert holdings() == before


def wait_for(path):
    with open(path) as file:
        return file.read()


def test_call_is_not_kept_while_it_runs(worker, tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    worker.ready.result(PATIENCE)
    size = 20_000_000
    tracemalloc.start()
    try:
        future = worker.submit(length_after, str(path), bytes(size))
        with open(path, "w") as file:  # once the worker has it
            assert tracemalloc.get_traced_memory()[0] < size
            file.write("go")
        assert future.result(PATIENCE) == size
    finally:
        tracemalloc.stop()


def length_after(path, data):
    wait_for(path)
    return len(data)


@pytest.mark.parametrize("context", ["fork", "spawn", "forkserver"])
def test_modules_are_imported_before_a_worker_is_ready(process_type, context, importable, tmp_path):
    importable("imported_early.py", f"open({str(tmp_path / 'imported')!r}, 'w').close()")
    importable("imported_never.py", "raise SystemExit('on purpose')")
    options = PoolOptions(
        max_workers=1, context=context, imports=("imported_never", "imported_early", "no such")
    )
    worker = get_backend(process_type).open(options)
    try:
        worker.ready.result(PATIENCE)
        assert (tmp_path / "imported").exists()
    finally:
        worker.shutdown()


LOCKED = """
import threading
from ewokscore import Task

class Locked(Task, input_names=["started", "ended"], output_names=["none"]):
    asked, cancelled, lock = threading.Event(), threading.Event(), threading.Lock()

    def run(self):
        with self.lock:
            with open(self.inputs.started, "w") as file:
                file.write("started")
            self.asked.wait()
        self.cancelled.wait()
        open(self.inputs.ended, "w").close()

    def cancel(self):
        self.asked.set()
        with self.lock:
            self.cancelled.set()
"""


def test_cancel_may_take_locks_that_the_task_holds(process_type, importable, tmp_path):
    importable("locked.py", LOCKED)
    path = tmp_path / "fifo"
    os.mkfifo(path)
    node = {
        "id": "node",
        "task_type": "class",
        "task_identifier": "locked.Locked",
        "default_inputs": [
            {"name": "started", "value": str(path)},
            {"name": "ended", "value": str(tmp_path / "ended")},
        ],
    }
    stopper = Stopper()

    def stop():
        wait_for(path)
        stopper.stop(forced=True)

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(WorkflowStoppedError):
        execute_graph(
            {"graph": {"id": "graph"}, "nodes": [node]},
            pool_type=process_type,
            stopper=stopper,
        )
    thread.join()
    assert (tmp_path / "ended").exists()
