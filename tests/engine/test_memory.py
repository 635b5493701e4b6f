"""Values are in shared memory no longer than somebody may need them."""

from __future__ import annotations

import itertools
import os

from ewoksppf_core import execute_graph

OPTIONS = {"pool_type": "process", "scaling_workers": False, "max_workers": 1}


def node(name, task, **inputs):
    return {
        "id": name,
        "task_type": "method",
        "task_identifier": f"memory_tasks.{task}",
        "default_inputs": [{"name": key, "value": value} for key, value in inputs.items()],
    }


def link(source, target, **attrs):
    mapping = [{"source_output": "return_value", "target_input": "array"}]
    return {"source": source, "target": target, "data_mapping": mapping, **attrs}


def trigger(source, target, **attrs):
    return {"source": source, "target": target, **attrs}


def when(value):
    return {"conditions": [{"source_output": "return_value", "value": value}]}


def chain(first, folder, task="count_segments"):
    """Five nodes that hand on an array, then one that tells what is in shared memory."""
    names = [first, *(f"c{i}" for i in range(5))]
    nodes = [node(name, "hand_on") for name in names[1:]]
    nodes += [node("over", "true"), node("end", task, folder=str(folder))]
    links = [link(*pair) for pair in itertools.pairwise(names)]
    return nodes, [*links, trigger(names[-1], "over"), trigger("over", "end")]


def number_at_end(nodes, links, **options):
    graph = {"graph": {"id": "memory"}, "nodes": nodes, "links": links}
    outputs = [{"id": "end", "name": "return_value"}]
    return execute_graph(graph, outputs=outputs, **{**OPTIONS, **options})["return_value"]


def test_chain_leaves_nothing_behind(shared_memory):
    nodes, links = chain("make", shared_memory)
    assert number_at_end([node("make", "make_array"), *nodes], links) == 0


def test_chain_after_branches_that_meet_again_leaves_nothing_behind(shared_memory):
    nodes, links = chain("meet", shared_memory)
    nodes += [node("if", "true"), node("yes", "make_array"), node("no", "make_array")]
    nodes += [node("meet", "hand_on")]
    links += [trigger("if", "yes", **when(True)), trigger("if", "no", **when(False))]
    links += [link("yes", "meet"), link("no", "meet")]
    assert number_at_end(nodes, links) == 0


def test_worker_lets_go_of_the_inputs_of_tasks_that_fail(shared_memory):
    failing = [f"f{i}" for i in range(5)]
    nodes = [node("make", "make_array"), *(node(name, "fail") for name in failing)]
    nodes += [node("handle", "true"), node("end", "count_mapped", folder=str(shared_memory))]
    links = [link("make", name) for name in failing]
    links += [trigger(name, "handle", on_error=True) for name in failing]
    assert number_at_end(nodes, [*links, trigger("handle", "end")]) == 0


def test_time_limits_keep_no_values(shared_memory):
    nodes, links = chain("make", shared_memory)
    # Watched first, and so at the head of all limits until the end.
    fifo = f"{shared_memory}/over"
    os.mkfifo(fifo)
    wait = {**node("wait", "open_fifo", fifo=fifo, mode="r"), "task_timeout": 30}
    nodes += [node("make", "make_array"), node("open", "open_fifo", fifo=fifo, mode="w"), wait]
    links.append(trigger("end", "open"))
    assert number_at_end(nodes, links, max_workers=2, task_timeout=60) == 0
