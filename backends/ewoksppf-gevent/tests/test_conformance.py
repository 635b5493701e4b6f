import gevent

from ewoksppf_core.testing import PoolBackendConformance


class TestGevent(PoolBackendConformance):
    pool_type = "gevent"
    pause = staticmethod(gevent.sleep)
