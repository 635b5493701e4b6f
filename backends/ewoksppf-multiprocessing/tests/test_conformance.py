from ewoksppf_core.testing import PoolBackendConformance


class TestMultiprocessing(PoolBackendConformance):
    pool_type = "multiprocessing"
