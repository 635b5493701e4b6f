"""Decide whether the conditions of a link hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import LinkError
from ..graph.plan import Condition, Name
from ..task.failure import message_of


def fulfilled(conditions: Iterable[Condition], outputs: Mapping[Name, Any], link: str) -> bool:
    """Tell whether all conditions hold; one on an absent output does not.

    :param outputs: values of the outputs.
    :param link: name of the link, for the error.
    :raises LinkError: a comparison raises or gives no truth value, as numpy arrays do.
    """
    for condition in conditions:
        if condition.output not in outputs:
            return False
        try:
            if not _holds(condition, outputs[condition.output]):
                return False
        except Exception as error:
            why = f"{type(error).__name__}: {message_of(error)}"
            raise LinkError(
                link, str(condition.output), f"cannot be compared with {condition.value!r}: {why}"
            ) from error
    return True


def _holds(condition: Condition, value: Any) -> bool:
    if value == condition.value:
        return True
    return condition.others is not None and not any(value == other for other in condition.others)
