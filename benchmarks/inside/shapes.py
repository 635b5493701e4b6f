"""The graphs of all measurements; the same for every peer."""

from __future__ import annotations

ADD = "bench_tasks.Add"


def _node(name, task, **inputs):
    return {
        "id": name,
        "task_type": "class",
        "task_identifier": task,
        "default_inputs": [{"name": key, "value": value} for key, value in inputs.items()],
    }


def _link(source, target, mapping, **attributes):
    mapping = [{"source_output": output, "target_input": name} for output, name in mapping.items()]
    return {"source": source, "target": target, "data_mapping": mapping, **attributes}


def _graph(nodes, links):
    return {"graph": {"id": "benchmark"}, "nodes": nodes, "links": links}


def fan(size, task=ADD, first=0):
    """One node, and ``size`` nodes that depend on it and nothing else."""
    nodes = [_node("first", ADD, a=first)]
    nodes += [_node(f"n{i}", task, b=i) for i in range(size)]
    links = [_link("first", f"n{i}", {"result": "a"}) for i in range(size)]
    return _graph(nodes, links)


def burn(size, steps):
    """A fan of tasks that compute."""
    return fan(size, "bench_tasks.Burn", steps - 1)


def chain(size):
    """``size`` nodes, each of which depends on the one before."""
    nodes = [_node("n0", ADD, a=0, b=1)]
    nodes += [_node(f"n{i}", ADD, b=1) for i in range(1, size)]
    links = [_link(f"n{i}", f"n{i + 1}", {"result": "a"}) for i in range(size - 1)]
    return _graph(nodes, links)


def loop(size):
    """Two nodes in a loop that goes round ``size`` times."""
    nodes = [
        _node("first", ADD, a=0, b=0),
        _node("count", "bench_tasks.Count", limit=size),
        _node("again", ADD, b=0),
        _node("last", ADD, b=0),
    ]
    more = {"source_output": "more", "value": True}
    enough = {"source_output": "more", "value": False}
    links = [
        _link("first", "count", {"result": "a"}),
        _link("count", "again", {"result": "a"}, conditions=[more]),
        _link("again", "count", {"result": "a"}),
        _link("count", "last", {"result": "a"}, conditions=[enough]),
    ]
    return _graph(nodes, links)


def relay(size, megabytes):
    """A chain of ``size`` nodes, each of which hands on a big array."""
    mapping = {"array": "array", "sent": "sent", "seconds": "seconds"}
    nodes = [_node(f"n{i}", "bench_tasks.Relay", megabytes=megabytes) for i in range(size)]
    nodes.append(_node("last", "bench_tasks.Collect"))
    links = [_link(f"n{i}", f"n{i + 1}", mapping) for i in range(size - 1)]
    links.append(_link(f"n{size - 1}", "last", {"seconds": "seconds"}))
    return _graph(nodes, links)


def single():
    """One node."""
    return _graph([_node("only", "bench_tasks.Stamp")], [])


SHAPES = {
    "fan": fan,
    "burn": burn,
    "chain": chain,
    "loop": loop,
    "relay": relay,
    "single": single,
}
