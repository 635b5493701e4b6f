"""What errors say."""

import pickle

import pytest

from ewoksppf_core.errors import (
    BrokenBackendError,
    UnknownPoolTypeError,
    WorkerLostError,
    WorkerStartError,
)


@pytest.mark.parametrize("context", ["spawn", "forkserver"])
def test_worker_that_cannot_start_imports_the_main_script(context):
    message = str(WorkerStartError(1, context))
    assert "(exit code 1)" in message
    assert f"With context={context!r} the main script is imported" in message


def test_forked_worker_that_cannot_start_imports_no_main_script():
    message = str(WorkerStartError(1, "fork"))
    assert "main script" not in message
    assert message.endswith("The output of the worker says more.")


@pytest.mark.parametrize(
    ("exitcode", "words"),
    [
        (7, "exit code 7 (did the task or a library end its process, as os._exit does?)"),
        (-6, "SIGABRT (a compiled library called abort"),
        (-9, "SIGKILL (killed from outside"),
        (None, "its exit code is not known"),
    ],
)
def test_lost_worker_tells_how_it_ended(exitcode, words):
    assert f"worker 5 died while it ran node 'a': {words}" in str(WorkerLostError("a", 5, exitcode))


def test_lost_worker_without_a_task_blames_none():
    assert str(WorkerLostError(None, 5, 7)) == "worker 5 died: exit code 7"


def test_broken_backend_tells_the_cure():
    error = BrokenBackendError("mine", "ewoks-mine", "ImportError: no module")
    assert str(error).endswith("ImportError: no module. Upgrade or uninstall ewoks-mine.")


def test_optional_facts_survive_pickling():
    error = UnknownPoolTypeError("x", ["y"], "dist", "VARIABLE")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
