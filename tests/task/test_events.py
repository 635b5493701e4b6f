"""Tasks are spared the Ewoks events that nobody hears, and nothing else."""

from __future__ import annotations

import logging
import weakref

import pytest
from ewokscore import Task
from ewokscore.events import add_handler, cleanup, initialize_events
from ewokscore.events.global_state import EWOKS_EVENT_LOGGER_NAME

from ewoksppf_core.task.cancel import RunningTasks
from ewoksppf_core.task.execute import execute_here
from ewoksppf_core.task.outcome import NodeInfo, RunInfo

EXECINFO = {
    "job_id": "job",
    "workflow_id": "flow",
    "host_name": "here",
    "user_name": "me",
    "process_id": 1,
}
last: list[weakref.ref[Task]] = []


class Report(Task, optional_input_names=["fail"], output_names=["ids"]):  # type: ignore[call-arg]
    def run(self) -> None:
        last[:] = [weakref.ref(self)]
        if self.get_input_value("fail", False):
            raise ValueError("no beam")
        self.outputs.ids = [self.job_id, self.workflow_id]


class Handler(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.events.append((record.node_id, record.type))  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def nobody_listens(caplog):
    cleanup()
    caplog.set_level(logging.WARNING)
    yield
    cleanup()


def run(execinfo=EXECINFO, fail=False, **task_options):
    node = NodeInfo(
        "detector", {"task_type": "class", "task_identifier": Report.class_registry_name()}, None
    )
    info = RunInfo(None, execinfo, task_options)
    return execute_here(info, node, {"fail": fail}, RunningTasks())


def test_unheard_task_looks_nothing_up_and_knows_its_job(monkeypatch):
    monkeypatch.setattr(initialize_events, "set_environment", lambda fields: pytest.fail("made"))
    assert run().outputs == {"ids": ["job", "flow"]}


def test_unheard_failure_reaches_the_loggers_of_the_application(caplog):
    assert run(fail=True).failure is not None
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "[job 'job'] [workflow 'flow'] [node 'detector']" in record.getMessage()
    assert "task failed (no beam)" in record.getMessage()
    assert record.task_id.endswith("Report")


def test_unheard_task_is_freed_when_it_is_done():
    run()
    assert last[0]() is None


def test_handler_of_the_program_hears_the_events():
    handler = Handler()
    add_handler(handler)
    run()
    assert handler.events == [("detector", "start"), ("detector", "end")]


def test_logger_of_the_application_hears_the_events(caplog):
    caplog.set_level(logging.INFO)
    run()
    assert [record.type for record in caplog.records] == ["start", "end"]


def test_handlers_of_an_earlier_job_are_closed():
    add_handler(Handler())
    logging.getLogger(EWOKS_EVENT_LOGGER_NAME).ewoks_handlers = [{"class": "of.another.Job"}]
    run()
    assert not logging.getLogger(EWOKS_EVENT_LOGGER_NAME).handlers


def test_profile_of_an_unheard_task_is_written(tmp_path):
    run(profile_directory=str(tmp_path))
    assert list(tmp_path.rglob("*"))
