"""The conformance kit itself."""

from ewoksppf_core.testing import PoolBackendConformance


class Kit(PoolBackendConformance):
    __test__ = False
    pool_type = "thread"


def test_tests_of_the_kit_have_a_time_limit_wherever_they_run():
    assert [mark.args for mark in Kit.pytestmark if mark.name == "timeout"] == [(120,)]
