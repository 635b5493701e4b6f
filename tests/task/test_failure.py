"""Exceptions travel with type, message, cause and traceback, or are replaced by an equal."""

from __future__ import annotations

import builtins
import pickle

import pytest

from ewoksppf_core.errors import RemoteTaskError, TaskTimeoutError, WorkerLostError
from ewoksppf_core.task.failure import MAX_CAUSES, format_traceback, pack_exception
from ewoksppf_core.testing import tasks


def travel(exception):
    return pickle.loads(pickle.dumps(pack_exception(exception))).unpack()


def raised(error, cause=None):
    try:
        raise error from cause
    except BaseException as exception:
        return exception


def causes(exception):
    chain = []
    while exception is not None:
        chain.append(exception)
        exception = exception.__cause__ or exception.__context__
    return chain


@pytest.mark.parametrize(
    "error",
    [
        ValueError("message"),
        KeyError("key"),
        OSError(2, "no such file", "path"),
        UnicodeDecodeError("utf8", b"x", 0, 1, "reason"),
        SystemExit(3),
        KeyboardInterrupt(),
        tasks.SimpleError("a", 1),
        WorkerLostError("node", 1, -9),
        TaskTimeoutError(1.0, "node", False),
    ],
    ids=lambda error: type(error).__name__,
)
def test_exception_keeps_type_message_and_arguments(error):
    rebuilt = travel(raised(error))
    assert type(rebuilt) is type(error)
    assert str(rebuilt) == str(error)
    assert rebuilt.args == error.args


def test_exception_keeps_its_attributes_and_notes():
    error = raised(ValueError("message"))
    error.answer = 42
    error.__notes__ = ["a note"]
    rebuilt = travel(error)
    assert rebuilt.answer == 42
    assert rebuilt.__notes__ == ["a note"]


def test_cause_travels_as_cause_and_context_as_context():
    rebuilt = travel(raised(ValueError("outer"), KeyError("inner")))
    assert repr(rebuilt.__cause__) == "KeyError('inner')"
    try:
        try:
            raise KeyError("first")
        except KeyError:
            raise ValueError("second")  # noqa: B904
    except ValueError as error:
        rebuilt = travel(error)
    assert rebuilt.__cause__ is None
    assert repr(rebuilt.__context__) == "KeyError('first')"


def test_cause_that_does_not_pickle_is_replaced_and_the_rest_is_kept():
    rebuilt = travel(raised(ValueError("outer"), tasks.StuckError("inner")))
    assert type(rebuilt) is ValueError
    assert isinstance(rebuilt.__cause__, RemoteTaskError)
    assert str(rebuilt.__cause__).endswith("StuckError: inner")


@pytest.mark.parametrize(
    ("error", "message"),
    [(tasks.StuckError("this"), "this"), (tasks.PickyError("this", "that"), "this and that")],
    ids=["does not pickle", "cannot be rebuilt"],
)
def test_exception_that_cannot_travel_is_replaced_with_type_name_message_and_traceback(
    error, message
):
    rebuilt = travel(raised(error))
    assert isinstance(rebuilt, RemoteTaskError)
    assert rebuilt.type_name == f"ewoksppf_core.testing.tasks.{type(error).__name__}"
    assert rebuilt.message == message
    assert "Traceback" in rebuilt.traceback
    assert "test_failure.py" in rebuilt.traceback


class CodeError(Exception):
    """Makes its message from its argument."""

    def __init__(self, code):
        super().__init__(f"code {code}")
        self.code = code


def test_message_that_is_made_from_arguments_is_not_made_twice(monkeypatch):
    monkeypatch.setattr(tasks, "CodeError", CodeError, raising=False)
    monkeypatch.setattr(CodeError, "__module__", tasks.__name__)
    rebuilt = travel(raised(CodeError(5)))
    assert type(rebuilt) is CodeError
    assert str(rebuilt) == "code 5"
    assert rebuilt.code == 5


class SilentError(Exception):
    """Cannot be printed."""

    def __str__(self):
        raise RuntimeError("no words")


def test_exception_that_cannot_be_printed_travels_all_the_same():
    rebuilt = travel(raised(SilentError()))
    assert isinstance(rebuilt, RemoteTaskError | SilentError)
    assert "SilentError" in format_traceback(raised(SilentError()))


def test_exception_of_a_module_that_is_not_here_is_replaced():
    packed = pack_exception(raised(ValueError("message")))
    pickled = packed.pickled.replace(b"ValueError", b"ValueErrox")
    rebuilt = type(packed)(**{**vars(packed), "pickled": pickled}).unpack()
    assert isinstance(rebuilt, RemoteTaskError)
    assert rebuilt.type_name == "builtins.ValueError"


def test_circle_of_causes_ends():
    first, second = ValueError(1), ValueError(2)
    first.__cause__, second.__cause__ = second, first
    assert [error.args for error in causes(travel(first))] == [(1,), (2,)]


def test_long_chain_of_causes_is_cut():
    error = None
    for number in range(5_000):
        error, previous = ValueError(number), error
        error.__cause__ = previous
    chain = causes(travel(error))
    assert len(chain) == MAX_CAUSES
    assert chain[0].args == (4_999,)


def test_group_of_exceptions_travels():
    group_type = getattr(builtins, "ExceptionGroup", None)
    if group_type is None:
        pytest.skip("Python 3.10 has no exception groups")
    rebuilt = travel(raised(group_type("group", [ValueError(1), KeyError(2)])))
    assert [type(error) for error in rebuilt.exceptions] == [ValueError, KeyError]
