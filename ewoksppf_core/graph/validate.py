"""Refuse attributes that mean nothing, before anything runs."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import sys
import threading
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import networkx
from ewokscore.inittask import TASK_EXECUTABLE_ATTRIBUTE_ALL, task_executable_info
from ewokscore.task import Task

from ..errors import GraphError, did_you_mean
from .analysis import predecessors
from .names import node_label

TASK_TYPES = ("class", "generated", "method", "notebook", "ppfmethod", "ppfport", "script")

MAPPING = (dict, Mapping)
"""For ``isinstance``, which takes ten times as long to ask the abstract class alone."""

LIST = (list, tuple)
"""For ``isinstance``, which takes three times as long to ask ``list | tuple``."""

_NAME = (str, int)
_OPTIONAL_NAME = (str, int, type(None))

_IDENTIFIED_TASK_TYPES = ("class", "method", "ppfmethod", "script", "notebook", "graph")
_IMPORTED_TASK_TYPES = ("class", "method", "ppfmethod", "generated")
_DEPRECATED_KEYS = frozenset(TASK_EXECUTABLE_ATTRIBUTE_ALL) - {"task_type"}

_Check = Callable[[Any], bool]


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_seconds(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 < value <= threading.TIMEOUT_MAX


def _is_items(name: str, other: str = "") -> _Check:
    def check(value: Any) -> bool:
        if not isinstance(value, LIST):
            return False
        for item in value:
            if not isinstance(item, MAPPING) or not isinstance(item.get(name), _NAME):
                return False
            if not isinstance(item.get("source_output"), _OPTIONAL_NAME):
                return False
            if other and other not in item:
                return False
        return True

    return check


def _is_mapping(value: Any) -> bool:
    return isinstance(value, MAPPING)


NODE_ATTRIBUTES: dict[str, tuple[_Check, str]] = {
    "default_inputs": (_is_items("name", "value"), "a list of {name, value}"),
    "default_error_attributes": (_is_mapping, "a dictionary"),
    "default_error_node": (_is_bool, "true or false"),
    "force_start_node": (_is_bool, "true or false"),
    "task_timeout": (
        _is_seconds,
        f"a number of seconds above 0 and up to {threading.TIMEOUT_MAX:.0f}",
    ),
    "varinfo": (_is_mapping, "a dictionary"),
}

LINK_ATTRIBUTES: dict[str, tuple[_Check, str]] = {
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
    for node, attrs in graph.nodes.data():
        if problem := _problem(attrs, NODE_ATTRIBUTES):
            raise GraphError(problem, _node_name(node, attrs))


def check_tasks(graph: networkx.DiGraph) -> None:
    """Check that every node says what to execute.

    :raises GraphError: naming the node, the attribute and the value.
    """
    found: set[str] = set()
    for node, attrs in graph.nodes.data():
        task_type = attrs.get("task_type")
        if task_type not in TASK_TYPES and "task_type" in attrs:
            raise GraphError(
                f"unknown task_type {task_type!r}{did_you_mean(str(task_type), TASK_TYPES)} "
                f"Task types are: {', '.join(TASK_TYPES)}, graph.",
                _node_name(node, attrs),
            )
        task_type = task_type_of(node, attrs)
        if task_type == "ppfport":
            continue
        identifier = attrs["task_generator" if task_type == "generated" else "task_identifier"]
        if not isinstance(identifier, str):
            raise GraphError(
                f"task_identifier={identifier!r}: a string is expected", _node_name(node, attrs)
            )
        if identifier in found or task_type not in _IMPORTED_TASK_TYPES:
            continue
        found.add(identifier)
        is_registered = task_type == "class" and _is_registered(identifier)
        if not is_registered and (problem := _find(identifier)):
            raise GraphError(f"unknown task {identifier!r}: {problem}", _node_name(node, attrs))


def task_type_of(node: Hashable, attrs: dict[str, Any], *, sub_graphs: bool = False) -> Any:
    """Return what kind of task a node executes. Deprecated attributes are replaced.

    :param sub_graphs: the node can stand for a sub-graph, too.
    :raises GraphError: the node does not say it, naming the node.
    """
    task_type = attrs.get("task_type")
    if (
        task_type in _IDENTIFIED_TASK_TYPES
        and attrs.get("task_identifier")
        and not attrs.get("task_generator")
        and _DEPRECATED_KEYS.isdisjoint(attrs)
    ):
        return task_type  # nearly every node: ewokscore would find nothing wrong with it
    try:
        return task_executable_info(node, attrs, all=sub_graphs)[0]
    except ValueError as error:
        raise GraphError(str(error), _node_name(node, attrs)) from error


def check_links(graph: networkx.DiGraph) -> None:
    """Check that the attributes of every link can be used.

    :raises GraphError: naming the link, the attribute and the value.
    """
    for source, targets in graph.adjacency():
        for target, attrs in targets.items():
            if problem := _problem(attrs, LINK_ATTRIBUTES) or _contradiction(attrs):
                raise GraphError(problem, f"link {source!r} -> {target!r}")


def check_feeders(graph: networkx.DiGraph, required: set[tuple[Hashable, Hashable]]) -> None:
    """Check that no two required links feed the same input.

    :param required: the required links.
    :raises GraphError: naming the input and both links.
    """
    joins = {node for node, sources in predecessors(graph).items() if len(sources) > 1}
    feeders: dict[tuple[Hashable, Any], Hashable] = {}
    for source, targets in graph.adjacency():
        for target, attrs in targets.items():
            if target not in joins or (source, target) not in required:
                continue
            for item in attrs.get("data_mapping") or ():
                name = item["target_input"]
                first = feeders.setdefault((target, name), source)
                if first != source:
                    raise GraphError(
                        f"input {name!r} already comes from the required link "
                        f"{first!r} -> {target!r}: map it to another input, or set "
                        '"required": false on one of them',
                        f"link {source!r} -> {target!r}",
                    )


def _node_name(node: Hashable, attrs: Mapping[str, Any]) -> str:
    return f"node {node_label(node, attrs)!r}"


def _problem(attrs: Mapping[str, Any], checks: Mapping[str, tuple[_Check, str]]) -> str:
    """Say which attribute has a value that cannot be used; empty when none has."""
    wrong = [
        name
        for name, value in attrs.items()
        if name in checks and value is not None and not checks[name][0](value)
    ]
    if not wrong:
        return ""
    name = min(wrong, key=list(checks).index)
    return f"{name}={attrs[name]!r}: {checks[name][1]} is expected"


def _contradiction(attrs: Mapping[str, Any]) -> str:
    for one, other in _EXCLUSIVE:
        if attrs.get(one) and attrs.get(other):
            return f"{one!r} and {other!r} exclude each other: remove one"
    return ""


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
        if not hasattr(module, name):
            with contextlib.suppress(Exception):  # whoever imports it will tell
                importlib.import_module(module_name)  # waits for a thread that is importing it
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
