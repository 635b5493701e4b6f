"""Time limits of tasks, stops from other threads, and big values."""

from __future__ import annotations

import os
import threading

import numpy
import pytest

from ewoksppf_core import (
    GraphError,
    OptionError,
    Stopper,
    TaskTimeoutError,
    WorkflowStoppedError,
    execute_graph,
)

PATIENCE = 30.0


def method(name, task, inputs=None, **attrs):
    return {
        "id": name,
        "task_type": "method",
        "task_identifier": task,
        "default_inputs": [{"name": k, "value": v} for k, v in (inputs or {}).items()],
        **attrs,
    }


def pipe(source, target, name="array"):
    mapping = [{"source_output": "return_value", "target_input": name}]
    return {"source": source, "target": target, "data_mapping": mapping}


def graph(*nodes, links=()):
    return {"graph": {"id": "graph"}, "nodes": list(nodes), "links": list(links)}


def test_task_that_takes_too_long_is_stopped_and_others_go_on(process_type, fifo):
    slow = method("slow", "engine_tasks.block", {"fifo": fifo}, label="My node")
    other = method("other", "engine_tasks.add", {"a": 1})
    result = execute_graph(
        graph(slow, other), pool_type=process_type, task_timeout=1.0, raise_on_error=False
    )
    error = result["WorkflowExceptionInstance"]
    assert isinstance(error, TaskTimeoutError)
    assert isinstance(error, TimeoutError)
    assert str(error) == "node 'My node' did not end within 1.0 s"
    assert result["return_value"] == 1


def test_time_limit_of_a_node_counts_more_than_that_of_the_run(fifo):
    slow = method("slow", "engine_tasks.block", {"fifo": fifo}, task_timeout=0.5)
    with pytest.raises(TaskTimeoutError, match=r"0\.5 s"):
        execute_graph(graph(slow), pool_type="process", task_timeout=1000)


def test_task_that_takes_too_long_triggers_its_handler(fifo):
    slow = method("slow", "engine_tasks.block", {"fifo": fifo}, task_timeout=0.5)
    handler = method("handler", "engine_tasks.same", {"value": "handled"})
    link = {"source": "slow", "target": "handler", "on_error": True}
    result = execute_graph(graph(slow, handler, links=[link]), pool_type="process")
    assert result == {"return_value": "handled"}


def test_task_that_cannot_be_stopped_is_given_up_in_time(tmp_path, fifo, wait_for_start):
    release = str(tmp_path / "release")
    os.mkfifo(release)
    inputs = {"fifo": fifo, "release": release}
    slow = method("slow", "engine_tasks.block_until", inputs, task_timeout=0.3)
    with pytest.raises(TaskTimeoutError, match="cannot be stopped"):
        execute_graph(graph(slow), pool_type="thread", observers=[wait_for_start])
    with open(release, "w") as file:
        file.write("go")


def test_time_limit_counts_from_the_start_of_the_task():
    nodes = [method(str(n), "time.sleep", {0: 0.3}) for n in range(6)]
    execute_graph(
        graph(*nodes), pool_type="process", max_workers=1, scaling_workers=False, task_timeout=1.5
    )


@pytest.mark.parametrize("value", ["1", 0, -1, True])
def test_bad_time_limit_of_a_node_is_refused(value):
    with pytest.raises(GraphError, match=r"node 'a': task_timeout=.*number of seconds"):
        execute_graph(graph(method("a", "engine_tasks.add", task_timeout=value)))


@pytest.mark.parametrize("retries", [1, {"worker_lost": -1}, {"worker_lost": "1"}, {"lost": 1}])
def test_bad_retries_are_refused(retries):
    with pytest.raises((OptionError, TypeError), match="retries"):
        execute_graph(graph(method("a", "engine_tasks.add")), retries=retries)


def test_another_thread_stops_a_run(process_type, fifo, listener):
    stopper = Stopper()

    def stop():
        listener.read_pid()
        stopper.stop("enough", forced=True)

    thread = threading.Thread(target=stop)
    thread.start()
    slow = method("slow", "engine_tasks.block", {"fifo": fifo})
    with pytest.raises(WorkflowStoppedError, match="enough; running nodes: 'slow'"):
        execute_graph(graph(slow), pool_type=process_type, stopper=stopper)
    thread.join()


def test_stopper_stays_pressed():
    stopper = Stopper()
    stopper.stop()
    with pytest.raises(WorkflowStoppedError, match=r"stop\(\) was called"):
        execute_graph(graph(method("a", "engine_tasks.add")), stopper=stopper)


def test_something_else_is_not_a_stopper():
    with pytest.raises(OptionError, match="a Stopper is expected"):
        execute_graph(graph(method("a", "engine_tasks.add")), stopper=print)


def test_stopped_task_that_implements_cancel_ends_by_itself(pool_type, fifo, listener, patience):
    stopper = Stopper()

    def stop():
        listener.read_pid()
        stopper.stop(forced=True)

    thread = threading.Thread(target=stop)
    thread.start()
    patient = {
        "id": "patient",
        "task_type": "class",
        "task_identifier": "limit_tasks.Patient",
        "default_inputs": [{"name": "fifo", "value": fifo}],
    }
    with pytest.raises(WorkflowStoppedError):
        execute_graph(graph(patient), pool_type=pool_type, stopper=stopper)
    thread.join()
    assert os.path.exists(f"{fifo}.cancelled")


SIZE = 100_000


def test_big_values_go_through_shared_memory_which_is_free_again(process_type, shared_memory):
    nodes = [
        method("make", "limit_tasks.make_array", {"size": SIZE}),
        method("one", "limit_tasks.add_one_in_place"),
        method("other", "limit_tasks.add_one_in_place"),
        method("count", "limit_tasks.segments", {"folder": str(shared_memory)}),
    ]
    links = [pipe("make", name) for name in ("one", "other", "count")]
    result = execute_graph(graph(*nodes, links=links), pool_type=process_type, merge_outputs=False)
    for name in ("one", "other"):
        # each got its own copy, though both wrote into it
        numpy.testing.assert_array_equal(result[name]["return_value"], numpy.full(SIZE, 2.0))
        result[name]["return_value"][:] = 0
    assert result["count"]["return_value"] >= 1
    assert list(shared_memory.iterdir()) == []


def test_values_work_without_shared_memory(process_type, monkeypatch):
    monkeypatch.setenv("EWOKSPPF_SHM", "")
    nodes = [
        method("make", "limit_tasks.make_array", {"size": SIZE}),
        method("total", "limit_tasks.total"),
    ]
    result = execute_graph(graph(*nodes, links=[pipe("make", "total")]), pool_type=process_type)
    assert result == {"return_value": SIZE}


def test_value_is_freed_when_its_last_consumer_has_it(process_type, shared_memory):
    links, nodes = [], [method("0", "limit_tasks.make_array", {"size": SIZE})]
    for number in range(1, 8):
        nodes.append(method(str(number), "limit_tasks.add_one_in_place"))
        links.append(pipe(str(number - 1), str(number)))
    nodes.append(method("last", "limit_tasks.until_freed", {"folder": str(shared_memory)}))
    links.append(pipe("7", "last"))
    result = execute_graph(graph(*nodes, links=links), pool_type=process_type)
    assert result == {"return_value": 8 * SIZE}


def test_value_is_freed_when_its_last_consumer_has_it_also_inside_all_outputs(shared_memory):
    nodes = [
        method("make", "limit_tasks.make_array", {"size": SIZE}),
        method("last", "limit_tasks.until_all_freed", {"folder": str(shared_memory)}),
    ]
    link = {"source": "make", "target": "last", "data_mapping": [{"target_input": "array"}]}
    result = execute_graph(graph(*nodes, links=[link]), pool_type="process")
    assert result == {"return_value": SIZE}


def test_value_stays_until_all_consumers_have_had_it(shared_memory):
    nodes = [method("make", "limit_tasks.make_array", {"size": SIZE})]
    nodes += [method(name, "limit_tasks.add_one_in_place") for name in "abc"]
    result = execute_graph(
        graph(*nodes, links=[pipe("make", name) for name in "abc"]),
        pool_type="process",
        scaling_workers=False,
        max_workers=1,
        merge_outputs=False,
    )
    for values in result.values():
        numpy.testing.assert_array_equal(values["return_value"], numpy.full(SIZE, 2.0))


def test_value_stays_while_the_activation_may_be_run_again(process_type, shared_memory, tmp_path):
    nodes = [
        method("make", "limit_tasks.make_array", {"size": SIZE}),
        method("die", "limit_tasks.die_first", {"marker": str(tmp_path / "died")}),
    ]
    result = execute_graph(
        graph(*nodes, links=[pipe("make", "die")]),
        pool_type=process_type,
        retries={"worker_lost": 1},
    )
    assert result == {"return_value": SIZE}


def test_value_stays_while_an_error_handler_may_need_it(process_type, shared_memory):
    nodes = [
        method("make", "limit_tasks.make_array", {"size": SIZE}),
        method("fail", "limit_tasks.fail"),
        method("handle", "limit_tasks.total"),
    ]
    mapping = [{"source_output": "array", "target_input": "array"}]
    handler = {"source": "fail", "target": "handle", "on_error": True, "data_mapping": mapping}
    links = [pipe("make", "fail"), handler]
    result = execute_graph(graph(*nodes, links=links), pool_type=process_type)
    assert result == {"return_value": SIZE}


def test_big_input_of_the_caller_arrives_in_every_activation(process_type, shared_memory):
    nodes = [method(name, "limit_tasks.total") for name in "abc"]
    array = numpy.ones(SIZE)
    result = execute_graph(
        graph(*nodes),
        pool_type=process_type,
        inputs=[{"all": True, "name": "array", "value": array}],
        merge_outputs=False,
    )
    assert [result[name]["return_value"] for name in "abc"] == [SIZE] * 3
    assert list(shared_memory.iterdir()) == []


def test_big_input_of_the_caller_is_in_shared_memory_once(process_type, shared_memory):
    array = numpy.ones(SIZE)
    sizes = []

    def measure(event):
        files = [path for path in shared_memory.rglob("*") if path.is_file()]
        sizes.append(sum(path.stat().st_size for path in files))

    result = execute_graph(
        graph(*[method(name, "limit_tasks.total") for name in "abcdefgh"]),
        pool_type=process_type,
        inputs=[{"all": True, "name": "array", "value": array}],
        observers=[measure],
        outputs=[{"all": True}],
        merge_outputs=False,
    )
    assert [values["return_value"] for values in result.values()] == [SIZE] * 8
    assert array.nbytes <= max(sizes) < 1.1 * array.nbytes


def test_lost_worker_leaves_nothing_in_shared_memory(shared_memory):
    node = method("die", "limit_tasks.die_with_array", {"size": SIZE})
    result = execute_graph(graph(node), pool_type="process", raise_on_error=False)
    assert "exit code 7" in str(result["WorkflowExceptionInstance"])
    assert list(shared_memory.iterdir()) == []


def test_task_that_takes_too_long_and_implements_cancel_ends_by_itself(
    one_of_each, fifo, wait_for_start, patience
):
    patient = {
        "id": "patient",
        "task_type": "class",
        "task_identifier": "limit_tasks.Patient",
        "default_inputs": [{"name": "fifo", "value": fifo}],
        "task_timeout": 0.5,
    }
    with pytest.raises(TaskTimeoutError) as info:
        execute_graph(graph(patient), pool_type=one_of_each, observers=[wait_for_start])
    assert not info.value.still_running
    assert os.path.exists(f"{fifo}.cancelled")
