"""The tasks of all measurements; the same for every peer."""

import time

from ewokscore.task import Task


class Add(Task, input_names=["a"], optional_input_names=["b"], output_names=["result"]):
    """As little as a task can do."""

    def run(self):
        self.outputs.result = self.inputs.a + self.get_input_value("b", 1)


class Count(Task, input_names=["a", "limit"], output_names=["result", "more"]):
    """The head of a loop."""

    def run(self):
        self.outputs.result = self.inputs.a + 1
        self.outputs.more = self.inputs.a + 1 < self.inputs.limit


class Burn(Task, input_names=["a"], optional_input_names=["b"], output_names=["result"]):
    """Compute for a while, holding the GIL."""

    def run(self):
        total = 0
        for i in range(self.inputs.a):
            total += i * i
        self.outputs.result = total


class Collect(Task, input_names=["seconds"], output_names=["seconds"]):
    """The end of a chain of relays."""

    def run(self):
        self.outputs.seconds = self.inputs.seconds


class Stamp(Task, output_names=["result"]):
    """Tell when the task runs."""

    def run(self):
        self.outputs.result = time.time()


class Relay(
    Task,
    input_names=["megabytes"],
    optional_input_names=["array", "sent", "seconds"],
    output_names=["array", "sent", "seconds"],
):
    """Take an array, read all of it, and hand on a new one of the same size."""

    def run(self):
        import numpy

        seconds = self.get_input_value("seconds", [])
        array = self.get_input_value("array", None)
        if array is not None:
            array.sum()
            seconds = [*seconds, time.time() - self.inputs.sent]
        self.outputs.array = numpy.full(int(self.inputs.megabytes * 2**20), len(seconds), "uint8")
        self.outputs.seconds = seconds
        self.outputs.sent = time.time()
