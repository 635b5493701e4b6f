"""A detector, the rings that a powder makes on it, and their azimuthal integration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

LATTICE = 4.15692
"""Lattice constant of lanthanum hexaboride (LaB6), in angstrom: the usual calibration powder."""

RINGS = {"100": 1, "110": 2, "111": 3, "200": 4, "210": 5, "211": 6}
"""Miller indices of the rings, and h*h + k*k + l*l."""

NOT_READ = numpy.uint32(2**32 - 1)
"""What the detector says for pixels that it could not read."""

RING_WIDTH = 0.12
"""Standard deviation of a ring, in degrees."""


class CorruptFramesError(ValueError):
    """Raised when most pixels of a frame are missing.

    :param indices: numbers of the corrupt frames.
    """

    def __init__(self, indices: list[int]) -> None:
        super().__init__(indices)
        self.indices = indices

    def __str__(self) -> str:
        return f"frames that were not read out: {', '.join(map(str, self.indices))}"


@dataclass(frozen=True)
class Detector:
    """A square detector behind the sample, with the beam in its centre.

    :param pixels: number of pixels along each side.
    :param side: length of a side, in mm.
    :param distance: distance from the sample, in mm.
    :param wavelength: wavelength of the X-rays, in angstrom.
    """

    pixels: int
    side: float = 102.4
    distance: float = 150.0
    wavelength: float = 0.5

    def scattering_angles(self) -> NDArray[numpy.float64]:
        """Return the scattering angle (two theta) of each pixel, in degrees."""
        position = (numpy.arange(self.pixels) + 0.5) / self.pixels - 0.5
        x, y = numpy.meshgrid(position * self.side, position * self.side)
        return numpy.degrees(numpy.arctan2(numpy.hypot(x, y), self.distance))

    def ring_angles(self) -> dict[str, float]:
        """Return the scattering angle of each ring by Bragg's law, in degrees."""
        return {
            name: float(
                2 * numpy.degrees(numpy.arcsin(self.wavelength * square**0.5 / 2 / LATTICE))
            )
            for name, square in RINGS.items()
        }

    def bins(self) -> NDArray[numpy.float64]:
        """Return the edges of the bins of :meth:`integrate`, in degrees."""
        largest = numpy.degrees(numpy.arctan2(self.side / 2, self.distance))
        return numpy.linspace(2.0, largest, self.pixels // 2 + 1)

    def simulate(self, number: int) -> NDArray[numpy.uint32]:
        """Return a frame of a powder which crystallises from frame to frame.

        :param number: number of the frame, which is also the seed of its noise.
        """
        angles = self.scattering_angles()
        expected = 20 + 30 * numpy.exp(-angles / 4)  # background
        for angle in self.ring_angles().values():
            peak = numpy.exp(-(((angles - angle) / RING_WIDTH) ** 2) / 2)
            expected += (100 + 5 * number) * peak
        return numpy.random.default_rng(number).poisson(expected).astype(numpy.uint32)

    def integrate(self, frames: NDArray[numpy.uint32]) -> NDArray[numpy.float64]:
        """Return the mean intensity in rings around the beam, per frame.

        :param frames: a stack of frames.
        """
        edges = self.bins()
        pixels = numpy.digitize(self.scattering_angles().ravel(), edges)
        profiles = [_mean_by_bin(frame.ravel(), pixels, len(edges)) for frame in frames]
        return numpy.reshape(profiles, (len(frames), len(edges) - 1))


def corrupt_frames(frames: NDArray[numpy.uint32]) -> NDArray[numpy.bool_]:
    """Tell of each frame whether most of its pixels are missing."""
    return (frames == NOT_READ).mean(axis=(1, 2)) > 0.5


def _mean_by_bin(
    frame: NDArray[numpy.uint32], bins: NDArray[numpy.intp], edges: int
) -> NDArray[numpy.float64]:
    read = frame != NOT_READ
    total = numpy.bincount(bins[read], weights=frame[read], minlength=edges + 1)
    number = numpy.bincount(bins[read], minlength=edges + 1)
    # The first and the last bin hold what is outside the edges.
    return (total / numpy.maximum(number, 1))[1:-1]
