"""The conformance kit: tests which every backend must pass.

The test file of a backend is a handful of lines::

    from ewoksppf_core.testing import PoolBackendConformance

    class TestMine(PoolBackendConformance):
        pool_type = "mine"
"""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conformance import PoolBackendConformance

__all__ = ["PoolBackendConformance"]

# Workers import what is in `tasks`, and need not wait for pytest: it is imported for nobody.
if "pytest" in sys.modules:
    for _module in ("base", "calls", "crashes", "ending", "facts", "workers"):
        sys.modules["pytest"].register_assert_rewrite(f"{__name__}.{_module}")


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .conformance import PoolBackendConformance

    return PoolBackendConformance
