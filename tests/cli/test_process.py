"""The command in a process of its own: signals, streams, terminals, imports."""

import json
import os
import pty
import signal
import subprocess
import sys
from importlib.metadata import version

import psutil
import pytest

SUM = "ewokscore.tests.examples.tasks.sumtask.SumTask"
LONG = (SUM, {"a": 1, "delay": 50})

NO_RICH = """
import sys
from ewoksppf_core.cli import main
assert main(["--help"]) == 0
assert main(["execute", "--help"]) == 0
assert main(["backends", "--json"]) == 0
assert main(["execute", "--test", "demo", "--pool-type", "thread", "--json"]) == 0
assert main(["execute", "--test", "demo", "--pool-type", "nosuch"]) == 2
assert "rich" not in sys.modules
assert main(["backends"]) == 0
assert "rich" in sys.modules
"""


def test_rich_is_imported_only_to_show_something():
    subprocess.run([sys.executable, "-c", NO_RICH], check=True, stdout=subprocess.DEVNULL)


def test_console_script_tells_its_version():
    script = os.path.join(os.path.dirname(sys.executable), "ewoksppf")
    told = subprocess.run([script, "--version"], check=True, capture_output=True, text=True)
    assert told.stdout == f"ewoksppf {version('ewoksppf-core')}\n"


def test_what_workers_print_does_not_disturb_json(start, graph):
    process = start("execute", graph(n=("builtins.print", {"_0": "hello"})), "--json")
    out, err = process.communicate()
    assert process.returncode == 0
    assert json.loads(out)["result"] == {"n": {"return_value": None}}
    assert b"hello" in err


@pytest.mark.parametrize(
    ("number", "code", "message"),
    [(signal.SIGINT, 130, "SIGINT received"), (signal.SIGTERM, 1, "SIGTERM received")],
)
@pytest.mark.parametrize("pool_type", ["process", "thread"])
def test_signals_end_the_command_and_its_workers(start, graph, number, code, message, pool_type):
    arguments = ("--json", "--log", "info", "--pool-type", pool_type)
    process = start("execute", graph(n=LONG), *arguments)
    assert any(b"task started" in line for line in process.stderr)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    out, err = process.communicate()
    assert process.returncode == code, err
    assert message in err.decode()
    assert b"Traceback" not in err
    assert json.loads(out).keys() == {"graph", "error"}
    assert not psutil.wait_procs(workers, timeout=10)[1]


def test_timeout_ends_the_command_although_threads_go_on(start, graph):
    process = start("execute", graph(n=LONG), "--pool-type=thread", "--timeout=0.2", "--quiet")
    _, err = process.communicate()
    assert process.returncode == 1
    assert b"cannot be stopped" in err


def test_closed_stdout_is_no_traceback(start):
    process = start("backends")
    process.stdout.close()
    err = process.stderr.read()
    assert process.wait() == 1
    assert err == b""


def read_until(terminal, text=None):
    """Read what is written to a terminal until a text appears, or to its end."""
    seen = b""
    while text is None or text not in seen:
        try:
            part = os.read(terminal, 1000)
        except OSError:  # the other side is closed
            part = b""
        if not part:
            break
        seen += part
    return seen.decode()


@pytest.fixture
def terminal():
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)


def test_terminal_shows_live_progress_and_is_left_tidy(start, terminal):
    ours, theirs = terminal
    process = start("execute", "--test", "demo", stderr=theirs)
    os.close(theirs)
    shown = read_until(ours)
    out, _ = process.communicate()
    assert process.returncode == 0
    assert b"demo: FINISHED" in out
    assert "demo: finished; 7 done, 0 failed" in shown
    assert shown.count("\x1b[?25l") == shown.count("\x1b[?25h") == 1  # the cursor hides, comes back
    assert shown.count("\n") == 1


def test_terminal_shows_what_runs_and_survives_ctrl_c(start, terminal, graph):
    ours, theirs = terminal
    process = start("execute", graph(n=LONG), stderr=theirs)
    os.close(theirs)
    shown = read_until(ours, b"0 done, 1 running")
    process.send_signal(signal.SIGINT)
    shown += read_until(ours)
    assert process.wait() == 130
    assert "\x1b[2K" in shown
    assert shown.index("\x1b[?25h") < shown.index("SIGINT received")


def test_log_records_do_not_break_the_live_line(start, terminal, graph):
    ours, theirs = terminal
    process = start("execute", graph(n=(SUM, {"a": 1})), "--log", "info", stderr=theirs)
    os.close(theirs)
    lines = read_until(ours).split("\n")
    assert process.wait() == 0
    records = [line for line in lines if "workflow started" in line]
    assert len(records) == 1
    assert "running" not in records[0].rpartition("\x1b[2K")[2]
