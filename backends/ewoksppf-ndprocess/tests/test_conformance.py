from ewoksppf_core.testing import PoolBackendConformance


class TestNdProcess(PoolBackendConformance):
    pool_type = "ndprocess"
