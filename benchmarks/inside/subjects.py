"""How each peer runs a graph: ``SUBJECTS[kind](graph, **options)`` gives the outputs of end nodes.

All give them by node, but upstream, which can only merge them: ``end_outputs`` takes either.

The bare executors know no graphs. They get the tasks one after another as a careful programmer
would hand them in: what does not depend on each other at once, a chain step by step.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial

MERGED = object()


def end_outputs(result, name):
    """Return the outputs of an end node."""
    return result[MERGED] if MERGED in result else result[name]


def run_task(node_id, attributes, inputs):
    """Execute one task, in the way all Ewoks engines do."""
    from ewokscore.inittask import instantiate_task

    task = instantiate_task(node_id, attributes, inputs=inputs)
    task.execute()
    return task.get_output_transfer_data()


def ours(graph, **options):
    from ewoksppf_core import execute_graph

    return execute_graph(graph, merge_outputs=False, **options)


def upstream(graph, **options):
    from ewoksppf import execute_graph

    return {MERGED: execute_graph(graph, **options)}


def dask_engine(graph, **options):
    from ewoksdask import execute_graph

    return execute_graph(graph, merge_outputs=False, **options)


def sequential(graph):
    from ewokscore import execute_graph

    return execute_graph(graph, merge_outputs=False)


def bare_loop(graph):
    """No executor at all."""
    results = {}
    for node, source, mapping in _tasks(graph):
        results[node["id"]] = run_task(node["id"], node, _inputs(results.get(source), mapping))
    return results


def bare_threads(graph, workers):
    with ThreadPoolExecutor(workers) as executor:
        return _run_bare(graph, executor)


def bare_processes(graph, workers, context=None):
    import multiprocessing

    with ProcessPoolExecutor(workers, multiprocessing.get_context(context)) as executor:
        return _run_bare(graph, executor)


def bare_loky(graph, workers):
    import loky

    with loky.ProcessPoolExecutor(workers) as executor:
        return _run_bare(graph, executor)


def bare_dask(graph, scheduler, workers, **options):
    import dask
    import dask.multiprocessing
    import dask.threaded

    tasks = {
        node["id"]: (partial(_dask_task, node, mapping), source)
        if source
        else (partial(_dask_task, node, mapping),)
        for node, source, mapping in _tasks(graph)
    }
    get = {"threads": dask.threaded.get, "processes": dask.multiprocessing.get}[scheduler]
    config = {"multiprocessing.context": options.pop("context", "fork")}
    with dask.config.set(config):
        results = get(tasks, list(tasks), num_workers=workers, **options)
    return dict(zip(tasks, results, strict=True))


def _dask_task(node, mapping, source=None):
    return run_task(node["id"], node, _inputs(source, mapping))


def _run_bare(graph, executor):
    results = {}
    waiting = {}
    for node, source, mapping in _tasks(graph):
        if source in waiting:
            results[source] = waiting.pop(source).result()
        inputs = _inputs(results.get(source), mapping)
        waiting[node["id"]] = executor.submit(run_task, node["id"], node, inputs)
    results.update({name: future.result() for name, future in waiting.items()})
    return results


def _tasks(graph):
    """Yield each node with its one source, in an order in which they can run."""
    sources = {link["target"]: link for link in graph["links"]}
    for node in graph["nodes"]:
        link = sources.get(node["id"], {})
        mapping = link.get("data_mapping", ())
        names = {item["source_output"]: item["target_input"] for item in mapping}
        yield node, link.get("source"), names


def _inputs(values, mapping):
    return {name: values[output] for output, name in mapping.items()}


SUBJECTS = {
    "ours": ours,
    "upstream": upstream,
    "dask_engine": dask_engine,
    "sequential": sequential,
    "bare_loop": bare_loop,
    "bare_threads": bare_threads,
    "bare_processes": bare_processes,
    "bare_loky": bare_loky,
    "bare_dask": bare_dask,
}

MODULES = {
    "ours": ["ewoksppf_core"],
    "upstream": ["ewoksppf"],
    "dask_engine": ["ewoksdask"],
    "bare_loky": ["loky"],
    "bare_dask": ["dask.multiprocessing", "dask.threaded"],
}
"""What a program would have imported before it runs anything."""
