"""Refuse attributes that mean nothing, before anything runs."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import networkx
from ewokscore.inittask import task_executable_info
from ewokscore.node import get_node_label
from ewokscore.task import Task

from ..errors import GraphError, did_you_mean

TASK_TYPES = ("class", "generated", "method", "notebook", "ppfmethod", "ppfport", "script")

_IMPORTED_TASK_TYPES = {"class", "method", "ppfmethod"}

_Check = Callable[[Any], bool]


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_seconds(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


_NAMES = ("name", "source_output", "target_input")


def _is_items(*keys: str) -> _Check:
    def check_item(item: Any) -> bool:
        return (
            isinstance(item, Mapping)
            and item.keys() >= set(keys)
            and all(isinstance(item[key], str | int) for key in keys if key in _NAMES)
            and isinstance(item.get("source_output"), str | int | None)
        )

    def check(value: Any) -> bool:
        return isinstance(value, list | tuple) and all(map(check_item, value))

    return check


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


_NODE_ATTRIBUTES: dict[str, tuple[_Check, str]] = {
    "default_inputs": (_is_items("name", "value"), "a list of {name, value}"),
    "default_error_attributes": (_is_mapping, "a dictionary"),
    "default_error_node": (_is_bool, "true or false"),
    "force_start_node": (_is_bool, "true or false"),
    "task_timeout": (_is_seconds, "a number of seconds"),
    "varinfo": (_is_mapping, "a dictionary"),
}

_LINK_ATTRIBUTES: dict[str, tuple[_Check, str]] = {
    "data_mapping": (_is_items("target_input"), "a list of {source_output, target_input}"),
    "map_all_data": (_is_bool, "true or false"),
    "conditions": (_is_items("source_output", "value"), "a list of {source_output, value}"),
    "on_error": (_is_bool, "true or false"),
    "required": (_is_bool, "true, false or null"),
    "cache_if_optional": (_is_bool, "true or false"),
}

_EXCLUSIVE = (("map_all_data", "data_mapping"), ("on_error", "conditions"))


def check_node_attributes(graph: networkx.DiGraph) -> None:
    """Check that the attributes of every node can be used.

    :raises GraphError: naming the node, the attribute and the value.
    """
    for node, attrs in graph.nodes.items():
        _check_attributes(attrs, _NODE_ATTRIBUTES, f"node {get_node_label(node, attrs)!r}")


def check_tasks(graph: networkx.DiGraph) -> None:
    """Check that every node says what to execute.

    :raises GraphError: naming the node, the attribute and the value.
    """
    known_tasks: set[str] = set()
    for node, attrs in graph.nodes.items():
        where = f"node {get_node_label(node, attrs)!r}"
        task_type = attrs.get("task_type")
        if "task_type" in attrs and task_type not in TASK_TYPES:
            raise GraphError(
                f"unknown task_type {task_type!r}{did_you_mean(str(task_type), TASK_TYPES)} "
                f"Task types are: {', '.join(TASK_TYPES)}, graph.",
                where,
            )
        _check_task(node, attrs, where, known_tasks)


def check_links(graph: networkx.DiGraph) -> None:
    """Check that the attributes of every link can be used.

    :raises GraphError: naming the link, the attribute and the value.
    """
    for (source, target), attrs in graph.edges.items():
        where = f"link {source!r} -> {target!r}"
        _check_attributes(attrs, _LINK_ATTRIBUTES, where)
        for one, other in _EXCLUSIVE:
            if attrs.get(one) and attrs.get(other):
                raise GraphError(f"{one!r} and {other!r} exclude each other: remove one", where)


def check_feeders(graph: networkx.DiGraph, required: set[tuple[Hashable, Hashable]]) -> None:
    """Check that no two required links feed the same input.

    :param required: the required links.
    :raises GraphError: naming the input and both links.
    """
    feeders: dict[tuple[Hashable, Any], Hashable] = {}
    for (source, target), attrs in graph.edges.items():
        if (source, target) not in required:
            continue
        for item in attrs.get("data_mapping") or ():
            name = item["target_input"]
            first = feeders.setdefault((target, name), source)
            if first != source:
                raise GraphError(
                    f"input {name!r} already comes from the required link {first!r} -> {target!r}",
                    f"link {source!r} -> {target!r}",
                )


def _check_attributes(
    attrs: Mapping[str, Any], checks: Mapping[str, tuple[_Check, str]], where: str
) -> None:
    for name, (accepts, expected) in checks.items():
        value = attrs.get(name)
        if value is not None and not accepts(value):
            raise GraphError(f"{name}={value!r}: {expected} is expected", where)


def _check_task(node: Hashable, attrs: dict[str, Any], where: str, known: set[str]) -> None:
    try:
        task_type, _ = task_executable_info(node, attrs)
    except ValueError as error:
        raise GraphError(str(error), where) from error
    identifier = attrs.get("task_generator" if task_type == "generated" else "task_identifier")
    if task_type == "ppfport":
        return
    if not isinstance(identifier, str):
        raise GraphError(f"task_identifier={identifier!r}: a string is expected", where)
    if task_type not in {*_IMPORTED_TASK_TYPES, "generated"} or identifier in known:
        return
    known.add(identifier)
    is_class = task_type == "class"
    if not (is_class and _is_registered(identifier)) and (problem := _find(identifier)):
        raise GraphError(f"unknown task {identifier!r}: {problem}", where)


def _is_registered(identifier: str) -> bool:
    names = Task.get_subclass_names()
    return identifier in names or any(name.endswith(f".{identifier}") for name in names)


def _find(identifier: str) -> str:
    """Say why an identifier cannot be imported; empty when it can, or when one cannot know.

    The module itself is not imported: only workers do that, when they need it.
    """
    separator = "::" if "::" in identifier else "."
    module_name, _, name = identifier.rpartition(separator)
    if not module_name:
        return "an importable name like package.module.name is expected"
    if separator == "::" and module_name.endswith(".py"):
        if not os.path.isfile(module_name):
            return f"there is no file {module_name!r}"
        return _find_in_source(module_name, module_name, name)
    if module_name in sys.modules:
        module = sys.modules[module_name]
        if hasattr(module, name):
            return ""
        return f"module {module_name!r} has no {name!r}{did_you_mean(name, vars(module))}"
    if "" not in sys.path:
        sys.path.insert(0, "")  # Ewoks imports from the working directory too
    try:
        spec = importlib.util.find_spec(module_name)
    except ModuleNotFoundError as error:
        return f"{error}. Is its package installed here?"
    except Exception as error:  # a package that breaks when it is imported
        return f"importing its package fails: {type(error).__name__}: {error}"
    if spec is None:
        return f"there is no module {module_name!r}. Is its package installed here?"
    return _find_in_source(spec.origin, module_name, name)


def _find_in_source(origin: str | None, module_name: str, name: str) -> str:
    if origin is None or not origin.endswith(".py"):
        return ""
    with open(origin, encoding="utf-8", errors="replace") as file:
        source = file.read()
    is_dynamic = re.search(r"import \*|__getattr__|globals\(|setattr\(|exec\(", source)
    if is_dynamic or re.search(rf"\b{re.escape(name)}\b", source):
        return ""
    words = set(re.findall(r"^(?:class|def|async def)\s+(\w+)|^(\w+)\s*=", source, re.MULTILINE))
    return f"module {module_name!r} has no {name!r}{did_you_mean(name, {a or b for a, b in words})}"
