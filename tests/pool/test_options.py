"""Options of pools are checked before anything is opened."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from ewoksppf_core import PoolBackend, Scaling
from ewoksppf_core.errors import OptionError, PoolUnavailableError, UnknownOptionError
from ewoksppf_core.pool import options
from ewoksppf_core.pool.options import request_pool

BACKENDS = {
    "processes": {"contexts": ("fork", "spawn"), "scaling": Scaling.CORE},
    "threads": {},
    "clusters": {"extra_options": frozenset({"account"})},
    "absent": {"unavailable": lambda: "it is not installed: pip install it"},
}


@pytest.fixture(autouse=True)
def opened(monkeypatch):
    """What backends were asked for."""
    asked = []

    def open_pool(pool_options):
        asked.append(pool_options)
        return ThreadPoolExecutor(pool_options.max_workers)

    def get_backend(pool_type):
        return PoolBackend(
            pool_type=pool_type, summary="for tests", open=open_pool, **BACKENDS[pool_type]
        )

    monkeypatch.setattr(options, "get_backend", get_backend)
    monkeypatch.setattr(options, "get_default_backend", lambda: get_backend("threads"))
    return asked


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"max_workers": 1.5}, "max_workers=1.5: a whole number or None is expected"),
        ({"max_workers": "2"}, "max_workers='2': a whole number"),
        ({"max_workers": True}, "max_workers=True: a whole number"),
        ({"max_workers": 0}, "max_workers=0: a pool without a graph needs at least 1 worker"),
        ({"max_workers": -1}, "max_workers=-1: a pool without a graph"),
        ({"scaling_workers": None}, "scaling_workers=None: True or False is expected"),
        ({"scaling_workers": 1}, "scaling_workers=1: True or False is expected"),
        ({"context": "spawn"}, "context='spawn': pool type 'threads' has no start methods"),
        (
            {"pool_type": "processes", "context": "x"},
            "context='x': .* accepts fork, spawn, or None",
        ),
        ({"pool_type": "processes", "context": 1}, "context=1: .* accepts fork, spawn"),
        ({"pool_options": {"context": "spawn"}}, "context='spawn': .* no start methods"),
        ({"pool_options": {"wait_on_exit": 1}}, "wait_on_exit=1: True or False"),
        ({"pool_options": {"interrupt_on_exit": None}}, "interrupt_on_exit=None: True or False"),
        ({"pool_options": {"wait_on_exit_timeout": "1"}}, "wait_on_exit_timeout='1': a number"),
        ({"pool_options": {"wait_on_exit_timeout": float("inf")}}, "None for no limit"),
        ({"pool_options": {"wait_on_exit_timeout": -1}}, "wait_on_exit_timeout=-1: a number"),
        ({"pool_options": {"wait_on_exit_timeout": True}}, "wait_on_exit_timeout=True: a number"),
    ],
)
def test_value_that_cannot_be_used_is_refused(wish, message, opened):
    with pytest.raises(OptionError, match=message):
        request_pool(**{"scaling_workers": False, **wish})
    assert opened == []


def test_unknown_pool_option_is_refused_with_those_that_exist():
    with pytest.raises(UnknownOptionError, match=r"did you mean .*'wait_on_exit'") as caught:
        request_pool(pool_options={"wait_on_exi": True})
    assert "context" in str(caught.value)


def test_option_of_another_backend_is_unknown():
    with pytest.raises(UnknownOptionError, match="account"):
        request_pool(pool_type="threads", pool_options={"account": "me"})


def test_option_that_the_backend_declares_reaches_it(opened):
    with request_pool(pool_type="clusters", pool_options={"account": "me"}).open():
        pass
    assert opened[0].extra == {"account": "me"}


def test_backend_that_is_unavailable_says_why():
    with pytest.raises(PoolUnavailableError, match=r"'absent' cannot be used here: .* pip install"):
        request_pool(pool_type="absent")


def test_default_pool_type_is_used_when_none_is_given():
    assert request_pool().backend.pool_type == "threads"


def test_context_may_also_be_a_pool_option():
    request = request_pool(pool_type="processes", pool_options={"context": "fork"})
    assert request.options.context == "fork"


def test_max_workers_has_no_effect_while_scaling_and_warns():
    with pytest.warns(UserWarning, match="max_workers=3 has no effect"):
        request = request_pool(max_workers=3)
    assert request.options.max_workers is None


@pytest.mark.parametrize(
    ("max_workers", "nodes", "expected"),
    [(3, None, 3), (3, 9, 3), (0, 9, 9), (-1, 9, 9), (0, 0, 1)],
)
def test_fixed_number_of_workers(max_workers, nodes, expected):
    request = request_pool(scaling_workers=False, max_workers=max_workers, nodes=nodes)
    assert request.options.max_workers == expected


def test_fixed_number_of_workers_is_by_default_one_per_usable_cpu():
    request = request_pool(scaling_workers=False)
    assert request.options.max_workers == request.limits.at_most >= 1


def test_core_scales_slots_of_one_worker():
    request = request_pool(pool_type="processes", scaling_workers=False, max_workers=3)
    assert request.options.max_workers == 1
    assert (request.limits.at_once, request.limits.at_most) == (3, 3)


def test_nothing_is_opened_before_it_is_needed(opened):
    request = request_pool(pool_type="processes", scaling_workers=False, max_workers=2)
    with request.open() as pool:
        assert opened == []
        assert pool.submit(pow, 2, 3).result(20) == 8
    assert len(opened) == 1


def test_good_options_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        request_pool(pool_type="processes", scaling_workers=False, max_workers=2, context="spawn")
