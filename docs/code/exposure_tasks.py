"""The tasks of the tutorial: a pretended detector, and what one does with it."""

from ewokscore import Task


class Measure(Task, input_names=["exposure"], output_names=["exposure", "counts", "is_bright"]):
    """Take a picture with the given exposure time in seconds."""

    def run(self):
        counts = round(400 * self.inputs.exposure)
        if counts > 2000:
            raise ValueError(f"the detector is saturated: {counts} counts")
        self.outputs.exposure = self.inputs.exposure
        self.outputs.counts = counts
        self.outputs.is_bright = counts >= 1000


class Lengthen(Task, input_names=["exposure"], output_names=["exposure"]):
    """Double the exposure time."""

    def run(self):
        self.outputs.exposure = 2 * self.inputs.exposure


class Report(Task, input_names=["exposure", "counts"], output_names=["text"]):
    """Say what came out."""

    def run(self):
        self.outputs.text = f"{self.inputs.counts} counts in {self.inputs.exposure} s"


class Explain(Task, input_names=["problem"], output_names=["text"]):
    """Say what went wrong."""

    def run(self):
        self.outputs.text = f"no picture: {self.inputs.problem.__cause__}"
