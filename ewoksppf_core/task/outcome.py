"""What a run tells a worker about an activation, and what it hears of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .failure import PackedException


@dataclass(frozen=True)
class RunInfo:
    """What all activations of a run have in common.

    :param varinfo: arguments of the variables: persistence.
    :param execinfo: fields of the Ewoks events; None for no events.
    :param task_options: further arguments of every task.
    :param store: folder in shared memory for big values; None for none.
    """

    varinfo: Mapping[str, Any] | None
    execinfo: Mapping[str, Any] | None
    task_options: Mapping[str, Any] | None
    store: str | None = None


@dataclass(frozen=True)
class NodeInfo:
    """What all activations of a node have in common.

    :param label: what the user calls the node; also its id in Ewoks events.
    :param attrs: attributes of the node.
    :param wanted: outputs that are sent back; None for all.
    """

    label: str
    attrs: Mapping[str, Any]
    wanted: frozenset[Any] | None


@dataclass(frozen=True)
class Failure:
    """An exception and its traceback text.

    :param exception: the exception, packed when it comes from another process.
    :param traceback: formatted traceback.
    """

    exception: BaseException | PackedException
    traceback: str

    def unpack(self) -> BaseException:
        """Return the exception."""
        if isinstance(self.exception, PackedException):
            return self.exception.unpack()
        return self.exception


@dataclass(frozen=True)
class Outcome:
    """What became of an activation.

    :param outputs: values or parcels by name; None after a failure.
    :param failure: the failure; None after a success.
    :param pid: process which ran it.
    :param started: when it began, in seconds since the epoch.
    :param finished: when it ended.
    """

    outputs: Mapping[Any, Any] | None
    failure: Failure | None
    pid: int
    started: float
    finished: float
