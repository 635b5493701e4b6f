"""The example gives the same, correct file on every pool type."""

from importlib.metadata import entry_points
from pathlib import Path

import h5py
import numpy
import pytest

from ewoksppf_core import execute_graph
from ewoksppf_example_xray.detector import Detector

GRAPH = Path(__file__).parents[1] / "graph.json"
POOL_TYPES = sorted(entry_points(group="ewoksppf_core.backends").names)
BINS = 64

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


def execute(folder, **inputs):
    values = {"folder": str(folder), "pixels": 2 * BINS, "frames": 10, "corrupt": [5, 8]}
    pool_type = inputs.pop("pool_type", "thread")
    given = [{"id": "measure", "name": name, "value": value} for name, value in values.items()]
    given += [{"id": "read_block", "name": "block_size", "value": 4}]
    given += [{"id": "measure", "name": name, "value": value} for name, value in inputs.items()]
    return execute_graph(str(GRAPH), inputs=given, pool_type=pool_type)


@pytest.mark.parametrize("pool_type", POOL_TYPES)
def test_every_pool_type_writes_the_same_file(pool_type, tmp_path):
    result = execute(tmp_path, pool_type=pool_type)
    assert result["bad_frames"] == [5, 8]
    assert Path(result["file"]) == tmp_path / "integrated.h5"
    detector = Detector(2 * BINS)
    frames = numpy.array([detector.simulate(number) for number in range(10)])
    expected = detector.integrate(frames)
    expected[[5, 8]] = numpy.nan
    with h5py.File(result["file"]) as file:
        assert file["entry/bad_frames"][()].tolist() == [5, 8]
        numpy.testing.assert_array_equal(file["entry/data/intensity"][()], expected)
        assert file["entry/raw"].shape == (10, 2 * BINS, 2 * BINS)


def test_rings_are_where_bragg_says(tmp_path):
    result = execute(tmp_path, pixels=256)
    with h5py.File(result["file"]) as file:
        rings = {name: file["entry/rings"][name][()] for name in ("expected", "found")}
    numpy.testing.assert_allclose(rings["found"], rings["expected"], atol=0.03)
    # The first ring of LaB6 at 0.5 angstrom, from a table.
    assert rings["expected"][0] == pytest.approx(6.896, abs=0.001)


def test_intensity_grows_as_the_powder_crystallises(tmp_path):
    result = execute(tmp_path, corrupt=[])
    with h5py.File(result["file"]) as file:
        total = file["entry/data/intensity"][()].sum(axis=1)
    assert result["bad_frames"] == []
    assert (numpy.diff(total) > 0).all()


def test_pixels_that_were_not_read_do_not_count():
    detector = Detector(64)
    frame = numpy.full((64, 64), 7, "uint32")
    frame[:20] = 2**32 - 1
    assert set(detector.integrate(frame[None]).ravel()) <= {0.0, 7.0}
