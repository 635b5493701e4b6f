"""Runs that are stopped leave nothing behind."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading

import psutil
import pytest

from ewoksppf_core import execute_graph, open_pool
from ewoksppf_core.errors import WorkflowStoppedError, WorkflowTimeoutError

PATIENCE = 30.0
"""Seconds after which a test fails instead of waiting."""


@pytest.fixture
def no_children_left():
    before = set(psutil.Process().children(recursive=True))
    yield
    left = set(psutil.Process().children(recursive=True)) - before
    left = {child for child in left if "forkserver" not in " ".join(child.cmdline())}
    left = {child for child in left if "resource_tracker" not in " ".join(child.cmdline())}
    assert not left, left


def gone(pid):
    """Wait until a process has ended."""
    try:
        psutil.Process(pid).wait(PATIENCE)
    except psutil.NoSuchProcess:
        return True
    return True


# Timeout


@pytest.mark.usefixtures("no_children_left")
def test_timeout_names_the_running_nodes_and_ends_their_workers(
    process_type, make_graph, fifo, listener
):
    graph = make_graph(
        {"a": {"task": "block", "label": "My node", "inputs": {"fifo": fifo}}, "b": "add"},
        [("a", "b", {})],
    )
    message = r"within 0\.7 s; running nodes: 'My node'"
    with open_pool(process_type) as pool:
        execute_graph(make_graph({"a": "add"}), pool=pool)  # starts a worker, however slowly
        with pytest.raises(WorkflowTimeoutError, match=message) as info:
            execute_graph(graph, pool=pool, timeout=0.7)
    assert isinstance(info.value, TimeoutError)
    assert not info.value.still_running
    assert gone(listener.read_pid())


def test_timeout_runs_no_handlers(make_graph, fifo, tmp_path):
    log = tmp_path / "log"
    graph = make_graph(
        {
            "a": {"task": "block", "inputs": {"fifo": fifo}},
            "h": {"task": "append", "inputs": {"path": str(log), "text": "handled"}},
        },
        [("a", "h", {"on_error": True})],
    )
    with pytest.raises(WorkflowTimeoutError):
        execute_graph(graph, pool_type="process", timeout=0.5)
    assert not log.exists()


def test_timeout_is_returned_on_demand(make_graph, fifo):
    graph = make_graph({"a": {"task": "block", "inputs": {"fifo": fifo}}})
    result = execute_graph(graph, pool_type="process", timeout=0.5, raise_on_error=False)
    assert isinstance(result["WorkflowExceptionInstance"], WorkflowTimeoutError)


def test_timeout_of_tasks_that_cannot_be_stopped_says_that_they_go_on(
    make_graph, fifo, wait_for_start, tmp_path
):
    release = tmp_path / "release"
    os.mkfifo(release)
    graph = make_graph(
        {"a": {"task": "block_until", "inputs": {"fifo": fifo, "release": str(release)}}}
    )
    with pytest.raises(WorkflowTimeoutError, match="cannot be stopped"):
        execute_graph(graph, pool_type="thread", timeout=0.5, observers=[wait_for_start])
    release.write_text("go")


def test_timeout_that_is_not_reached_changes_nothing(warm_pool, make_graph):
    assert execute_graph(make_graph({"a": "add"}), pool=warm_pool, timeout=60) == {
        "return_value": 0
    }


# Signals in this process


def send_to_process(number):
    os.kill(os.getpid(), number)


def send_to_other_thread(number):
    """Send a signal that does not wake up the main thread, like one just before it waits."""
    signal.pthread_kill(threading.get_ident(), number)


def send_when_started(listener, *signals, send_signal=send_to_process):
    def send():
        listener.read_pid()
        for number in signals:
            send_signal(number)

    thread = threading.Thread(target=send)
    thread.start()
    return thread


@pytest.mark.usefixtures("no_children_left")
def test_forced_stop_interrupts_running_tasks(process_type, make_graph, fifo, listener):
    handler = signal.getsignal(signal.SIGTERM)
    thread = send_when_started(listener, signal.SIGTERM)
    graph = make_graph({"a": {"task": "block", "label": "My node", "inputs": {"fifo": fifo}}})
    with pytest.raises(WorkflowStoppedError, match="SIGTERM received; running nodes: 'My node'"):
        execute_graph(graph, pool_type=process_type, stop_on_signals=True, forced_interruption=True)
    thread.join()
    assert signal.getsignal(signal.SIGTERM) is handler


@pytest.mark.parametrize(
    ("number", "error"),
    [(signal.SIGTERM, WorkflowStoppedError), (signal.SIGINT, KeyboardInterrupt)],
)
def test_signal_that_does_not_end_the_wait_for_a_task_is_noticed(
    one_of_each, make_graph, fifo, listener, tmp_path, number, error
):
    release = tmp_path / "release"
    os.mkfifo(release)
    graph = make_graph(
        {"a": {"task": "block_until", "inputs": {"fifo": fifo, "release": str(release)}}}
    )
    thread = send_when_started(listener, number, send_signal=send_to_other_thread)
    with pytest.raises(error):
        execute_graph(graph, pool_type=one_of_each, stop_on_signals=True, forced_interruption=True)
    os.close(os.open(release, os.O_RDWR))  # lets a thread go on
    thread.join()


@pytest.mark.parametrize("number", ["SIGUSR1", signal.SIGUSR2])
def test_stop_waits_for_running_tasks_and_starts_nothing_new(
    one_of_each, make_graph, fifo, listener, tmp_path, number
):
    release = tmp_path / "release"
    os.mkfifo(release)
    log = tmp_path / "log"
    graph = make_graph(
        {
            "a": {"task": "block_until", "inputs": {"fifo": fifo, "release": str(release)}},
            "b": {"task": "append", "inputs": {"path": str(log), "text": "after"}},
        },
        [("a", "b", {})],
    )
    received = threading.Event()

    def send():
        listener.read_pid()
        os.kill(os.getpid(), getattr(signal, number) if isinstance(number, str) else number)
        received.wait(PATIENCE)
        release.write_text("go")

    class SignalSeen(logging.Handler):
        def emit(self, record):
            if "stopping the workflow" in record.getMessage():
                received.set()

    handler = SignalSeen()
    logger = logging.getLogger("ewoksppf_core.run.runner")
    logger.addHandler(handler)
    thread = threading.Thread(target=send)
    thread.start()
    try:
        with pytest.raises(WorkflowStoppedError, match="running nodes: 'a'"):
            execute_graph(graph, pool_type=one_of_each, stop_on_signals=True, stop_signals=[number])
    finally:
        logger.removeHandler(handler)
        thread.join()
    assert not log.exists()


def test_interrupt_that_does_not_end_the_wait_for_a_pool_is_noticed(process_type, fifo, listener):
    import engine_tasks

    def submit_and_wait():
        with open_pool(process_type) as pool:
            try:
                pool.submit(engine_tasks.block, fifo)
                pool.shutdown()
            finally:
                pool.kill_workers()

    thread = send_when_started(listener, signal.SIGINT, send_signal=send_to_other_thread)
    with pytest.raises(KeyboardInterrupt):
        submit_and_wait()
    thread.join()


def test_stop_is_returned_on_demand(make_graph, fifo, listener):
    thread = send_when_started(listener, signal.SIGTERM)
    graph = make_graph({"a": {"task": "block", "inputs": {"fifo": fifo}}})
    result = execute_graph(
        graph,
        pool_type="process",
        stop_on_signals=True,
        forced_interruption=True,
        raise_on_error=False,
    )
    thread.join()
    assert isinstance(result["WorkflowExceptionInstance"], WorkflowStoppedError)


def test_stop_on_signals_outside_the_main_thread_is_a_warning(make_graph, caplog):
    graph = make_graph({"a": "add"})
    results = []

    def run():
        results.append(execute_graph(graph, pool_type="thread", stop_on_signals=True))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert results == [{"return_value": 0}]
    assert "outside the main thread" in caplog.text


# Programs


SCRIPT = """
import os
import signal
import sys
from ewoksppf_core import execute_graph
from ewoksppf_core.pool import pool

if __name__ != "__main__" and {hangs_at_start}:
    with open({fifo!r}, "w") as file:
        file.write(f"{{os.getpid()}}\\n")
    signal.pause()

if __name__ == "__main__":
    pool.GRACE_SECONDS = {grace}
    node = {{
        "id": "a",
        "task_type": "method",
        "task_identifier": "engine_tasks.{task}",
        "default_inputs": [{{"name": "fifo", "value": {fifo!r}}}],
    }}
    try:
        execute_graph({{"graph": {{"id": "g"}}, "nodes": [node]}}, **{options!r})
    except BaseException as error:
        print(type(error).__name__, flush=True)
        sys.exit(5)
"""


@pytest.fixture
def program(tmp_path, fifo, listener):
    """Start a program whose task never ends, or starts; returns it and the pid of the worker."""
    started = []

    def start(task="block", grace=1.0, hangs_at_start=False, **options):
        script = tmp_path / "program.py"
        script.write_text(
            SCRIPT.format(
                fifo=fifo, options=options, hangs_at_start=hangs_at_start, task=task, grace=grace
            )
        )
        process = subprocess.Popen(
            [sys.executable, str(script)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process, listener.read_pid()

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def assert_ended(process, worker, error):
    out, err = process.communicate(timeout=PATIENCE)
    assert (out.strip(), process.returncode) == (error, 5), err
    assert gone(worker)
    assert "Traceback" not in err


def test_keyboard_interrupt_ends_the_program_and_its_workers(process_type, program):
    process, worker = program(pool_type=process_type)
    os.killpg(process.pid, signal.SIGINT)
    assert_ended(process, worker, "KeyboardInterrupt")


@pytest.mark.parametrize("context", ["spawn", "forkserver"])
def test_keyboard_interrupt_ends_workers_of_every_start_method(program, context):
    process, worker = program(pool_type="process", context=context)
    os.killpg(process.pid, signal.SIGINT)
    assert_ended(process, worker, "KeyboardInterrupt")


def test_second_keyboard_interrupt_kills_the_workers_at_once(program, listener):
    process, worker = program(pool_type="process", task="insist", grace=10 * PATIENCE)
    os.killpg(process.pid, signal.SIGINT)
    assert listener.read_pid() == worker, "the worker was not asked to end"
    os.killpg(process.pid, signal.SIGINT)
    assert_ended(process, worker, "KeyboardInterrupt")


def test_signal_stops_the_program_and_its_workers(process_type, program):
    process, worker = program(
        pool_type=process_type, stop_on_signals=True, forced_interruption=True
    )
    process.send_signal(signal.SIGTERM)
    assert_ended(process, worker, "WorkflowStoppedError")


def test_timeout_ends_a_program_in_time(program):
    process, worker = program(pool_type="process", timeout=1.0)
    assert_ended(process, worker, "WorkflowTimeoutError")


def test_stop_does_not_wait_for_workers_that_are_starting(process_type, program):
    """Their tasks have not begun: there is nothing to wait for."""
    process, worker = program(
        hangs_at_start=True, pool_type=process_type, context="spawn", stop_on_signals=True
    )
    process.send_signal(signal.SIGTERM)
    assert_ended(process, worker, "WorkflowStoppedError")
