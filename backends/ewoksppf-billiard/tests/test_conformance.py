from ewoksppf_core.testing import PoolBackendConformance


class TestBilliard(PoolBackendConformance):
    pool_type = "billiard"
