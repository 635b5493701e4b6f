"""Big default inputs travel as parcels of their own: one for each value, not for each node.

The same image can be the default input of a thousand nodes. In the attributes of each of them a
parcel takes its place until a worker puts it back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .parcel import Parcel, Pickled


class BigDefaults:
    """Packs each big value once, and keeps it as long as this object lives.

    :param store: folder in shared memory; None for none, and then nothing is taken out.
    """

    def __init__(self, store: str | None) -> None:
        self.store = store
        self._parcels: dict[int, tuple[Any, Parcel]] = {}  # by identity, so the values must stay

    def add(self, attrs: Mapping[str, Any]) -> bool:
        """Pack the big default inputs of a node; tell whether one of them is new.

        :raises Exception: whatever pickle raises.
        """
        before = len(self._parcels)
        if self.store is not None:
            for item in attrs.get("default_inputs") or ():
                value = item["value"]
                if id(value) not in self._parcels and (pickled := Pickled(value)).is_big:
                    parcel = pickled.parcel(self.store)
                    if parcel.segment is not None:
                        parcel.adopt()
                        self._parcels[id(value)] = value, parcel
        return len(self._parcels) > before

    def take_out(self, attrs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Replace the default inputs that have been packed; returns the same object without any."""
        defaults = attrs.get("default_inputs") or ()
        if not self._parcels or not any(id(item["value"]) in self._parcels for item in defaults):
            return attrs
        return {**attrs, "default_inputs": [self._without_value(item) for item in defaults]}

    def _without_value(self, item: Mapping[str, Any]) -> Mapping[str, Any]:
        _, parcel = self._parcels.get(id(item["value"]), (None, None))
        return item if parcel is None else {**item, "value": parcel}


def put_back(attrs: Mapping[str, Any], open: Callable[[str, Parcel], Any]) -> Mapping[str, Any]:
    """Undo :meth:`BigDefaults.take_out`.

    :param open: returns the value of an input from its name and its parcel.
    """
    values: dict[Parcel, Any] = {}  # one value, also under two names

    def with_value(item: Mapping[str, Any]) -> Mapping[str, Any]:
        parcel = item["value"]
        if not isinstance(parcel, Parcel):
            return item
        if parcel not in values:
            values[parcel] = open(item["name"], parcel)
        return {**item, "value": values[parcel]}

    return {**attrs, "default_inputs": [with_value(item) for item in attrs["default_inputs"]]}
