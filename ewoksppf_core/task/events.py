"""Spare tasks the Ewoks events that nobody hears.

Making two events costs a trivial task more than its own work: the names of the user and the host
are looked up, and a thread which does that hands the interpreter over to another one.

Assumes: tasks of ewokscore send events with ``_send_event``, and read the job and the workflow that
they belong to from ``__execinfo``. Where they do not, a test fails.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ewokscore.events import global_state, node_context, send_task_event
from ewokscore.node import get_task_identifier

_application_logger = logging.getLogger(global_state.__name__)


def are_heard(execinfo: Mapping[str, Any]) -> bool:
    """Tell whether somebody listens to the events of tasks, in this process and now.

    :param execinfo: fields of the events, with the handlers that the user asked for.
    """
    return (
        bool(execinfo.get("handlers"))
        or bool(logging.getLogger(global_state.EWOKS_EVENT_LOGGER_NAME).handlers)
        or _application_logger.isEnabledFor(logging.INFO)
    )


@contextmanager
def sending_failures_only(
    task: Any, attrs: Mapping[str, Any], execinfo: Mapping[str, Any]
) -> Iterator[None]:
    """Keep a task from sending events, except for its end when it fails.

    A failure reaches the loggers of the application at a level which most of them show.

    :param task: an Ewoks task that was made without ``execinfo``, and is executed in this context.
    :param attrs: attributes of its node.
    :param execinfo: fields of its events.
    """

    def send(**event: Any) -> None:
        if event.get("event") == "start":
            task._Task__execinfo = execinfo
        elif event.get("exception") is not None:
            task_id = get_task_identifier(dict(attrs), task.class_registry_name())
            with node_context(execinfo, node_id=task.node_id, task_id=task_id) as fields:
                send_task_event(execinfo=fields, **event)

    task._send_event = send
    try:
        yield
    finally:
        del task._send_event  # which would keep the task, and its values, in a cycle
