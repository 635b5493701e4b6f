"""Make one measurement and print it as JSON; runs in the Python of a peer.

python measure.py '{"what": "graph", "subject": "ours", "shape": "fan", "size": {"size": 200}}'
"""

from __future__ import annotations

import contextlib
import importlib
import json
import resource
import statistics
import sys
import time
import warnings

from shapes import SHAPES
from subjects import MERGED, MODULES, SUBJECTS, end_outputs


def measure_graph(spec):
    """Execute a graph: seconds from the call to the result, the pool's life included."""
    graph, execute = _prepare(spec)
    started, begin, cpu = time.time(), time.perf_counter(), _cpu_seconds()
    result = execute(graph, **spec.get("options", {}))
    measured = {"seconds": time.perf_counter() - begin, "cpu": _cpu_seconds() - cpu}
    _check(spec, graph, result)
    if spec["shape"] == "single":
        measured["seconds"] = end_outputs(result, "only")["result"] - started
    return measured


def measure_warm(spec):
    """Execute a graph twice in one pool of ours: seconds of the second run."""
    from ewoksppf_core import open_pool

    graph, execute = _prepare(spec)
    with open_pool(**spec["options"]) as pool:
        execute(graph, pool=pool)
        begin = time.perf_counter()
        result = execute(graph, pool=pool)
        seconds = time.perf_counter() - begin
    _check(spec, graph, result)
    return {"seconds": seconds}


def measure_load(spec):
    """Prepare a graph of ours for its run: seconds and memory until the run begins."""
    graph, execute = _prepare(spec)
    memory = _resident()
    measured = {}

    def observe(event):
        if not measured:
            measured.update(seconds=time.perf_counter() - begin, memory=_resident() - memory)
            raise _EnoughError

    class _EnoughError(BaseException):
        pass

    begin = time.perf_counter()
    with contextlib.suppress(_EnoughError):
        execute(graph, observers=[observe], **spec["options"])
    return measured


def measure_payload(spec):
    """Hand arrays from task to task: seconds from the end of one task to the next."""
    graph, execute = _prepare(spec)
    result = execute(graph, **spec["options"])
    seconds = end_outputs(result, "last")["seconds"]
    assert len(seconds) == spec["size"]["size"] - 1
    # The first ones start the workers.
    return {"seconds": statistics.median(seconds[2:])}


def measure_import(spec):
    """Import a module after ewokscore: seconds on top of it."""
    begin = time.perf_counter()
    importlib.import_module("ewokscore")
    middle = time.perf_counter()
    importlib.import_module(spec["module"])
    end = time.perf_counter()
    return {"seconds": end - middle, "ewokscore": middle - begin}


def _prepare(spec):
    import bench_tasks  # noqa: F401  (a program has imported its tasks)

    for module in MODULES.get(spec["subject"], ()):
        importlib.import_module(module)
    return SHAPES[spec["shape"]](**spec.get("size", {})), SUBJECTS[spec["subject"]]


def _check(spec, graph, result):
    """Check that everything has been computed, as far as the peer tells."""
    shape, size = spec["shape"], spec.get("size", {}).get("size")
    if shape == "fan" and MERGED in result:
        assert 1 <= result[MERGED]["result"] <= size
    elif shape in ("fan", "chain"):
        assert end_outputs(result, f"n{size - 1}")["result"] == size
    elif shape == "loop":
        assert end_outputs(result, "last")["result"] == size


def _cpu_seconds():
    """CPU time of this process and of all workers that have ended."""
    total = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        total += usage.ru_utime + usage.ru_stime
    return total


def _resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


MEASUREMENTS = {
    "graph": measure_graph,
    "warm": measure_warm,
    "load": measure_load,
    "payload": measure_payload,
    "import": measure_import,
}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    specification = json.loads(sys.argv[1])
    measured = MEASUREMENTS[specification["what"]](specification)
    print("\n" + json.dumps(measured), flush=True)
