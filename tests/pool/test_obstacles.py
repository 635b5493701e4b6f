"""What a process that cannot have worker processes is told."""

import sys
from types import SimpleNamespace

import pytest

from ewoksppf_core import Location, PoolBackend, Scaling
from ewoksppf_core.errors import BrokenBackendError
from ewoksppf_core.pool import obstacles, registry
from ewoksppf_core.pool.obstacles import why_no_processes, why_nothing_waits
from ewoksppf_core.pool.registry import Installed

FREE = SimpleNamespace(name="MainProcess", daemon=False)
DAEMONIC = SimpleNamespace(name="Worker-1", daemon=True)


def backend(pool_type, **facts):
    return PoolBackend(pool_type=pool_type, summary="for tests", open=lambda options: None, **facts)


def no_answer():
    raise ZeroDivisionError


HERE = backend("here")
OTHERS = [
    backend("absent", unavailable=lambda: "it is not installed"),
    backend("elsewhere", location=Location.ELSEWHERE),
    backend("mute", unavailable=no_answer),
    backend("processes", location=Location.SAME_MACHINE, scaling=Scaling.CORE),
]


@pytest.fixture
def install(monkeypatch):
    def install(*backends):
        broken = BrokenBackendError("broken", "dist", "ImportError: x")
        monkeypatch.setattr(
            registry,
            "installed_backends",
            lambda: [
                Installed("broken", "dist", "1", None, broken),
                *(Installed(each.pool_type, "dist", "1", each, None) for each in backends),
            ],
        )

    return install


@pytest.fixture
def patched(monkeypatch):
    monkeypatch.setattr(obstacles, "is_monkey_patched", lambda: True)


def test_ordinary_process_may_have_processes(install):
    install()
    assert why_no_processes(FREE) is None


def test_daemonic_process_is_told_which_pool_type_it_can_use(install):
    install(*OTHERS, HERE)
    reason = why_no_processes(DAEMONIC)
    assert "this process (Worker-1) is daemonic" in reason
    assert "use a pool type whose tasks run in this process, such as 'here', or" in reason
    assert "daemon=False" in reason


@pytest.mark.usefixtures("patched")
def test_patched_process_is_told_which_pool_type_it_can_use(install):
    install(*OTHERS, HERE)
    reason = why_no_processes(FREE)
    assert "monkey patching" in reason
    assert reason.endswith("such as 'here'")


@pytest.mark.parametrize(
    ("patched_modules", "hangs"),
    [((), False), (("threading",), True), (("queue",), False), (("threading", "queue"), False)],
)
def test_threads_that_are_patched_without_queues_would_hang(monkeypatch, patched_modules, hangs):
    monkey = SimpleNamespace(is_module_patched=patched_modules.__contains__)
    monkeypatch.setitem(sys.modules, "gevent.monkey", monkey)
    reason = why_nothing_waits()
    assert bool(reason) == hangs
    assert not hangs or "patch_all()" in reason


def test_nothing_hangs_without_gevent(monkeypatch):
    monkeypatch.delitem(sys.modules, "gevent.monkey", raising=False)
    assert why_nothing_waits() is None


def test_all_that_help_are_named(install):
    install(HERE, *OTHERS, backend("here as well"))
    assert "such as 'here' or 'here as well'" in why_no_processes(DAEMONIC)


def test_no_name_is_given_where_nothing_that_helps_is_installed(install):
    install(*OTHERS)
    assert "of which none is installed" in why_no_processes(DAEMONIC)
