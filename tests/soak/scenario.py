"""A random workflow on a random pool with random faults, and what must come out of it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import soak_tasks

IN_PROCESS = ("thread", "gevent")
PROCESSES = ("process", "ndprocess", "multiprocessing", "ndmultiprocessing", "billiard")
POOL_TYPES = (*IN_PROCESS, *PROCESSES)

LIMIT = 0.3
"""Seconds that a node of limited time gets."""

LONG = 1.5
"""Seconds that it would take."""

HARMLESS = ("number", "number", "number", "array", "text")
DEATHS = ("exit", "kill", "crash")
STOPS = ("soft stop", "forced stop", "timeout", "interrupt", "signal", "forced signal")


@dataclass
class Step:
    """A node.

    :param what: what it does.
    :param sources: nodes whose values it needs.
    :param handles: the node whose failure it waits for.
    """

    name: str
    what: str
    seconds: float
    sources: list[str]
    handles: str | None = None
    limited: bool = False


@dataclass
class Scenario:
    """One run.

    :param stop: how it is stopped from outside, None when it is not.
    :param stop_after: seconds.
    :param kills: times in seconds at which somebody kills a worker.
    """

    pool_type: str
    steps: dict[str, Step]
    options: dict[str, Any]
    retries: int
    stop: str | None
    stop_after: float
    kills: list[float] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """Kinds of the faults that are injected."""
        kinds = [step.what for step in self.steps.values() if step.what not in HARMLESS]
        kinds += ["task_timeout" for step in self.steps.values() if step.limited]
        kinds += ["kill from outside"] * len(self.kills)
        return kinds + ([self.stop] if self.stop else [])

    def graph(self, folder: str) -> dict[str, Any]:
        """Return the graph."""
        nodes, links = [], []
        for step in self.steps.values():
            inputs = {
                "folder": folder,
                "name": step.name,
                "what": step.what,
                "seconds": step.seconds,
                "own_inputs": self.pool_type in PROCESSES,
            }
            node = {
                "id": step.name,
                "task_type": "method",
                "task_identifier": "soak_tasks.step",
                "default_inputs": [{"name": k, "value": v} for k, v in inputs.items()],
            }
            if step.limited:
                node["task_timeout"] = LIMIT
            nodes.append(node)
            for source in step.sources:
                mapping = [{"source_output": "return_value", "target_input": f"x{source}"}]
                links.append({"source": source, "target": step.name, "data_mapping": mapping})
            if step.handles:
                links.append({"source": step.handles, "target": step.name, "on_error": True})
        return {"graph": {"id": "soak"}, "nodes": nodes, "links": links}

    def outcome(self, lost: set[str]) -> tuple[dict[str, Any], set[str]]:
        """Return the values of the nodes that succeed, and the names of those that fail.

        :param lost: nodes whose worker was killed from outside.
        """
        values: dict[str, Any] = {}
        failed: set[str] = set()
        for step in self.steps.values():  # in topological order
            ready = all(source in values for source in step.sources)
            if step.handles:
                ready = step.handles in failed
            if not ready:
                continue
            fails = step.limited or step.what in ("raise", "fork", *DEATHS)
            if fails or step.name in lost:
                failed.add(step.name)
                continue
            inputs = {name: values[name] for name in step.sources}
            values[step.name] = soak_tasks.expected_value(step.name, step.what, inputs)
        return values, failed


def make_scenario(seed: str, pool_type: str, alone: bool) -> Scenario:
    """Return a random scenario.

    :param alone: nothing else runs in this process meanwhile.
    """
    rng = random.Random(seed)
    processes = pool_type in PROCESSES
    steps = _steps(rng, processes)
    options: dict[str, Any] = {}
    if rng.random() < 0.5:
        options |= {"scaling_workers": False, "max_workers": rng.choice([1, 2, 3, 6])}
    if processes and rng.random() < 0.15:
        options["context"] = rng.choice(["spawn", "forkserver"])
    stop = rng.choice(STOPS) if rng.random() < 0.35 else None
    if not alone and stop in ("interrupt", "signal", "forced signal"):
        stop = "forced stop"
    kills = []
    if processes and rng.random() < 0.35:
        kills = sorted(rng.uniform(0, 0.6) for _ in range(rng.randint(1, 4)))
    return Scenario(
        pool_type=pool_type,
        steps=steps,
        options=options,
        retries=rng.choice([0, 0, 1, 3]),
        stop=stop,
        stop_after=rng.choice([0.0, rng.uniform(0, 0.2), rng.uniform(0, 0.8)]),
        kills=kills,
    )


def _steps(rng: random.Random, processes: bool) -> dict[str, Step]:
    steps: dict[str, Step] = {}
    names: list[str] = []
    faulty = rng.random() < 0.6
    for number in range(rng.choice([1, 3, 8, 20, 40])):
        name = f"n{number}"
        sources = rng.sample(names, min(len(names), rng.choice([0, 1, 1, 2, 3])))
        step = Step(name, rng.choice(HARMLESS), rng.choice([0, 0, 0.005, 0.05]), sources)
        if faulty and rng.random() < 0.15:
            _spoil(rng, step, processes)
        steps[name] = step
        names.append(name)
        if (step.limited or step.what not in HARMLESS) and rng.random() < 0.5:
            steps[f"h{name}"] = Step(f"h{name}", "number", 0.0, [], handles=name)
    return steps


def _spoil(rng: random.Random, step: Step, processes: bool) -> None:
    kinds = ["raise", "limited"]
    if processes:
        kinds += [*DEATHS, "fork", "insist"]
    kind = rng.choice(kinds)
    if kind in ("limited", "insist"):
        step.limited, step.seconds = True, LONG
    if kind == "fork":
        step.seconds = LONG
    if kind != "limited":
        step.what = kind
