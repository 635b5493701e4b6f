"""What a run that is stopped still says and does."""

from __future__ import annotations

import signal
import threading
from concurrent.futures import Executor, Future, ThreadPoolExecutor

import pytest
from ewokscore.events import cleanup

from ewoksppf_core import (
    OptionError,
    Stopper,
    TaskTimeoutError,
    WorkerLostError,
    WorkflowStoppedError,
    WorkflowTimeoutError,
    execute_graph,
    open_pool,
)
from ewoksppf_core.run.events import ActivationFailed, ActivationQueued, ActivationStarted

PATIENCE = 30.0


@pytest.fixture
def in_background():
    """Run functions in threads."""
    threads = []

    def start(function):
        threads.append(threading.Thread(target=function))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join()


@pytest.fixture
def release():
    """Free the tasks that wait in this process."""
    import stop_tasks

    stop_tasks.release.clear()
    yield stop_tasks.release
    stop_tasks.release.set()


def task(name, kind="method", **inputs):
    default_inputs = [{"name": key, "value": value} for key, value in inputs.items()]
    return {
        "task_type": kind,
        "task_identifier": f"stop_tasks.{name}",
        "default_inputs": default_inputs,
    }


# Events


@pytest.fixture
def run_with_events(tmp_path):
    """Run a graph, and return what handlers of Ewoks events and observers were told of nodes."""
    path = tmp_path / "events.txt"
    arguments = [{"name": "path", "value": str(path)}]
    execinfo = {"handlers": [{"class": "engine_tasks.LineHandler", "arguments": arguments}]}

    def run(graph, expected, observers=(), **options):
        told = []
        with pytest.raises(expected):
            execute_graph(graph, execinfo=execinfo, observers=[told.append, *observers], **options)
        lines = [line for line in path.read_text().splitlines() if line.startswith("node")]
        cleanup()
        return lines, [event.error for event in told if isinstance(event, ActivationFailed)]

    return run


STOPS = {
    "timeout": WorkflowTimeoutError,
    "stopper": WorkflowStoppedError,
    "interrupt": KeyboardInterrupt,
}


@pytest.mark.parametrize("how", STOPS)
@pytest.mark.parametrize(
    ("pool_type", "waiting"),
    [
        ("process", "wait_in_thread"),
        ("thread", "wait_in_thread"),
        ("gevent", "wait_in_greenlet"),
    ],
)
def test_stop_tells_that_running_nodes_have_ended(
    pool_type, waiting, how, make_graph, run_with_events, fifo, listener, release
):
    stopper = Stopper()

    def stop(event):
        if isinstance(event, ActivationStarted) and how != "timeout":
            listener.read_pid()
            if how == "interrupt":
                raise KeyboardInterrupt
            stopper.stop(forced=True)

    with open_pool(pool_type) as pool:
        execute_graph(make_graph({"a": "add"}), pool=pool)  # a worker is ready
        lines, errors = run_with_events(
            make_graph({"a": task(waiting, fifo=fifo)}),
            STOPS[how],
            pool=pool,
            timeout=1.0 if how == "timeout" else None,
            task_timeout=PATIENCE,  # so that the run looks whether the task has started
            stopper=stopper,
            observers=[stop],
        )
        release.set()
    if waiting == "wait_in_greenlet":
        # Ewoks itself takes a greenlet that is killed for one that has ended well.
        lines.remove("node end a")
    assert [line.split(":")[0] for line in lines] == ["node start a", "node end a error"]
    assert [type(error) for error in errors] == [STOPS[how]]


def test_task_that_says_itself_that_it_has_ended_is_told_once(
    one_of_each, make_graph, run_with_events, fifo, listener, in_background
):
    stopper = Stopper()

    def stop():
        listener.read_pid()
        stopper.stop(forced=True)

    in_background(stop)
    graph = make_graph({"a": task("Cancellable", "class", fifo=fifo)})
    lines, errors = run_with_events(
        graph, WorkflowStoppedError, pool_type=one_of_each, stopper=stopper
    )
    assert lines == ["node start a", "node end a"]
    assert errors == []


def test_task_that_ends_at_its_time_limit_is_told_once(
    one_of_each, make_graph, run_with_events, fifo, wait_for_start
):
    node = {**task("Cancellable", "class", fifo=fifo), "task_timeout": 0.5}
    lines, errors = run_with_events(
        make_graph({"a": node}), TaskTimeoutError, [wait_for_start], pool_type=one_of_each
    )
    assert lines == ["node start a", "node end a"]
    assert [type(error) for error in errors] == [TaskTimeoutError]


# Order


def test_timeout_cancels_once_and_starts_nothing_that_waited(
    make_graph, fifo, wait_for_start, tmp_path
):
    log = tmp_path / "log"
    append = {"task": "append", "inputs": {"path": str(log), "text": "started"}}
    graph = make_graph({"a": task("Cancellable", "class", fifo=fifo), "b": append, "c": append})
    with pytest.raises(WorkflowTimeoutError):
        execute_graph(
            graph,
            pool_type="thread",
            scaling_workers=False,
            max_workers=1,
            timeout=0.5,
            observers=[wait_for_start],
        )
    with open(f"{fifo}.cancelled") as file:
        assert file.read() == "x"
    assert not log.exists()


def test_timeout_cancels_once_what_does_not_end(
    make_graph, fifo, wait_for_start, release, monkeypatch
):
    monkeypatch.setattr("ewoksppf_core.run.runner.GRACE_SECONDS", 0.01)
    graph = make_graph({"a": task("Deaf", "class", fifo=fifo)})
    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(WorkflowTimeoutError):
            execute_graph(graph, pool=pool, timeout=0.3, observers=[wait_for_start])
        release.set()
    with open(f"{fifo}.cancelled") as file:
        assert file.read() == "x"


def queued_by(expected, graph, **options):
    queued = []
    with pytest.raises(expected):
        execute_graph(graph, pool_type="thread", observers=[queued.append], **options)
    return [event for event in queued if isinstance(event, ActivationQueued)]


def test_run_that_submits_looks_at_its_time_limit(make_graph):
    graph = make_graph({str(number): "add" for number in range(1000)})
    assert 0 < len(queued_by(WorkflowTimeoutError, graph, timeout=1e-6)) < 1000


def test_run_that_submits_looks_at_its_stopper(make_graph):
    stopper = Stopper()

    def press(event):
        if isinstance(event, ActivationQueued):
            stopper.stop()

    graph = make_graph({str(number): "add" for number in range(1000)})
    queued = []
    with pytest.raises(WorkflowStoppedError):
        execute_graph(graph, pool_type="thread", stopper=stopper, observers=[press, queued.append])
    assert 0 < len([event for event in queued if isinstance(event, ActivationQueued)]) < 1000


# Signals


@pytest.mark.parametrize("name", ["SIGKILL", signal.SIGSTOP])
def test_signals_that_no_program_can_catch_are_refused(make_graph, name):
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(OptionError, match=r"stop_signals=.*no program can catch"):
        execute_graph(
            make_graph({"a": "add"}), stop_on_signals=True, stop_signals=["SIGTERM", name]
        )
    assert signal.getsignal(signal.SIGTERM) is before


def test_signal_given_twice_gets_its_handler_back(make_graph):
    before = signal.getsignal(signal.SIGUSR1)
    execute_graph(
        make_graph({"a": "add"}),
        pool_type="thread",
        stop_on_signals=True,
        stop_signals=["SIGUSR1", signal.SIGUSR1],
    )
    assert signal.getsignal(signal.SIGUSR1) is before


class Stubborn(Executor):
    """Runs nothing, and is interrupted when it is to stop that."""

    def __init__(self):
        self.graces = []

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        future.set_running_or_notify_cancel()
        return future

    def stop_tasks(self, futures, grace):
        self.graces.append(grace)
        if len(self.graces) == 1:
            raise KeyboardInterrupt
        for future in futures:
            if not future.done():
                future.set_exception(WorkerLostError())


def test_interrupt_while_tasks_are_stopped_gives_them_no_more_time(make_graph):
    pool = Stubborn()
    with pytest.raises(KeyboardInterrupt):
        execute_graph(make_graph({"a": "add"}), pool=pool, timeout=0.01)
    assert pool.graces[0] > 0
    assert set(pool.graces[1:]) == {0.0}


class Interrupting(ThreadPoolExecutor):
    """Is interrupted when it has got a call."""

    def submit(self, fn, /, *args, **kwargs):
        self.last = super().submit(fn, *args, **kwargs)
        signal.raise_signal(signal.SIGINT)
        return self.last


def test_interrupt_never_makes_a_run_forget_a_task(make_graph, release):
    with Interrupting(1) as pool:
        busy = ThreadPoolExecutor.submit(pool, release.wait, PATIENCE)
        with pytest.raises(KeyboardInterrupt):
            execute_graph(make_graph({"a": "add"}), pool=pool)
        assert pool.last.cancelled()
        assert not busy.done()
        release.set()


# Executors of others


class LastFirst(Executor):
    """Runs the call that came last, in a thread, and no other until that has ended."""

    def __init__(self, calls):
        self._calls, self._missing = [], calls

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        self._calls.append((future, lambda: fn(*args, **kwargs)))
        self._missing -= 1
        if not self._missing:
            self.thread = threading.Thread(target=self._run)
            self.thread.start()
        return future

    def _run(self):
        for future, call in reversed(self._calls):
            if future.set_running_or_notify_cancel():
                future.set_result(call())


def test_time_limit_holds_in_executors_that_do_not_keep_the_order(
    make_graph, fifo, listener, release
):
    pool = LastFirst(2)
    told = []

    def observe(event):
        told.append(event)
        if isinstance(event, ActivationFailed):
            release.set()

    graph = make_graph({"first": "add", "last": task("wait_in_thread", fifo=fifo)})
    with pytest.raises(TaskTimeoutError, match="'last' did not end"):
        execute_graph(graph, pool=pool, task_timeout=0.3, observers=[observe])
    pool.thread.join()
    seen = [
        f"{type(event).__name__.removeprefix('Activation')} {event.node}"
        for event in told
        if hasattr(event, "node") and not isinstance(event, ActivationQueued)
    ]
    assert seen == ["Started last", "Failed last", "Started first", "Finished first"]


# Memory


def test_outputs_of_a_task_that_was_given_up_are_freed(
    process_type, make_graph, fifo, wait_for_start, shared_memory
):
    graph = make_graph(
        {
            "a": {**task("Cancellable", "class", fifo=fifo), "task_timeout": 0.5},
            "h": task("nothing_left_in", folder=str(shared_memory)),
        },
        [("a", "h", {"on_error": True})],
    )
    outputs = [{"id": "a", "name": "array"}, {"id": "h", "name": "return_value"}]
    result = execute_graph(
        graph, pool_type=process_type, outputs=outputs, observers=[wait_for_start]
    )
    assert result == {"return_value": "free"}


def test_handler_that_wants_the_error_only_keeps_no_inputs(process_type, make_graph, shared_memory):
    mapping = [{"source_output": "return_value", "target_input": "array"}]
    wanted = [{"source_output": "WorkflowException", "target_input": "value"}]
    limits = {"task_type": "method"}
    graph = make_graph(
        {
            "make": {
                **limits,
                "task_identifier": "limit_tasks.make_array",
                "inputs": {"size": 100_000},
            },
            "use": {
                **limits,
                "task_identifier": "limit_tasks.until_freed",
                "inputs": {"folder": str(shared_memory)},
            },
            "handle": "same",
        },
        [
            ("make", "use", {"data_mapping": mapping}),
            ("use", "handle", {"on_error": True, "data_mapping": wanted}),
        ],
    )
    assert execute_graph(graph, pool_type=process_type) == {"return_value": 100_000.0}
