"""Wrong usage ends with exit code 2, a message that tells the cure, and no traceback."""

import re

import pytest

DEMO = ("--test", "demo")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--test", "demmo"], "demmo"),
        (["missing.json"], "no graph file .*missing.json"),
        (["{not json"], "not json"),
        (["-", "--workflow-format", "yml"], "invalid choice: 'yml'"),
        (["--search", "nothing-*.json"], "no file that matches 'nothing-"),
        ([*DEMO, "--pool-type", "thraed"], "did you mean 'thread'"),
        ([*DEMO, "--context", "fork"], "has no start methods"),
        ([*DEMO, "--timeout", "-1"], "number of seconds"),
        ([*DEMO, "--timeout", "inf"], "None for no limit"),
        ([*DEMO, "-o", "max_wokers=3"], "unknown option 'max_wokers' .did you mean 'max_workers'"),
        ([*DEMO, "-o", "observers=[]"], "unknown option 'observers'"),
        ([*DEMO, "-o", "stoper=1"], "unknown option 'stoper'[.] Options are: [^']*$"),
        ([*DEMO, "-o", "stopper=1"], "unknown option 'stopper'"),
        ([*DEMO, "-o", "db_options={}"], "unknown option 'db_options'"),
        ([*DEMO, "-o", "pool=1"], "unknown option 'pool'"),
        ([*DEMO, "-o", "engine=ppf"], "unknown option 'engine'"),
        ([*DEMO, "-o", "inputs=[]"], "give it with -pn"),
        ([*DEMO, "-o", "pool_options=3"], "a dictionary is expected"),
        ([*DEMO, "-o", "timeout=1", "--timeout", "1"], "timeout is given twice"),
        ([*DEMO, "-o", "timeout"], "'=' is missing"),
        ([*DEMO, "-ps", "a:b=1"], "does not accept a target"),
        ([*DEMO, "-pn", "a=1"], "needs a target"),
        ([*DEMO, "-pn", "task9:a=1"], "no node with id 'task9'"),
        ([*DEMO, "--max-workers", "two"], "invalid int"),
        ([*DEMO, "--max-workers", "2", "--scaling"], "scaling is not possible"),
        ([*DEMO, "--max-workers", "2", "-o", "scaling_workers=true"], "scaling is not possible"),
        ([*DEMO, "--disable-events", "--jobid", "x"], "--disable-events cannot be combined"),
        ([*DEMO, "--engine", "core"], "unrecognized arguments"),
        ([*DEMO, "--max-work", "2"], "unrecognized arguments"),
        ([], "required: GRAPH"),
    ],
)
def test_wrong_arguments_of_execute_are_refused_with_a_cure(execute, arguments, message):
    finished = execute(*arguments)
    assert finished.code == 2
    assert re.search(message, finished.err), finished.err
    assert "Traceback" not in finished.out + finished.err


@pytest.mark.parametrize("arguments", [[], ["exekute"], ["backends", "--nosuch"]])
def test_wrong_commands_are_refused_with_the_usage(run, arguments):
    finished = run(*arguments)
    assert finished.code == 2
    assert "usage: ewoksppf" in finished.err
    assert not finished.out


def test_unknown_pool_type_is_reported_once_for_many_graphs(execute):
    finished = execute("--test", "demo", "demo", "--pool-type", "thraed")
    assert finished.code == 2
    assert finished.err.count("unknown pool type") == 1


def test_bad_graph_does_not_prevent_the_next_one(execute):
    finished = execute("missing.json", "{}", "--json")
    assert finished.code == 2
    assert ["error" in shown for shown in finished.json] == [True, False]


def test_unknown_task_is_wrong_usage(execute, graph):
    finished = execute(graph(x=("ewokscore.tests.examples.tasks.sumtask.SunTask", {})))
    assert finished.code == 2
    assert "did you mean 'SumTask'" in finished.err


def test_wrong_usage_is_json_with_json(execute):
    finished = execute("--test", "demo", "-o", "max_wokers=1", "--json")
    assert finished.code == 2
    assert finished.json["error"]["type"] == "ewoksppf_core.errors.UnknownOptionError"


def test_debug_shows_where_wrong_usage_was_found(execute):
    assert "Traceback" in execute("missing.json", "--log", "debug").err
