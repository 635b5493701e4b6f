from ewoksppf_core.testing import PoolBackendConformance


class TestProcess(PoolBackendConformance):
    pool_type = "process"
