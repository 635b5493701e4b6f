import re

import pytest

from ewoksppf_core.pool.registry import installed_backends

pytestmark = pytest.mark.usefixtures("no_choice")


@pytest.fixture
def no_choice(monkeypatch):
    monkeypatch.delenv("EWOKSPPF_POOL_TYPE", raising=False)


def rows(run):
    return {(row["pool_type"], row["distribution"]): row for row in run("backends", "--json").json}


def test_every_installed_backend_is_shown(run):
    shown = run("backends")
    assert shown.code == 0
    for installed in installed_backends():
        assert re.search(rf"^{installed.pool_type} .*{installed.distribution}", shown.out, re.M)


def test_default_is_marked(run, monkeypatch):
    assert re.search(r"^process \(default\)", run("backends").out, re.M)
    monkeypatch.setenv("EWOKSPPF_POOL_TYPE", "thread")
    assert re.search(r"^thread \(default\)", run("backends").out, re.M)


def test_default_that_is_not_installed_is_told(run, monkeypatch):
    monkeypatch.setenv("EWOKSPPF_POOL_TYPE", "nosuch")
    assert "'nosuch' is not installed" in run("backends").err


def test_facts_are_json(run):
    row = rows(run)["process", "ewoksppf-process"]
    assert row["available"] is True
    assert row["daemonic"] is False
    assert row["nested_processes"] is True
    assert "spawn" in row["contexts"]
    assert row["made_of"] == "multiprocessing.Process"


def test_narrow_terminals_get_a_narrow_table(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = run("backends").out.splitlines()
    assert max(map(len, lines)) <= 80
    assert any("ewoksppf-ndmultiprocessing" in line for line in lines)


def test_broken_plugin_is_shown_with_its_error(run, install):
    install("fake-broken", "1.2", broken="no_such_module")
    shown = run("backends")
    assert shown.code == 0
    assert re.search(r"^broken +fake-broken 1\.2", shown.out, re.M)
    assert "No module named 'no_such_module'" in shown.out
    assert "ewoksppf-process" in shown.out


def test_duplicates_are_all_shown(run, install):
    install("fake-thread", "1.2", thread="no_such_module")
    shown = rows(run)
    for distribution in ("fake-thread", "ewoksppf-thread"):
        row = shown["thread", distribution]
        assert not row["available"]
        assert "several distributions" in row["problem"]


def test_unusable_backend_tells_why(run, install, tmp_path):
    (tmp_path / "site").mkdir(exist_ok=True)
    (tmp_path / "site" / "fake_unusable_module.py").write_text(UNUSABLE)
    install("fake-unusable", "1.2", unusable="fake_unusable_module")
    row = rows(run)["unusable", "fake-unusable"]
    assert not row["available"]
    assert row["problem"] == "switch the machine on"


UNUSABLE = """
from ewoksppf_core import PoolBackend, hookimpl

@hookimpl
def ewoksppf_pool_backend():
    return PoolBackend(pool_type="unusable", summary="", open=print,
                       unavailable=lambda: "switch the machine on")
"""
