"""Represent any value with what JSON knows.

======================================  ==========================================================
value                                   in JSON
======================================  ==========================================================
None, bool, int, str, finite float      itself
nan, inf                                "NaN", "Infinity", "-Infinity"
dict                                    object; keys that are tuples (node ids in sub-graphs)
                                        become the text of a JSON list
list, tuple, set, frozenset             list
numpy scalar                            number
numpy array                             nested lists; above :data:`MAX_ELEMENTS` an object with
                                        ``type``, ``dtype`` and ``shape``
path, date, time, enum                  string, ISO 8601 string, value of the enum
exception                               object with ``type``, ``message`` and ``cause``
anything else                           object with ``type`` and ``repr``
======================================  ==========================================================
"""

from __future__ import annotations

import datetime
import enum
import json
import math
import sys
from collections.abc import Hashable
from pathlib import PurePath
from typing import Any

MAX_ELEMENTS = 10_000
"""Bigger arrays are described, not written."""

MAX_DEPTH = 100
"""Deeper values are described, not written."""

_MAX_REPR = 1000


def jsonable(value: Any, _parents: tuple[int, ...] = ()) -> Any:
    """Return a representation of a value which :func:`json.dumps` turns into valid JSON."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, enum.Enum):
        return jsonable(value.value, _parents)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return _float(float(value))
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, BaseException):
        return describe_exception(value)
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray | numpy.generic):
        return _array(value, _parents)
    if id(value) in _parents or len(_parents) > MAX_DEPTH:
        return _object(value)
    parents = (*_parents, id(value))
    if isinstance(value, dict):
        return _mapping(value, parents)
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(item, parents) for item in value]
    return _object(value)


def describe_exception(error: BaseException) -> dict[str, Any]:
    """Return type, message and cause of an exception."""
    described: dict[str, Any] = {"type": type_name(error), "message": message(error)}
    if error.__cause__ is not None:
        described["cause"] = {
            "type": type_name(error.__cause__),
            "message": message(error.__cause__),
        }
    return described


def type_name(value: object) -> str:
    """Return the name of the type of a value, with its module unless it is a builtin."""
    kind = type(value)
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def message(error: BaseException) -> str:
    """Return the message of an exception, even of one that raises when printed."""
    try:
        return str(error)
    except Exception:
        return "<message not printable>"


def _float(value: float) -> float | str:
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _array(value: Any, parents: tuple[int, ...]) -> Any:
    if value.size > MAX_ELEMENTS:
        return {
            "type": type_name(value),
            "dtype": str(value.dtype),
            "shape": list(value.shape),
        }
    plain = value.tolist()
    if type(plain) is type(value):  # a scalar that Python has no type for
        return _object(value)
    return jsonable(plain, parents)


def _mapping(value: dict[Any, Any], parents: tuple[int, ...]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, item in value.items():
        name = key_text(key)
        result[name if name not in result else _repr(key)] = jsonable(item, parents)
    return result


def key_text(key: Hashable) -> str:
    """Return a key of a dictionary, or a node id, as text."""
    shown = jsonable(key)
    if isinstance(shown, str):
        return shown
    return _repr(key) if isinstance(shown, dict) else json.dumps(shown)


def _object(value: object) -> dict[str, str]:
    return {"type": type_name(value), "repr": _repr(value)}


def _repr(value: object) -> str:
    try:
        text = repr(value)
    except Exception as error:
        return f"<repr failed: {type(error).__name__}>"
    return text if len(text) <= _MAX_REPR else f"{text[:_MAX_REPR]}..."
