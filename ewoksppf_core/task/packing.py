"""Turn nodes, inputs and outputs into parcels and back, naming what cannot travel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ewokscore.variable import value_from_transfer

from ..errors import TransferError
from .defaults import BigDefaults, put_back
from .failure import PackedException, message_of
from .outcome import NodeInfo
from .parcel import Bundle, Parcel, Pickled


@dataclass(frozen=True)
class PackedNode:
    """A :class:`NodeInfo` on its way.

    :param info: the node; places stand for the default inputs that are not in it.
    :param defaults: those, by place. Many nodes can share them.
    """

    info: Parcel
    defaults: Mapping[int, Parcel]


def pack_node(node: NodeInfo, defaults: BigDefaults) -> PackedNode:
    """Pack what all activations of a node have in common.

    :param defaults: packs its big default inputs.
    :raises TransferError: naming the default input that cannot be pickled.
    """
    try:
        attrs, taken = defaults.take_out(node.attrs)
        pickled = Pickled(replace(node, attrs=attrs) if taken else node)
        if pickled.is_big and defaults.add(node.attrs):
            attrs, taken = defaults.take_out(node.attrs)
            pickled = Pickled(replace(node, attrs=attrs))
        info = pickled.parcel(defaults.store)
    except Exception as error:
        for item in node.attrs.get("default_inputs") or ():
            pack_value(node.label, f"input {item['name']!r}", item["value"], None)
        raise TransferError(node.label, "attributes", _reason(error)) from error
    info.adopt()
    return PackedNode(info, taken)


def unpack_node(packed: PackedNode) -> NodeInfo:
    """Undo :func:`pack_node`.

    :raises TransferError: naming the default input that cannot be unpickled.
    """
    node: NodeInfo = packed.info.unpack()
    if not packed.defaults:
        return node
    values: dict[int, Any] = {}  # one value, also under two names

    def value_at(place: int, name: str) -> Any:
        if place not in values:
            values[place] = _unpack(node.label, name, packed.defaults[place])
        return values[place]

    return replace(node, attrs=put_back(node.attrs, value_at))


def pack_value(label: str, variable: str, value: Any, store: str | None) -> Any:
    """Turn a value into a parcel, unless it can travel already.

    :param label: node to name in the error.
    :param variable: variable to name in the error.
    :param store: folder in shared memory for big values.
    :raises TransferError: it cannot be pickled.
    """
    if isinstance(value, Parcel | PackedException):
        return value
    if isinstance(value, Bundle):
        packed = {name: pack_value(label, variable, item, store) for name, item in value.items()}
        return Bundle(packed)
    try:
        return Parcel.pack(value, store)
    except Exception as error:
        raise TransferError(label, variable, _reason(error)) from error


def pack_outputs(label: str, outputs: dict[Any, Any], store: str | None) -> dict[Any, Any]:
    """Pack outputs, letting go of each when it is packed.

    :raises TransferError: naming the one that cannot be pickled; nothing is left of the others.
    """
    packed: dict[Any, Any] = {}
    try:
        for name in list(outputs):
            packed[name] = pack_value(label, f"output {name!r}", outputs.pop(name), store)
    except BaseException:
        for value in packed.values():
            if isinstance(value, Parcel):
                value.destroy()
        raise
    return packed


def unpack_inputs(label: str, inputs: Mapping[Any, Any]) -> dict[Any, Any]:
    """Unpack inputs; one parcel under two names is one value.

    :param label: node to name in the error.
    :raises TransferError: naming the one that cannot be unpickled.
    """
    seen: dict[Parcel, Any] = {}
    return {name: _unpack_input(label, name, value, seen) for name, value in inputs.items()}


def open_value(value: Any, varinfo: Mapping[str, Any] | None) -> Any:
    """Return the value that a transferred output stands for.

    :param value: a value, parcel, Ewoks variable or URI.
    """
    if isinstance(value, Parcel):
        value = value.unpack()
    return value_from_transfer(value, varinfo=varinfo)


def _unpack_input(label: str, name: Any, value: Any, seen: dict[Parcel, Any]) -> Any:
    if isinstance(value, Bundle):
        items = {key: _unpack_input(label, name, item, seen) for key, item in value.items()}
        return Bundle(items)
    if not isinstance(value, Parcel):
        return value.unpack() if isinstance(value, PackedException) else value
    if value not in seen:
        seen[value] = _unpack(label, name, value)
    return seen[value]


def _unpack(label: str, name: Any, parcel: Parcel) -> Any:
    try:
        return parcel.unpack()
    except Exception as error:
        raise TransferError(label, f"input {name!r}", _reason(error)) from error


def _reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {message_of(error)}"
