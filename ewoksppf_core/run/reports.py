"""Tell observers, and those who listen to Ewoks events, what becomes of activations."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ewokscore.events import send_task_event
from ewokscore.node import get_task_identifier

from ..errors import WorkerLostError
from ..graph.plan import Plan
from .events import ActivationEvent, Observers, WorkerLost
from .scheduler import Activation


class Reports:
    """Knows who wants to know.

    :param plan: has the names of the nodes.
    :param observers: who is told what happens.
    :param execinfo: fields of the Ewoks events; None for no events.
    """

    def __init__(
        self, plan: Plan, observers: Observers, execinfo: Mapping[str, Any] | None
    ) -> None:
        self._plan = plan
        self._observers = observers
        self._execinfo = execinfo

    def tell(self, event: type[ActivationEvent], activation: Activation, **details: Any) -> None:
        """Tell the observers, if there are any.

        :param details: fields of the event; ``time`` is now if it is not given.
        """
        if self._observers:
            details.setdefault("time", time.time())
            label = self._plan.nodes[activation.node].label
            self._observers.tell(event(node=label, number=activation.number, **details))

    def tell_lost(self, error: WorkerLostError) -> None:
        """Tell the observers of a worker that died."""
        self._observers.tell(WorkerLost(time=time.time(), pid=error.pid, exitcode=error.exitcode))

    def send_end(self, activation: Activation, error: BaseException) -> None:
        """Send the Ewoks event that a worker cannot send: its task has ended."""
        if self._execinfo:
            node = self._plan.nodes[activation.node]
            send_task_event(
                execinfo=self._execinfo,
                event="end",
                node_id=node.label,
                task_id=get_task_identifier(dict(node.attrs), ""),
                exception=error,
            )
