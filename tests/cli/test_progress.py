import re
import time

import pytest

from ewoksppf_core.cli.progress import PlainProgress
from ewoksppf_core.cli.tally import Tally, format_seconds
from ewoksppf_core.errors import WorkerLostError
from ewoksppf_core.run import events

SUM = "ewokscore.tests.examples.tasks.sumtask.SumTask"
ERROR = "ewokscore.tests.examples.tasks.errorsumtask.ErrorSumTask"


def activation(kind, node="n", **details):
    return kind(time=0.0, node=node, number=0, **details)


def run_started():
    return events.RunStarted(time=0.0, graph="label", nodes=3, pool_type="thread")


def queued():
    return activation(events.ActivationQueued)


def started():
    return activation(events.ActivationStarted)


def finished():
    return activation(events.ActivationFinished, started=0.0, pid=1)


def lost():
    return events.WorkerLost(time=0.0, pid=1, exitcode=1)


def failed(handled, error=ValueError("bad")):  # noqa: B008
    return activation(events.ActivationFailed, error=error, handled=handled, pid=1)


def tally_of(*told):
    tally = Tally(None)
    for event in told:
        tally.observe(event)
    return tally


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ([], "0 done, 0 failed"),
        ([queued(), queued(), queued(), started(), started()], "0 done, 2 running, 1 waiting"),
        ([queued(), queued()], "0 done, 1 running, 1 waiting"),
        ([queued(), started(), finished(), queued()], "1 done, 1 running, 0 failed"),
        ([queued(), failed(True), queued(), failed(False)], "0 done, 2 failed (1 handled)"),
        ([queued(), started(), lost(), queued(), started()], "0 done, 1 running, 0 failed"),
        ([queued(), lost(), failed(False, WorkerLostError()), queued()], "0 done, 1 running, 1 f"),
        ([queued(), events.RunFinished(time=0.0, error=None)], "0 done, 0 failed"),
    ],
)
def test_activations_are_counted(told, shown):
    assert tally_of(*told).counts().startswith(shown)


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ([], "workflow: starting"),
        ([run_started()], "label: running"),
        ([run_started(), events.RunFinished(time=0.0, error=None)], "label: finished"),
        ([run_started(), events.RunFinished(time=0.0, error=TimeoutError())], "label: stopped"),
        (
            [run_started(), failed(False), events.RunFinished(time=0.0, error=ValueError())],
            "label: failed",
        ),
    ],
)
def test_state_is_told(told, state):
    assert tally_of(*told).line().startswith(state)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (59.9, "59.9 s"), (61, "1:01 min"), (3661, "1:01:01")]
)
def test_durations_are_readable(seconds, text):
    assert format_seconds(seconds) == text


def test_lines_are_written_once_per_second(capsys, monkeypatch):
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    tally = Tally("name")
    progress = PlainProgress(tally)
    for now in (0.1, 0.9, 1.1, 1.2, 2.0, 2.2):  # noqa: B007
        event = finished()
        tally.observe(event)
        progress.observe(event)
    lines = capsys.readouterr().err.splitlines()
    assert [re.search(r"(\d) done", line)[1] for line in lines] == ["3", "6"]


def test_start_failures_and_end_are_written(execute, graph):
    lines = execute(graph(boom=(ERROR, {"raise_error": True}), ok=(SUM, {"a": 1}))).err.splitlines()
    assert lines[0].endswith("started, 2 nodes on pool type thread")
    assert any("node 'boom' failed" in line for line in lines[1:3])
    assert any(re.search("failed; 1 done, 1 failed", line) for line in lines)


@pytest.mark.parametrize("flag", ["--quiet", "--no-progress"])
def test_progress_can_be_left_out(execute, flag):
    assert execute("--test", "demo", flag).err == ""


def test_nothing_but_the_result_goes_to_stdout(execute):
    assert "done" not in execute("--test", "demo").out
