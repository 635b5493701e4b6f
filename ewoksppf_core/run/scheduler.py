"""When nodes run and with what: a pure state machine over a plan.

Facts go in (the run starts, an activation succeeded or failed), activations that are now due come
out. There is no I/O, no thread and no clock in here, so that a run is a function of the order of
completions. The values that travel are opaque: only conditions look at values, which the caller
provides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ..errors import LinkError
from ..graph.plan import Link, Name, Plan
from ..task.parcel import Bundle
from .conditions import fulfilled
from .mailbox import Data, Mailbox


@dataclass(frozen=True, slots=True, eq=False)
class Activation:
    """One execution of one node.

    :param node: index of the node.
    :param number: this is the n-th execution of that node in this run, from 0.
    :param inputs: dynamic inputs by name.
    """

    node: int
    number: int
    inputs: Mapping[Name, Any]


class Step(NamedTuple):
    """What follows from a success.

    :param due: the activations that are due because of it.
    :param ended: no link delivered: this branch of the run ends here.
    """

    due: list[Activation]
    ended: bool


class Scheduler:
    """Decides which activations are due.

    :param plan: what to run.
    :param start: dynamic inputs of every start node.
    """

    def __init__(self, plan: Plan, start: Data | None = None) -> None:
        self._plan = plan
        self._start = dict(start or {})
        self._mailboxes: dict[int, Mailbox] = {}
        self._activated: dict[int, int] = {}

    def start(self) -> list[Activation]:
        """Trigger the start nodes; call it once, first."""
        for node in self._plan.start:
            if self._plan.nodes[node].predecessors:
                self._mailbox(node).trigger(self._start)
        due: list[Activation] = []
        for node in self._plan.start:
            due.extend(self._due(node))
        return due

    def succeed(
        self,
        activation: Activation,
        outputs: Mapping[Name, Any],
        compared: Mapping[Name, Any] | None = None,
    ) -> Step:
        """Deliver the outputs of an activation on the links whose conditions hold.

        :param outputs: the outputs, opaque.
        :param compared: the values of those outputs that conditions look at.
        :raises LinkError: the outputs do not fit a link. Nothing has been delivered then: the
            activation is to be reported as failed.
        """
        plan = self._plan
        deliveries = []
        for number in plan.nodes[activation.node].links:
            link = plan.links[number]
            if link.conditions and not fulfilled(
                link.conditions, compared or {}, plan.link_name(link)
            ):
                continue
            deliveries.append((link, self._map(link, outputs)))
        return Step(self._deliver(deliveries), ended=not deliveries)

    def fail(self, activation: Activation, error: Mapping[Name, Any]) -> list[Activation] | None:
        """Deliver an error on the on_error links of the node.

        :param error: what the links deliver besides the activation's inputs.
        :returns: the activations that are due because of it, or None when nothing handles the
            error: there is no such link, or one wants something which is not there.
        """
        plan = self._plan
        numbers = plan.nodes[activation.node].error_links
        if not numbers:
            return None
        payload = {**activation.inputs, **error}
        try:
            deliveries = [
                (plan.links[number], self._map(plan.links[number], payload)) for number in numbers
            ]
        except LinkError:
            return None
        return self._deliver(deliveries)

    def _map(self, link: Link, outputs: Mapping[Name, Any]) -> Data:
        if link.map_all_data:
            return outputs
        data: dict[Name, Any] = {}
        for output, name in link.mapping:
            if output is None:
                data[name] = Bundle(outputs)
            elif output in outputs:
                data[name] = outputs[output]
            else:
                raise LinkError(
                    self._plan.link_name(link), str(output), "is not an output of the source node"
                )
        return data

    def _deliver(self, deliveries: Iterable[tuple[Link, Data]]) -> list[Activation]:
        # All deliveries come before any of their consequences, so that a fast target cannot
        # overtake: its next activation always sees everything that one completion delivered.
        deliveries = list(deliveries)
        for link, data in deliveries:
            self._mailbox(link.target).deliver(link, data)
        due: list[Activation] = []
        for link, _ in deliveries:
            due.extend(self._due(link.target))
        return due

    def _due(self, node: int) -> list[Activation]:
        if not self._plan.nodes[node].predecessors:
            return [self._activate(node, self._start)]
        due = [self._activate(node, inputs) for inputs in self._mailbox(node).activations()]
        if due and self._plan.nodes[node].once:
            del self._mailboxes[node]  # nothing will come any more: let go of the values
        return due

    def _activate(self, node: int, inputs: Data) -> Activation:
        number = self._activated.get(node, 0)
        self._activated[node] = number + 1
        return Activation(node, number, inputs)

    def _mailbox(self, node: int) -> Mailbox:
        mailbox = self._mailboxes.get(node)
        if mailbox is None:
            mailbox = self._mailboxes[node] = Mailbox(self._plan.nodes[node])
        return mailbox
