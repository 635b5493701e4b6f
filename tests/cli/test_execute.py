import json
import os
import re
import sqlite3

import pytest

SUM = "ewokscore.tests.examples.tasks.sumtask.SumTask"
ERROR = "ewokscore.tests.examples.tasks.errorsumtask.ErrorSumTask"


def test_outputs_of_the_end_nodes_are_shown_by_node(execute):
    finished = execute("--test", "demo")
    assert finished.code == 0
    assert "demo: FINISHED" in finished.out
    assert re.search(r"task6 +result +18", finished.out)
    assert "task0" not in finished.out


def test_all_outputs_can_be_shown(execute):
    shown = execute("--test", "demo", "--outputs", "all", "--json").json["result"]
    assert list(shown) == [f"task{i}" for i in range(7)]


def test_no_outputs_can_be_shown(execute):
    assert execute("--test", "demo", "--outputs", "none").out == "demo: FINISHED\n"


def test_outputs_can_be_merged(execute):
    finished = execute("--test", "demo", "--merge-outputs", "--quiet")
    assert re.search(r"^result +18", finished.out, re.MULTILINE)
    assert "task6" not in finished.out
    assert execute("--test", "demo", "--merge-outputs", "--json").json["result"] == {"result": 18}


@pytest.mark.parametrize(
    ("arguments", "result"),
    [
        (["-pn", "one:b=10"], [11, 2]),
        (["-pl", "two:b=10"], [1, 12]),
        (["-pt", "SumTask:b=10"], [11, 12]),
        (["-ps", "b=10"], [11, 12]),
        (["-pa", "b=10"], [11, 12]),
        (["-pn", "one:a=1.5", "-pn", "two:a=2.5"], [1.5, 2.5]),
    ],
)
def test_inputs_are_those_of_ewoks(execute, graph, arguments, result):
    file = graph(one=(SUM, {"a": 1}), two=(SUM, {"a": 2}))
    shown = execute(file, *arguments, "--json").json["result"]
    assert [shown["one"]["result"], shown["two"]["result"]] == result


def test_graphs_can_be_json_text(execute):
    text = json.dumps({"graph": {"id": "x", "label": "my label"}, "nodes": [node()], "links": []})
    assert execute(text, "--json").json == {"graph": "my label", "result": {"n": {"result": 1}}}


def node():
    inputs = [{"name": "a", "value": 1}]
    return {"id": "n", "task_type": "class", "task_identifier": SUM, "default_inputs": inputs}


def test_several_graphs_are_executed_in_order(execute, graph):
    one, two = graph("one", n=(SUM, {"a": 1})), graph("two", n=(SUM, {"a": 2}))
    finished = execute(one, two)
    assert finished.out.index(one) < finished.out.index(two)


def test_graphs_can_be_searched(execute, graph, tmp_path):
    files = [graph("one", n=(SUM, {"a": 1})), graph("two", n=(SUM, {"a": 2}))]
    os.utime(files[0], (1, 1))
    shown = execute("--search", str(tmp_path / "*.json"), "--json").json
    assert [item["graph"] for item in shown] == files


def test_failed_task_gives_code_1_and_its_own_short_traceback(execute, graph):
    finished = execute(graph(boom=(ERROR, {"raise_error": True})))
    assert finished.code == 1
    assert ": FAILED" in finished.out
    assert "node 'boom' failed: RuntimeError: Intentional error" in finished.err
    assert "errorsumtask.py" in finished.err
    assert "task/execute.py" not in finished.err


@pytest.mark.parametrize("pool_type", ["process", "thread"])
def test_debug_shows_the_complete_traceback(execute, graph, pool_type):
    file = graph(boom=(ERROR, {"raise_error": True}))
    finished = execute(file, "--log", "debug", "--pool-type", pool_type)
    assert "task/execute.py" in finished.err
    assert "errorsumtask.py" in finished.err


def test_failed_graph_does_not_prevent_the_next_one(execute, graph):
    finished = execute(graph(n=(ERROR, {"raise_error": True})), "{}")
    assert finished.code == 1
    assert "workflow: FINISHED" in finished.out


def test_every_failure_is_told(execute, graph):
    boom = (ERROR, {"raise_error": True})
    finished = execute(graph(a=boom, b=boom), "--quiet")
    assert "Another node failed too" in finished.err


def test_missing_inputs_are_told_without_traceback(execute, graph):
    finished = execute(graph(n=(SUM, {})))
    assert finished.code == 1
    assert "Missing inputs" in finished.err
    assert "File" not in finished.err


def test_partial_results_are_shown_when_errors_are_not_raised(execute, graph):
    file = graph(ok=(SUM, {"a": 1}), boom=(ERROR, {"raise_error": True}))
    finished = execute(file, "-o", "raise_on_error=false", "--json")
    assert finished.code == 1
    assert finished.json["result"] == {"ok": {"result": 1}}
    assert finished.json["error"]["node"] == "boom"


def test_timeout_gives_code_1(execute, graph):
    file = graph(n=(SUM, {"a": 1, "delay": 50}))
    finished = execute(file, "--timeout", "0.1", "--pool-type", "process")
    assert finished.code == 1
    assert "did not end within 0.1 s" in finished.err
    assert "Traceback" not in finished.err


def test_stopping_on_signals_can_be_given_up_without_a_warning(execute):
    assert execute("--test", "demo", "-o", "stop_on_signals=false").code == 0


def test_number_of_workers_can_be_fixed(execute, graph):
    file = graph(n=(SUM, {"a": 1}))
    finished = execute(file, "--max-workers", "1", "--log", "info")
    assert re.search("pool type 'thread': 1 worker", finished.err)


def test_events_are_stored(execute, tmp_path):
    file = tmp_path / "events.db"
    assert execute("--test", "demo", "--sqlite3", str(file), "--jobid", "mine").code == 0
    connection = sqlite3.connect(file)
    try:
        rows = connection.execute("SELECT job_id, context, type FROM ewoks_events").fetchall()
    finally:
        connection.close()
    assert {row[0] for row in rows} == {"mine"}
    assert rows[0][1:] == ("job", "start")
    assert rows[-1][1:] == ("job", "end")


def test_events_can_be_disabled(execute):
    shown = execute("--test", "demo", "--log", "info").err
    assert "task started" in shown
    shown = execute("--test", "demo", "--log", "info", "--disable-events").err
    assert "task started" not in shown


def test_outputs_are_cached(execute, graph, tmp_path):
    arguments = (
        graph(n=(SUM, {"a": 1})),
        f"--data-root-uri={tmp_path}/cache",
        "--data-scheme=json",
        "--json",
    )
    assert execute(*arguments).json["result"] == execute(*arguments).json["result"]
    assert list((tmp_path / "cache").iterdir())


def test_quiet_shows_only_results_and_errors(execute):
    finished = execute("--test", "demo", "--quiet")
    assert finished.err == ""
    assert "FINISHED" not in finished.out


def test_markup_in_outputs_is_shown_as_it_is(execute, graph):
    finished = execute(graph(**{"[red]node": (SUM, {"a": "[bold]:smile:"})}))
    assert re.search(r"\[red\]node +result +'\[bold\]:smile:'", finished.out)
