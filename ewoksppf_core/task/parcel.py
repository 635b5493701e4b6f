"""Values on their way between processes."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Any


class Bundle(dict[Any, Any]):
    """All outputs of an activation as the value of one input."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """A pickled value, which is forwarded without being unpickled.

    :param data: the pickle.
    """

    data: bytes

    @classmethod
    def pack(cls, value: Any) -> Parcel:
        """Pickle a value; raises whatever pickle raises."""
        return cls(pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL))

    def unpack(self) -> Any:
        """Unpickle the value; raises whatever pickle raises."""
        return pickle.loads(self.data)
