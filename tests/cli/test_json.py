import datetime
import enum
import json
from pathlib import PurePosixPath

import numpy
import pytest
from ewokscore.missing_data import MISSING_DATA

from ewoksppf_core.cli.jsonable import MAX_ELEMENTS, jsonable

ERROR = "ewokscore.tests.examples.tasks.errorsumtask.ErrorSumTask"


class Colour(enum.Enum):
    RED = "red"


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def endless() -> list[object]:
    value: list[object] = [1]
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        ("é", "é"),
        (2**70, 2**70),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        ((1, [2, (3,)]), [1, [2, [3]]]),
        ({1}, [1]),
        ({("sub", "node"): 1}, {'["sub", "node"]': 1}),
        ({1: "a", "1": "b"}, {"1": "a", "'1'": "b"}),
        ({Colour.RED: Colour.RED}, {"red": "red"}),
        (PurePosixPath("/a/b"), "/a/b"),
        (datetime.date(2020, 1, 2), "2020-01-02"),
        (numpy.float32(0.5), 0.5),
        (numpy.float64("nan"), "NaN"),
        (numpy.bool_(True), True),
        (numpy.arange(4).reshape(2, 2), [[0, 1], [2, 3]]),
        (numpy.array([1.5, numpy.inf]), [1.5, "Infinity"]),
        (b"x", {"type": "bytes", "repr": "b'x'"}),
        (1j, {"type": "complex", "repr": "1j"}),
        (MISSING_DATA, {"type": "ewokscore.missing_data.MissingData", "repr": "<MISSING_DATA>"}),
        (ValueError("bad"), {"type": "ValueError", "message": "bad"}),
    ],
)
def test_values_are_represented(value, expected):
    shown = json.loads(json.dumps(jsonable(value), allow_nan=False))
    assert shown == expected
    assert type(shown) is type(expected)


def test_big_arrays_are_described():
    assert jsonable(numpy.zeros((2, MAX_ELEMENTS))) == {
        "type": "numpy.ndarray",
        "dtype": "float64",
        "shape": [2, MAX_ELEMENTS],
    }


def test_values_that_contain_themselves_end():
    first, second = jsonable(endless())
    assert first == 1
    assert second["type"] == "list"


def test_deep_values_end():
    value: list[object] = []
    for _ in range(10_000):
        value = [value]
    json.dumps(jsonable(value))


def test_objects_that_cannot_be_printed_are_represented():
    assert jsonable(Broken())["repr"] == "<repr failed: RuntimeError>"


def test_result_and_error_have_stable_keys(execute, graph):
    shown = execute(graph(boom=(ERROR, {"raise_error": True})), "--json")
    assert shown.code == 1
    assert shown.json.keys() == {"graph", "error"}
    error = shown.json["error"]
    assert error["type"] == "ewoksutils.exceptions.TaskExecutionError"
    assert error["cause"] == {"type": "RuntimeError", "message": "Intentional error"}
    assert error["node"] == "boom"
    assert "errorsumtask.py" in error["traceback"]


def test_node_ids_in_sub_graphs_are_json_lists(execute, graph, tmp_path):
    file = graph("sub", n=("ewokscore.tests.examples.tasks.sumtask.SumTask", {"a": 1}))
    node = {"id": "box", "task_type": "graph", "task_identifier": file}
    (tmp_path / "all.json").write_text(
        json.dumps({"graph": {"id": "all"}, "nodes": [node], "links": []})
    )
    shown = execute(str(tmp_path / "all.json"), "--json").json
    assert shown["result"] == {'["box", "n"]': {"result": 1}}


def test_numpy_results_are_json(execute, graph):
    shown = execute(graph(n=("numpy.ones", {"_0": [2, 2]})), "--json").json
    assert shown["result"] == {"n": {"return_value": [[1, 1], [1, 1]]}}


def test_what_tasks_print_goes_to_stderr(execute, graph):
    finished = execute(graph(n=("builtins.print", {"_0": "hello"})), "--json")
    assert finished.json["result"] == {"n": {"return_value": None}}
    assert "hello" in finished.err
