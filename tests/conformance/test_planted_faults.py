"""The conformance kit finds each planted fault, with the test meant for it."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PATIENCE = {"leaks": 1.5, "loses": 1.5, "queues": 1.5}
"""Seconds; these faults are found by waiting in vain."""

LEAVES_NOTHING = "test_shutdown_leaves_nothing_behind"
LOOKED_BEHIND = {"honest", "leaks"}
"""The others do without this test, because it takes long."""

FOUND_BY = {
    "honest": set(),
    "swallows": {
        "test_exceptions_arrive_with_type_arguments_and_cause",
        "test_exceptions_that_cannot_travel_keep_their_message[throw_picky]",
        "test_exceptions_that_cannot_travel_keep_their_message[throw_stuck]",
    },
    "simplifies": {"test_exceptions_arrive_with_type_arguments_and_cause"},
    "loses": {"test_every_task_runs_exactly_once"},
    "repeats": {"test_every_task_runs_exactly_once"},
    "queues": {
        "test_tasks_run_concurrently",
        "test_stopping_a_task_leaves_the_others_alone",  # there are no others
    },
    "hurries": {
        "test_never_more_tasks_than_workers_run_at_the_same_time",
        "test_cancel_futures_cancels_what_waits_and_finishes_what_runs",
    },
    "leaks": {f"{LEAVES_NOTHING}[{use}]" for use in ("nothing", "tasks")},
    "insists": {"test_cancel_futures_cancels_what_waits_and_finishes_what_runs"},
    "hastens": {"test_shutdown_waits_for_submitted_tasks"},
    "revives": {
        "test_submit_after_shutdown_raises",
        "test_submit_to_an_executor_after_shutdown_raises",
    },
    "overdoes": {"test_stopping_a_task_leaves_the_others_alone"},
    "copies": {"test_values_pass_by_reference_exactly_if_declared"},
}

TESTS = """
from ewoksppf_core.testing import PoolBackendConformance

class Test_{name}(PoolBackendConformance):
    pool_type = "{name}"
    patience = {patience}
"""


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    """Failed tests of the kit by backend."""
    folder = tmp_path_factory.mktemp("faults")
    pretend_to_be_installed(folder)
    (folder / "pytest.ini").write_text("[pytest]\ntimeout = 50\n")
    tests = [TESTS.format(name=name, patience=PATIENCE.get(name, 20)) for name in FOUND_BY]
    tests += [f"Test_{name}.{LEAVES_NOTHING} = None\n" for name in set(FOUND_BY) - LOOKED_BEHIND]
    (folder / "test_faults.py").write_text("".join(tests))
    # Left out is what takes long, and has nothing to do with the faults.
    tests_to_run = "not cheap and not processes"
    command = ["-m", "pytest", "-q", "--junitxml=report.xml", "-k", tests_to_run]
    paths = [str(folder), str(HERE), os.environ.get("PYTHONPATH", "")]
    subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        timeout=55,
    )
    return read_failures(folder / "report.xml")


def pretend_to_be_installed(folder):
    metadata = folder / "faulty-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty\nVersion: 1.0\n")
    entry_points = [f"{name} = faulty:plugin_{name}" for name in FOUND_BY]
    (metadata / "entry_points.txt").write_text(
        "\n".join(["[ewoksppf_core.backends]", *entry_points])
    )


def read_failures(report):
    failures = {name: set() for name in FOUND_BY}
    for case in ElementTree.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failures[case.get("classname").rpartition("Test_")[2]].add(case.get("name"))
    return failures


@pytest.mark.parametrize("fault", FOUND_BY)
def test_fault_is_found_by_the_test_meant_for_it(failed, fault):
    assert failed[fault] == FOUND_BY[fault]
