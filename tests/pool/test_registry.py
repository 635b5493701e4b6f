"""Backends are found among installed distributions; a broken one breaks no other."""

import threading
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType, SimpleNamespace

import pytest

from ewoksppf_core import PoolBackend, hookimpl
from ewoksppf_core.errors import (
    BrokenBackendError,
    DuplicatePoolTypeError,
    OptionError,
    UnknownPoolTypeError,
)
from ewoksppf_core.pool import registry

PATIENCE = 20


class Plugin:
    """Stands for the module of a plugin."""

    def __init__(self, backend):
        self.backend = backend

    @hookimpl
    def ewoksppf_pool_backend(self):
        return self.backend


class PluginWithOpinion(Plugin):
    def __init__(self, backend, opinion):
        super().__init__(backend)
        self.opinion = opinion

    @hookimpl
    def ewoksppf_default_pool_type(self):
        return self.opinion


class EntryPoint:
    """Stands for an installed entry point."""

    def __init__(self, name, plugin=None, distribution=None):
        self.name = name
        self.value = f"module_of_{name}"
        self.dist = SimpleNamespace(name=distribution or f"dist-{name}", version="1.2")
        self.plugin = plugin if plugin is not None else Plugin(backend(name))
        self.loaded = 0

    def load(self):
        self.loaded += 1
        if isinstance(self.plugin, BaseException):
            raise self.plugin
        return self.plugin


def backend(pool_type):
    return PoolBackend(pool_type=pool_type, summary="for tests", open=lambda options: None)


@pytest.fixture
def install(monkeypatch):
    monkeypatch.delenv(registry.DEFAULT_VARIABLE, raising=False)

    def install(*entry_points):
        monkeypatch.setattr(registry, "entry_points", lambda group: entry_points)
        registry.forget()

    yield install
    monkeypatch.undo()
    registry.forget()


def test_installed_backend_is_found_by_its_pool_type(install):
    install(EntryPoint("mine"), EntryPoint("other"))
    assert registry.get_backend("mine").pool_type == "mine"


def test_only_the_wanted_plugin_is_imported(install):
    wanted, other = EntryPoint("mine"), EntryPoint("other")
    install(wanted, other)
    registry.get_backend("mine")
    registry.get_backend("mine")
    assert (wanted.loaded, other.loaded) == (1, 0)


def test_unknown_pool_type_suggests_what_was_meant(install):
    install(EntryPoint("thread"), EntryPoint("process"))
    with pytest.raises(UnknownPoolTypeError) as caught:
        registry.get_backend("threads")
    assert "did you mean 'thread'?" in str(caught.value)
    assert "Installed pool types: process, thread." in str(caught.value)


def test_unknown_pool_type_is_not_searched_for_under_a_name_that_may_not_exist(install):
    install(EntryPoint("thread"), EntryPoint("process"))
    with pytest.raises(UnknownPoolTypeError, match="`ewoksppf backends` lists the") as caught:
        registry.get_backend("slurm")
    assert "pip install" not in str(caught.value)


def test_default_pool_type_which_is_not_installed_tells_its_distribution(install):
    install(EntryPoint("ndprocess"))
    with pytest.raises(UnknownPoolTypeError, match="pip install ewoksppf-process"):
        registry.get_backend("process")


def test_unknown_pool_type_of_the_environment_variable_says_where_it_is_from(install, monkeypatch):
    install(EntryPoint("thread"))
    monkeypatch.setenv("EWOKSPPF_POOL_TYPE", "thraed")
    message = "'thraed' in the environment variable EWOKSPPF_POOL_TYPE .did you mean 'thread'"
    with pytest.raises(UnknownPoolTypeError, match=message):
        registry.get_default_backend()


def test_unknown_pool_type_without_any_plugin_says_so(install):
    install()
    with pytest.raises(UnknownPoolTypeError, match="Installed pool types: none"):
        registry.get_backend("thread")


@pytest.mark.parametrize("pool_type", [None, 1, ["thread"]])
def test_pool_type_must_be_a_name(install, pool_type):
    install()
    with pytest.raises(OptionError, match="pool_type="):
        registry.get_backend(pool_type)


def test_pool_type_of_two_distributions_names_both_and_imports_neither(install):
    claims = EntryPoint("mine", distribution="one"), EntryPoint("mine", distribution="two")
    install(*claims, EntryPoint("other"))
    with pytest.raises(DuplicatePoolTypeError, match="one and two"):
        registry.get_backend("mine")
    assert [claim.loaded for claim in claims] == [0, 0]
    assert registry.get_backend("other").pool_type == "other"


def test_distribution_that_is_found_twice_counts_once(install):
    install(EntryPoint("mine", distribution="one"), EntryPoint("mine", distribution="one"))
    assert registry.get_backend("mine").pool_type == "mine"


@pytest.mark.parametrize("error", [ImportError("no module named x"), ZeroDivisionError("x")])
def test_plugin_that_cannot_be_imported_is_named_and_breaks_no_other(install, error):
    install(EntryPoint("mine", error, distribution="ewoks-mine"), EntryPoint("other"))
    with pytest.raises(BrokenBackendError) as caught:
        registry.get_backend("mine")
    assert "'mine'" in str(caught.value)
    assert "ewoks-mine" in str(caught.value)
    assert f"{type(error).__name__}: {error}" in str(caught.value)
    assert caught.value.__cause__ is error
    assert registry.get_backend("other").pool_type == "other"


@pytest.mark.parametrize(
    ("plugin", "reason"),
    [
        pytest.param(Plugin(42), "returned 42 instead of a PoolBackend", id="wrong type"),
        pytest.param(Plugin(backend("x")), "called 'x' but its entry point 'mine'", id="name"),
        pytest.param(ModuleType("empty"), "does not implement the hook", id="no hook"),
        pytest.param(Plugin(None), "does not implement the hook", id="None"),
    ],
)
def test_plugin_that_breaks_the_contract_is_told_how(install, plugin, reason):
    install(EntryPoint("mine", plugin), EntryPoint("other"))
    with pytest.raises(BrokenBackendError, match=reason):
        registry.get_backend("mine")
    assert registry.get_backend("other").pool_type == "other"


def test_hook_that_nobody_declared_is_reported(install):
    class Misspelt(Plugin):
        @hookimpl
        def ewoksppf_default_pooltype(self):
            return "mine"

    install(EntryPoint("mine", Misspelt(backend("mine"))), EntryPoint("other"))
    with pytest.raises(BrokenBackendError, match="ewoksppf_default_pooltype"):
        registry.get_backend("mine")
    assert registry.get_backend("other").pool_type == "other"


def test_list_shows_every_claim_with_its_error(install):
    broken = ImportError("broken")
    install(EntryPoint("b"), EntryPoint("a", broken), EntryPoint("b", distribution="second"))
    listed = registry.installed_backends()
    assert [(each.pool_type, each.distribution) for each in listed] == [
        ("a", "dist-a"),
        ("b", "dist-b"),
        ("b", "second"),
    ]
    assert [type(each.error) for each in listed] == [
        BrokenBackendError,
        DuplicatePoolTypeError,
        DuplicatePoolTypeError,
    ]
    assert {each.version for each in listed} == {"1.2"}


def test_default_is_process(install):
    install(EntryPoint("mine"))
    assert registry.default_pool_type() == "process"


def test_plugin_may_have_an_opinion_about_the_default(install):
    install(EntryPoint("mine", PluginWithOpinion(backend("mine"), "mine")), EntryPoint("other"))
    assert registry.default_pool_type() == "mine"


def test_opinion_is_asked_for_every_time(install):
    plugin = PluginWithOpinion(backend("mine"), None)
    install(EntryPoint("mine", plugin))
    assert registry.default_pool_type() == "process"
    plugin.opinion = "mine"
    assert registry.default_pool_type() == "mine"


def test_environment_variable_decides_before_plugins(install, monkeypatch):
    install(EntryPoint("mine", PluginWithOpinion(backend("mine"), "mine")))
    monkeypatch.setenv(registry.DEFAULT_VARIABLE, "chosen")
    assert registry.default_pool_type() == "chosen"


def test_broken_plugin_does_not_disturb_the_default(install):
    install(EntryPoint("broken", ImportError("x")), EntryPoint("mine"))
    assert registry.default_pool_type() == "process"


def test_threads_that_want_the_same_backend_load_it_once(install, monkeypatch):
    second_has_come = threading.Event()

    class WatchedLock:
        def __init__(self):
            self.lock = threading.RLock()

        def __enter__(self):
            if not self.lock.acquire(blocking=False):
                second_has_come.set()
                self.lock.acquire()

        def __exit__(self, *_):
            self.lock.release()

    class Slow(EntryPoint):
        def load(self):
            plugin = super().load()
            if self.loaded > 1:
                second_has_come.set()
            assert second_has_come.wait(PATIENCE)
            return plugin

    monkeypatch.setattr(registry, "_lock", WatchedLock())
    entry_point = Slow("mine")
    install(entry_point)
    with ThreadPoolExecutor(4) as threads:
        loaded = list(threads.map(registry.get_backend, ["mine"] * 4))
    assert len(set(map(id, loaded))) == 1
    assert entry_point.loaded == 1
