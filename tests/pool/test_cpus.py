"""Which CPUs are usable, and who says so."""

import os

import pytest

from ewoksppf_core.pool import cpus
from ewoksppf_core.pool.cpus import usable_cpus


@pytest.fixture(autouse=True)
def _no_slurm(monkeypatch, tmp_path):
    monkeypatch.delenv("SLURM_CPUS_PER_TASK", raising=False)
    monkeypatch.setattr(cpus, "CGROUP_ROOT", tmp_path)


def limit_group(folder, monkeypatch, text):
    """Give the control group of this process a quota."""
    (folder / "cpu.max").write_text(text)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)


def test_slurm_has_the_first_word(monkeypatch):
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "3")
    assert usable_cpus() == (3, "SLURM_CPUS_PER_TASK")


@pytest.mark.parametrize("text", ["", "0", "-2", "many"])
def test_nonsense_from_slurm_is_ignored(monkeypatch, text):
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", text)
    assert usable_cpus().source != "SLURM_CPUS_PER_TASK"


def test_affinity_mask_counts_without_quota():
    assert usable_cpus() == (len(os.sched_getaffinity(0)), "the affinity mask")


def test_quota_of_the_control_group_is_rounded_up(monkeypatch, tmp_path):
    limit_group(tmp_path, monkeypatch, "250000 100000")
    assert usable_cpus() == (3, "the quota of the control group")


def test_quota_above_the_affinity_mask_does_not_count(monkeypatch, tmp_path):
    limit_group(tmp_path, monkeypatch, "1600000 100000")
    assert usable_cpus() == (8, "the affinity mask")


def test_unlimited_control_group_does_not_count(monkeypatch, tmp_path):
    limit_group(tmp_path, monkeypatch, "max 100000")
    assert usable_cpus() == (8, "the affinity mask")
