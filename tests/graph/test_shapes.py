"""Graphs of every shape and size are loaded, compiled and scheduled without recursion."""

from __future__ import annotations

import collections
import sys

import networkx
import pytest

from ewoksppf_core.graph.compile import compile_plan
from ewoksppf_core.graph.load import load_graph
from ewoksppf_core.run.scheduler import Scheduler

SCRIPT = {"task_type": "script", "task_identifier": "true"}
MAPPED = {"data_mapping": [{"source_output": "x", "target_input": "x"}]}


def graph_of(links, **attrs):
    graph = networkx.DiGraph(id="graph")
    graph.add_edges_from(links, **attrs)
    for node in graph.nodes.values():
        node.update(SCRIPT)
    return graph


def chain(length, **attrs):
    return graph_of([(str(n), str(n + 1)) for n in range(length - 1)], **attrs)


def fan_out(width):
    return graph_of([("start", str(n)) for n in range(width)], **MAPPED)


def fan_in(width):
    return graph_of([(str(n), "end") for n in range(width)])


def grid(side):
    right = [(f"{x},{y}", f"{x + 1},{y}") for x in range(side - 1) for y in range(side)]
    down = [(f"{x},{y}", f"{x},{y + 1}") for x in range(side) for y in range(side - 1)]
    return graph_of(right + down)


def layers(depth, width):
    links = [
        (f"{layer},{a}", f"{layer + 1},{b}")
        for layer in range(depth - 1)
        for a in range(width)
        for b in range(width)
    ]
    return graph_of(links)


def ladder(length):
    """Two paths at every step: what follows the links one by one takes exponential time."""
    links = []
    for n in range(length):
        links += [
            (str(n), f"{n}a"),
            (str(n), f"{n}b"),
            (f"{n}a", str(n + 1)),
            (f"{n}b", str(n + 1)),
        ]
    return graph_of(links)


def conditional_chain(length):
    condition = {"conditions": [{"source_output": "x", "value": 1}]}
    graph = chain(length)
    graph.edges["0", "1"].update(condition)
    return graph


def ring(length):
    graph = chain(length)
    graph.add_edge(str(length - 1), "0", conditions=[{"source_output": "x", "value": 2}])
    graph.nodes["0"]["force_start_node"] = True
    return graph


def run(plan):
    """Complete every activation in the order in which they become due."""
    scheduler = Scheduler(plan)
    due = collections.deque(scheduler.start())
    activations = 0
    while due:
        activation = due.popleft()
        activations += 1
        due.extend(scheduler.succeed(activation, {"x": 1}, {"x": 1}).due)
    return activations


@pytest.mark.parametrize(
    ("graph", "nodes"),
    [
        (lambda: chain(10_000), 10_000),
        (lambda: chain(10_000, **MAPPED), 10_000),
        (lambda: conditional_chain(10_000), 10_000),
        (lambda: ring(10_000), 10_000),
        (lambda: fan_out(50_000), 50_001),
        (lambda: fan_in(20_000), 20_001),
        (lambda: grid(200), 40_000),
        (lambda: layers(12, 40), 480),
        (lambda: ladder(3_000), 9_001),
    ],
    ids=[
        "chain",
        "chain with data",
        "chain with a condition",
        "ring",
        "fan out",
        "fan in",
        "grid",
        "layers",
        "ladder",
    ],
)
def test_every_node_runs_once_without_deep_recursion(graph, nodes):
    source = graph()
    limit = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(300)
        plan = compile_plan(load_graph(source))
        assert run(plan) == len(plan.nodes) == nodes
    finally:
        sys.setrecursionlimit(limit)


def test_default_error_handler_of_a_large_graph():
    graph = chain(5_000)
    graph.add_node("handler", **SCRIPT, default_error_node=True)
    plan = compile_plan(load_graph(graph))
    assert sum(len(node.error_links) for node in plan.nodes) == 5_000


def test_sub_graphs_many_levels_deep():
    graph = {"graph": {"id": "g"}, "nodes": [{"id": "x", **SCRIPT}]}
    for _ in range(20):
        inner = {"id": "s", "task_type": "graph", "task_identifier": graph}
        graph = {"graph": {"id": "g"}, "nodes": [inner]}
    assert len(compile_plan(load_graph(graph)).nodes) == 1


def test_many_sub_graphs():
    sub = {
        "graph": {"id": "g", "input_nodes": [{"id": "in", "node": "x"}]},
        "nodes": [{"id": "x", **SCRIPT}, {"id": "y", **SCRIPT}],
        "links": [{"source": "x", "target": "y"}],
    }
    count = 500
    nodes = [{"id": str(n), "task_type": "graph", "task_identifier": sub} for n in range(count)]
    links = [
        {"source": str(n), "target": str(n + 1), "sub_source": "y", "sub_target": "in"}
        for n in range(count - 1)
    ]
    plan = compile_plan(load_graph({"graph": {"id": "outer"}, "nodes": nodes, "links": links}))
    assert run(plan) == 2 * count
