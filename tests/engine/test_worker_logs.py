"""What workers log, warn and use of the CPUs."""

from __future__ import annotations

import logging
import threading

import pytest

from ewoksppf_core import OptionError, execute_graph, open_pool

TASKS = "limit_tasks"


def graph(task, **inputs):
    node = {
        "id": "n",
        "label": "My node",
        "task_type": "method",
        "task_identifier": f"{TASKS}.{task}",
        "default_inputs": [{"name": name, "value": value} for name, value in inputs.items()],
    }
    return {"graph": {"id": "graph"}, "nodes": [node]}


def of_beamline(caplog):
    return [record for record in caplog.records if record.name == "beamline"]


def test_records_of_workers_reach_the_handlers_of_the_program(process_type, caplog):
    with caplog.at_level("INFO", logger="beamline"):
        result = execute_graph(graph("log", text="a"), pool_type=process_type)
    info, odd, exception = of_beamline(caplog)
    assert (info.getMessage(), info.levelname) == ("info a", "INFO")
    assert {record.process for record in of_beamline(caplog)} == {result["return_value"]}
    assert {record.node for record in of_beamline(caplog)} == {"My node"}
    assert "lock" in odd.getMessage()
    assert "ValueError: a" in exception.exc_text


@pytest.mark.parametrize("level", ["DEBUG", "ERROR"])
def test_levels_of_the_program_count_in_workers(level, caplog):
    with caplog.at_level(level, logger="beamline"):
        execute_graph(graph("log", text="a"), pool_type="process", context="spawn")
    assert len(of_beamline(caplog)) == {"DEBUG": 4, "ERROR": 2}[level]


def test_warnings_of_workers_are_logged(caplog):
    # Spawned: a forked worker inherits that warnings are errors here.
    execute_graph(graph("warn", text="look out"), pool_type="process", context="spawn")
    (record,) = (record for record in caplog.records if record.name == "py.warnings")
    assert "look out" in record.getMessage()


def test_records_of_one_worker_come_in_order(caplog):
    execute_graph(graph("flood", count=500), pool_type="process")
    assert [record.getMessage() for record in of_beamline(caplog)] == [*map(str, range(500))]


def test_slow_handler_does_not_make_a_task_wait(caplog):
    done = threading.Event()

    class Slow(logging.Handler):
        in_time = None

        def emit(self, record):
            if self.in_time is None:
                self.in_time = done.wait(30)

    handler = Slow()
    logging.getLogger("beamline").addHandler(handler)
    try:
        with open_pool("process") as pool:
            execute_graph(graph("flood", count=2000), pool=pool)
            done.set()
    finally:
        logging.getLogger("beamline").removeHandler(handler)
    assert handler.in_time
    assert len(of_beamline(caplog)) == 2000


def test_fork_of_a_task_does_not_disturb_the_pipe_of_its_worker(process_type, capfd):
    result = execute_graph(graph("log_in_fork", text="from the fork"), pool_type=process_type)
    assert len(result["return_value"]) == 1_000_000
    assert "from the fork" in capfd.readouterr().err


def test_no_thread_is_left_behind():
    before = threading.enumerate()
    execute_graph(graph("log", text="a"), pool_type="process")
    assert threading.enumerate() == before


@pytest.mark.parametrize(
    ("context", "asked", "given"), [("fork", None, 1), ("fork", 2, 2), ("spawn", 2, 2)]
)
def test_workers_limit_their_blas_threads(monkeypatch, context, asked, given):
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "2")
    options = {} if asked is None else {"threads_per_worker": asked}
    result = execute_graph(
        graph("blas_threads"), pool_type="process", context=context, pool_options=options
    )
    assert set(result["return_value"]) == {given}


def test_limiting_blas_threads_starts_none(monkeypatch):
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "2")
    result = execute_graph(graph("count_threads"), pool_type="process", context="fork")
    assert result["return_value"] == 1


def test_fixed_workers_share_the_cpus(monkeypatch):
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "6")
    result = execute_graph(
        graph("environment", name="OMP_NUM_THREADS"), scaling_workers=False, max_workers=2
    )
    assert result["return_value"] == "3"


def test_thread_limit_of_the_user_is_respected(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    values = [
        execute_graph(graph("environment", name=name), pool_type="process")["return_value"]
        for name in names
    ]
    assert values == ["5", None]


@pytest.mark.parametrize("value", [0, -1, "2", 1.5, True])
def test_bad_number_of_threads_is_refused(value):
    with pytest.raises(OptionError, match=r"threads_per_worker.*whole number"):
        execute_graph(graph("log", text="a"), pool_options={"threads_per_worker": value})


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_asynchronous_handlers_of_events_finish_before_their_worker_ends(context, tmp_path):
    path = tmp_path / "events"
    handler = {
        "class": f"{TASKS}.SlowFile",
        "arguments": [{"name": "path", "value": str(path)}],
        "asynchronous": True,
    }
    execute_graph(
        graph("log", text="a"),
        pool_type="process",
        context=context,
        execinfo={"handlers": [handler]},
    )
    events = path.read_text().splitlines()
    assert [event for event in events if event.startswith("node")] == ["node start", "node end"]
