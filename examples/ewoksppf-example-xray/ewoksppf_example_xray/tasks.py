"""The tasks of the workflow in ``graph.json``."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy
from ewokscore import Task
from numpy.typing import NDArray

from .detector import NOT_READ, CorruptFramesError, Detector, corrupt_frames

PARTS = 4
"""Number of nodes that integrate at the same time."""


@dataclass(frozen=True)
class Part:
    """Frames of one block that are integrated together.

    :param block: number of the block.
    :param indices: numbers of the frames.
    :param frames: the images.
    """

    block: int
    indices: list[int]
    frames: NDArray[numpy.uint32]


@dataclass(frozen=True)
class Profiles:
    """What became of the frames of a part.

    :param block: number of the block.
    :param indices: numbers of the frames.
    :param intensity: intensity over scattering angle of each frame; nan for a bad frame.
    """

    block: int
    indices: list[int]
    intensity: NDArray[numpy.float64]


class Measure(
    Task,
    optional_input_names=["folder", "frames", "pixels", "corrupt"],
    output_names=["raw_file", "detector"],
):
    """Simulate a measurement, and write its frames into a file."""

    def run(self) -> None:
        folder = self.get_input_value("folder", None)
        folder = Path(folder or tempfile.mkdtemp(prefix="ewoksppf-xray-")).absolute()
        detector = Detector(self.get_input_value("pixels", 512))
        number = self.get_input_value("frames", 48)
        corrupt = self.get_input_value("corrupt", [17, 30])
        folder.mkdir(parents=True, exist_ok=True)
        shape = detector.pixels, detector.pixels
        with h5py.File(folder / "raw.h5", "w") as file:
            frames = file.create_dataset("frames", (number, *shape), "uint32", chunks=(1, *shape))
            for index in range(number):
                frame = detector.simulate(index)
                if index in corrupt:
                    frame[detector.pixels // 4 :] = NOT_READ
                frames[index] = frame
        print(f"measured {number} frames of {shape[0]} x {shape[1]} pixels: {folder / 'raw.h5'}")
        self.outputs.raw_file = str(folder / "raw.h5")
        self.outputs.detector = detector


class ReadBlock(
    Task,
    input_names=["raw_file", "detector", "block_size", "results"],
    output_names=["detector", "progress", *(f"part_{number}" for number in range(PARTS))],
):
    """Read the next frames, and deal them out.

    The results so far pass through here, and say which block is the next.
    """

    def run(self) -> None:
        block, size = len(self.inputs.results), self.inputs.block_size
        with h5py.File(self.inputs.raw_file) as file:
            total = len(file["frames"])
            indices = list(range(block * size, min((block + 1) * size, total)))
            frames = file["frames"][indices[0] : indices[-1] + 1]
        for number in range(PARTS):
            part = Part(block, indices[number::PARTS], frames[number::PARTS])
            setattr(self.outputs, f"part_{number}", part)
        self.outputs.detector = self.inputs.detector
        self.outputs.progress = Progress(
            results=self.inputs.results,
            blocks=-(-total // size),
            raw_file=self.inputs.raw_file,
            detector=self.inputs.detector,
        )


@dataclass(frozen=True)
class Progress:
    """Where the loop is.

    :param results: the profiles of each block that is done.
    :param blocks: number of blocks of the measurement.
    :param raw_file: file with the frames.
    :param detector: the detector which measured them.
    """

    results: list[list[Profiles]]
    blocks: int
    raw_file: str
    detector: Detector


class Integrate(Task, input_names=["part", "detector"], output_names=["profiles"]):
    """Integrate the frames of one part; one corrupt frame fails them all."""

    def run(self) -> None:
        part: Part = self.inputs.part
        corrupt = corrupt_frames(part.frames)
        if corrupt.any():
            raise CorruptFramesError([part.indices[i] for i in numpy.flatnonzero(corrupt)])
        intensity = self.inputs.detector.integrate(part.frames)
        self.outputs.profiles = Profiles(part.block, part.indices, intensity)


class MarkBad(Task, input_names=["part", "detector", "error"], output_names=["profiles"]):
    """Integrate a part with corrupt frames, and mark these as bad."""

    def run(self) -> None:
        cause = self.inputs.error.__cause__
        if not isinstance(cause, CorruptFramesError):
            raise self.inputs.error  # nothing that we know how to handle
        part: Part = self.inputs.part
        intensity = self.inputs.detector.integrate(part.frames)
        intensity[[part.indices.index(index) for index in cause.indices]] = numpy.nan
        print(f"block {part.block + 1}: {cause}; marked as bad")
        self.outputs.profiles = Profiles(part.block, part.indices, intensity)


class Collect(
    Task,
    input_names=["progress"],
    optional_input_names=[
        *(f"integrated_{number}" for number in range(PARTS)),
        *(f"marked_{number}" for number in range(PARTS)),
    ],
    output_names=["status", "results", "progress"],
):
    """Put the parts of a block together.

    This runs for each part that arrives. Only the run which sees the last part of the block has
    the status ``more`` or ``done``; the others are ``waiting``.
    """

    def run(self) -> None:
        progress: Progress = self.inputs.progress
        block = len(progress.results)
        arrived: list[Profiles] = [
            value
            for name, value in self.get_input_values().items()
            if name != "progress" and value.block == block
        ]
        self.outputs.progress = progress
        if len(arrived) < PARTS:
            self.outputs.status = "waiting"
            self.outputs.results = progress.results
            return
        print(f"block {block + 1} of {progress.blocks}: {sum(map(_size, arrived))} frames")
        self.outputs.results = [*progress.results, arrived]
        self.outputs.status = "done" if block + 1 == progress.blocks else "more"


class Save(
    Task, input_names=["progress", "results"], output_names=["file", "bad_frames", "ring_angles"]
):
    """Write the profiles of all frames, and where their rings are."""

    def run(self) -> None:
        progress: Progress = self.inputs.progress
        profiles: list[Profiles] = [part for parts in self.inputs.results for part in parts]
        order = numpy.argsort([index for part in profiles for index in part.indices])
        intensity = numpy.concatenate([part.intensity for part in profiles])[order]
        bad = numpy.isnan(intensity).any(axis=1)
        edges = progress.detector.bins()
        angles = (edges[:-1] + edges[1:]) / 2
        expected = progress.detector.ring_angles()
        found = find_rings(angles, intensity[~bad].mean(axis=0), list(expected.values()))
        path = Path(progress.raw_file).with_name("integrated.h5")
        with h5py.File(path, "w") as file:
            file.attrs["default"] = "entry"
            entry = file.create_group("entry")
            entry.attrs.update(NX_class="NXentry", default="data")
            data = entry.create_group("data")
            data.attrs.update(NX_class="NXdata", signal="intensity", axes=["frame", "two_theta"])
            data["frame"] = numpy.arange(len(intensity))
            data["two_theta"] = angles
            data["two_theta"].attrs["units"] = "deg"
            data["intensity"] = intensity
            entry["bad_frames"] = numpy.flatnonzero(bad)
            rings = entry.create_group("rings")
            rings["name"] = list(expected)
            rings["expected"] = list(expected.values())
            rings["found"] = found
            entry["raw"] = h5py.ExternalLink("raw.h5", "/frames")
        for name, angle in zip(expected, found, strict=True):
            print(f"ring {name}: {angle:.3f} deg, expected {expected[name]:.3f} deg")
        print(f"written: {path}")
        self.outputs.file = str(path)
        self.outputs.bad_frames = numpy.flatnonzero(bad).tolist()
        self.outputs.ring_angles = dict(zip(expected, found, strict=True))


def find_rings(
    angles: NDArray[numpy.float64], intensity: NDArray[numpy.float64], guesses: list[float]
) -> list[float]:
    """Return the centre of gravity of the peak near each guess, in degrees."""
    found = []
    for guess in guesses:
        near = numpy.abs(angles - guess) < 0.5
        background = numpy.interp(angles[near], angles[near][[0, -1]], intensity[near][[0, -1]])
        found.append(float(numpy.average(angles[near], weights=intensity[near] - background)))
    return found


def _size(profiles: Profiles) -> int:
    return len(profiles.indices)
