"""Big default inputs travel as parcels of their own: one for each value, not for each node.

The same image can be the default input of a thousand nodes. In the attributes of each of them a
place is kept for it, until a worker puts it back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .parcel import Parcel, Pickled


@dataclass(frozen=True)
class Place:
    """Stands for a value that has been taken out."""

    number: int


class BigDefaults:
    """Packs each big value once, and keeps it as long as this object lives.

    :param store: folder in shared memory; None for none.
    """

    def __init__(self, store: str | None) -> None:
        self.store = store
        # By identity, so the values must stay.
        self._parcels: dict[int, tuple[Any, Place, Parcel]] = {}

    def add(self, attrs: Mapping[str, Any]) -> bool:
        """Pack the big default inputs of a node; tell whether one of them is new.

        :raises Exception: whatever pickle raises.
        """
        before = len(self._parcels)
        for item in attrs.get("default_inputs") or ():
            value = item["value"]
            if id(value) not in self._parcels and (pickled := Pickled(value)).is_big:
                parcel = pickled.parcel(self.store)
                parcel.adopt()
                self._parcels[id(value)] = value, Place(len(self._parcels)), parcel
        return len(self._parcels) > before

    def take_out(self, attrs: Mapping[str, Any]) -> tuple[Mapping[str, Any], dict[int, Parcel]]:
        """Replace the default inputs that have been packed.

        :returns: the attributes, the same object if there are none, and what was taken out by
            the number of its place.
        """
        taken: dict[int, Parcel] = {}
        if not self._parcels:
            return attrs, taken
        items = []
        for item in attrs.get("default_inputs") or ():
            if (known := self._parcels.get(id(item["value"]))) is not None:
                _, place, taken[place.number] = known
                item = {**item, "value": place}
            items.append(item)
        return ({**attrs, "default_inputs": items} if taken else attrs), taken


def put_back(attrs: Mapping[str, Any], value_at: Callable[[int, str], Any]) -> Mapping[str, Any]:
    """Undo :meth:`BigDefaults.take_out`.

    :param value_at: returns a value from the number of its place and the name of the input.
    """

    def with_value(item: Mapping[str, Any]) -> Mapping[str, Any]:
        place = item["value"]
        if not isinstance(place, Place):
            return item
        return {**item, "value": value_at(place.number, item["name"])}

    return {**attrs, "default_inputs": [with_value(item) for item in attrs["default_inputs"]]}
