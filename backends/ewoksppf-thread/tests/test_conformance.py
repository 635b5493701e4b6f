from ewoksppf_core.testing import PoolBackendConformance


class TestThread(PoolBackendConformance):
    pool_type = "thread"
