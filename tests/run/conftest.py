"""Play a run by hand: complete activations one by one, and look at what is due."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from ewoksppf_core.graph.compile import compile_plan
from ewoksppf_core.graph.load import load_graph
from ewoksppf_core.graph.plan import Plan
from ewoksppf_core.run.scheduler import Activation, Scheduler

ERROR = {"WorkflowException": "what", "WorkflowExceptionInstance": "who"}

Due = list[tuple[str, dict[Any, Any]]]


def plan_of(
    nodes: Mapping[str, Mapping[str, Any]] | Iterable[str],
    links: Iterable[tuple[str, str, Mapping[str, Any]]],
) -> Plan:
    """Compile a graph whose nodes are scripts unless they say otherwise."""
    described = nodes if isinstance(nodes, Mapping) else {node: {} for node in nodes}
    script = {"task_type": "script", "task_identifier": "true"}
    graph = load_graph(
        {
            "graph": {"id": "graph"},
            "nodes": [{"id": node, **script, **attrs} for node, attrs in described.items()],
            "links": [{"source": s, "target": t, **attrs} for s, t, attrs in links],
        }
    )
    return compile_plan(graph)


class Play:
    """A run whose tasks the test completes.

    :param start: start arguments.
    """

    def __init__(self, nodes: Any, links: Any = (), start: Any = None) -> None:
        self.plan = plan_of(nodes, links)
        self.scheduler = Scheduler(self.plan, start)
        self.open: dict[tuple[str, int], Activation] = {}
        self.ended: list[str] = []

    def start(self) -> Due:
        return self._seen(self.scheduler.start())

    def done(self, node: str, number: int = 0, /, **outputs: Any) -> Due:
        """Complete an activation; the values are their own wire form."""
        activation = self.open.pop((node, number))
        compared = dict(outputs)
        if self.plan.nodes[activation.node].is_ppf:
            compared |= outputs.get("_ppfdict", {})
        step = self.scheduler.succeed(activation, outputs, compared)
        if step.ended:
            self.ended.append(node)
        return self._seen(step.due)

    def fail(self, node: str, number: int = 0, /) -> Due | None:
        due = self.scheduler.fail(self.open.pop((node, number)), ERROR)
        return None if due is None else self._seen(due)

    def _seen(self, due: list[Activation]) -> Due:
        seen = []
        for activation in due:
            label = self.plan.nodes[activation.node].label
            assert (label, activation.number) not in self.open
            self.open[label, activation.number] = activation
            seen.append((label, dict(activation.inputs)))
        return seen


@pytest.fixture(scope="session")
def play() -> type[Play]:
    return Play


@pytest.fixture(scope="session")
def make_plan() -> Any:
    return plan_of


@pytest.fixture(scope="session")
def error() -> dict[str, str]:
    return ERROR
