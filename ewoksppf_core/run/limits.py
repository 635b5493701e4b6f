"""What a run allows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RunLimits:
    """What a run allows.

    :param timeout: seconds for the whole run; None for no limit.
    :param task_timeout: seconds for one activation, where the node attribute of that name says
        nothing else; None for no limit.
    :param worker_lost_retries: how often an activation is run again whose worker died.
    """

    timeout: float | None = None
    task_timeout: float | None = None
    worker_lost_retries: int = 0
