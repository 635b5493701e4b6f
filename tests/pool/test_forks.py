"""Forks of a program that has open pools."""

import os
import signal

import pytest

from ewoksppf_core import ForeignPoolError, open_pool

PATIENCE = 20


def in_fork(function):
    """Return the exit code of a fork that calls a function."""
    child = os.fork()
    if child == 0:
        signal.alarm(PATIENCE)
        code = 1
        try:
            code = function()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("pool_type", ["thread", "gevent", "process"])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_fork_is_refused_by_a_pool_of_its_parent(pool_type):
    owner = os.getpid()

    def use_and_leave():
        with pytest.raises(ForeignPoolError) as caught:
            pool.submit(int)
        context.__exit__(None, None, None)
        return 0 if caught.value.pid == owner else 2

    context = open_pool(pool_type)
    with context as pool:
        pool.submit(int).result(PATIENCE)
        assert in_fork(use_and_leave) == 0
        assert pool.submit(int).result(PATIENCE) == 0
