"""Warn where the user can do something about it."""

from __future__ import annotations

import sys
import warnings

_OWN = {"ewoksppf_core", "ewoksppf", "contextlib"}
"""Packages between the user and the core: ``contextlib`` enters ``open_pool``."""


def warn_caller(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line of the user's program which called this package."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and _is_own(frame.f_globals):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def _is_own(namespace: dict[str, object]) -> bool:
    return str(namespace.get("__name__")).partition(".")[0] in _OWN
