"""Tasks of the engine tests; every worker can import them by name."""

from __future__ import annotations

import logging
import os
import signal
import threading

from ewokscore import Task


def add(a=0, b=0):
    return a + b


def same(value=None):
    return value


def everything(*args, **kwargs):
    return args, kwargs


def pid():
    return os.getpid()


def append(path, text):
    with open(path, "a") as file:
        file.write(text)
    return text


def fail(message="on purpose", **kwargs):
    raise ValueError(message)


def fail_from_cause(**kwargs):
    try:
        raise KeyError("the cause")
    except KeyError as cause:
        raise ValueError("on purpose") from cause


class PickyError(Exception):
    """Cannot be rebuilt from its pickle."""

    def __init__(self, left, right):
        super().__init__(f"{left} and {right}")


class StuckError(Exception):
    """Does not pickle."""

    def __reduce__(self):
        raise TypeError("stuck here")


def fail_with(name):
    if name == "picky":
        raise PickyError("this", "that")
    if name == "stuck":
        raise StuckError("stuck message")
    if name == "exit":
        raise SystemExit(3)
    if name == "interrupt":
        raise KeyboardInterrupt("by the task")
    if name == "import":
        import no_such_module  # noqa: F401


def unpicklable():
    return threading.Lock()


class Unloadable:
    def __reduce__(self):
        return int, ("not a number",)


def unloadable():
    return Unloadable()


def kill_worker(value=None):
    os.kill(os.getpid(), signal.SIGKILL)


def exit_worker(value=None):
    os._exit(7)


def die_once(path):
    if os.path.exists(path):
        return "survived"
    with open(path, "w"):
        pass
    os.kill(os.getpid(), signal.SIGKILL)


def write_pid(fifo):
    with open(fifo, "w") as file:
        file.write(f"{os.getpid()}\n")


def block(fifo):
    """Tell the process id, and never return."""
    write_pid(fifo)
    threading.Event().wait()


def insist(fifo):
    """Tell the process id, tell it again when asked to end, and never return."""
    signal.signal(signal.SIGTERM, lambda number, frame: write_pid(fifo))
    write_pid(fifo)
    while True:
        signal.pause()


def block_until(fifo, release):
    """Tell the process id, and return when somebody writes into the other fifo."""
    write_pid(fifo)
    with open(release) as file:
        return file.read()


def run_graph(graph, pool_type):
    from ewoksppf_core import execute_graph

    return execute_graph(graph, pool_type=pool_type)["return_value"]


def ppf_add(a=0, b=0, **kwargs):
    return {"a": a + b}


def ppf_fail(**kwargs):
    raise ValueError("on purpose")


def ppf_describe(WorkflowException=None, **kwargs):
    return {"message": WorkflowException["errorMessage"], "seen": sorted(kwargs)}


class LineHandler(logging.Handler):
    """Appends one line to a file for each Ewoks event."""

    def __init__(self, path):
        super().__init__()
        self._path = path

    def emit(self, record):
        words = [record.context, record.type]
        if record.context == "node":
            words.append(record.node_id)
        if record.error:
            words.append(f"error: {record.error_message.strip().splitlines()[0]}")
        with open(self._path, "a") as file:
            file.write(" ".join(words) + "\n")


class Count(Task, optional_input_names=["x", "limit"], output_names=["x", "more"]):
    def run(self):
        self.outputs.x = self.get_input_value("x", 0) + 1
        self.outputs.more = self.outputs.x < self.get_input_value("limit", 3)


class Two(Task, input_names=["x"], output_names=["left", "right"]):
    def run(self):
        self.outputs.left = self.inputs.x
        self.outputs.right = self.inputs.x * 10


class Half(Task, output_names=["set", "unset"]):
    def run(self):
        self.outputs.set = 1


class Failing(Task, input_names=["x"], optional_input_names=["y"], output_names=["x"]):
    def run(self):
        raise ValueError("on purpose")


class Handler(
    Task,
    optional_input_names=["WorkflowException", "WorkflowExceptionInstance", "x", "y"],
    output_names=["message", "traceback", "type", "cause", "x", "y"],
):
    def run(self):
        description = self.inputs.WorkflowException
        instance = self.inputs.WorkflowExceptionInstance
        self.outputs.message = description["errorMessage"]
        self.outputs.traceback = "".join(description["traceBack"])
        self.outputs.type = type(instance).__name__
        self.outputs.cause = repr(instance.__cause__)
        self.outputs.x = self.get_input_value("x", "missing")
        self.outputs.y = self.get_input_value("y", "missing")


def generate(registry_name):
    if registry_name in Task.get_subclass_names():
        return Task.get_subclass(registry_name)

    class Generated(Task, output_names=["result"], registry_name=registry_name):
        def run(self):
            self.outputs.result = registry_name

    return Generated
