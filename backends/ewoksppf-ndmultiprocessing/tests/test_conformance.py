from ewoksppf_core.testing import PoolBackendConformance


class TestNdMultiprocessing(PoolBackendConformance):
    pool_type = "ndmultiprocessing"
