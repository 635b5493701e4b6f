"""The conformance kit: tests which every backend must pass.

The test file of a backend is a handful of lines::

    from ewoksppf_core.testing import PoolBackendConformance

    class TestMine(PoolBackendConformance):
        pool_type = "mine"
"""

import pytest

for _module in ("base", "calls", "crashes", "ending", "facts", "workers"):
    pytest.register_assert_rewrite(f"{__name__}.{_module}")

from .conformance import PoolBackendConformance  # noqa: E402

__all__ = ["PoolBackendConformance"]
