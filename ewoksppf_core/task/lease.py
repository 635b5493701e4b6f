"""Inputs in shared memory are kept for a worker until it has mapped them, and no longer.

A file whose name is gone stays as long as somebody has mapped it. So once a worker has unpacked its
inputs, their memory goes when the worker lets go of them, which is before it writes its outputs,
provided that nobody else needs them.

Guarantees:

* Inputs are kept until the worker says that it has them, or until the lease goes, whatever comes
  first. A worker need not say anything.
* A worker speaks to its parent alone: a process that a task forks stays silent, and a token means
  nothing in another process than the one that gave it.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .parcel import Bundle, Parcel

GIVEN_BACK = b"I"
"""First byte of a message that says that a worker has its inputs; pickles begin with another."""

_numbers = itertools.count()
_send: Callable[[bytes], None] | None = None


@dataclass(eq=False)
class Lease:
    """The inputs of an activation; a copy of it travels to the worker.

    Whoever may have to send it again keeps the lease, and so no more than is needed.

    :param inputs: parcels by name; none any more when the worker has them.
    :param token: by which the worker speaks of it.
    """

    inputs: Mapping[Any, Any]
    token: bytes


_leases: weakref.WeakValueDictionary[bytes, Lease] = weakref.WeakValueDictionary()


def start_lease(inputs: Mapping[Any, Any]) -> Lease:
    """Lend inputs to a worker; they go when nobody else here refers to them."""
    lease = Lease(inputs, b"%d-%d" % (os.getpid(), next(_numbers)))
    _leases[lease.token] = lease
    return lease


def give_back(lease: Lease) -> None:
    """Tell the parent of this worker, if it listens, that the inputs have been mapped."""
    if _send is not None:
        with contextlib.suppress(OSError):  # the parent is gone
            _send(GIVEN_BACK + lease.token)


def take_back(message: bytes) -> None:
    """Let go of the inputs of which a worker speaks, if they are still here."""
    lease = _leases.get(message[len(GIVEN_BACK) :])
    if lease is not None:
        lease.inputs = {}


def speak_to_parent(send: Callable[[bytes], None] | None) -> None:
    """Make this process a worker whose parent listens.

    :param send: sends a message to the parent; None for nobody who listens.
    """
    global _send
    _send = send


def need_memory(inputs: Mapping[Any, Any]) -> bool:
    """Tell whether inputs are in shared memory as long as somebody refers to them."""
    return any(map(_needs_memory, inputs.values()))


def _needs_memory(value: Any) -> bool:
    if isinstance(value, Bundle):
        return need_memory(value)
    return isinstance(value, Parcel) and value.segment is not None


os.register_at_fork(after_in_child=lambda: speak_to_parent(None))
