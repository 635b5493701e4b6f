"""Which CPUs are usable, and who says so."""

import os

import pytest

from ewoksppf_core.pool import cgroups
from ewoksppf_core.pool.cpus import usable_cpus


@pytest.fixture(autouse=True)
def _control_groups(monkeypatch, tmp_path):
    monkeypatch.delenv("SLURM_CPUS_PER_TASK", raising=False)
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    monkeypatch.setattr(cgroups, "OWN_GROUPS", tmp_path / "own")


@pytest.fixture(params=["v1", "v2"])
def limit_group(request, monkeypatch, tmp_path):
    """Give a control group of this process, which has eight CPUs, a quota."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    own = {"v1": "3:memory:/batch/other\n2:cpu,cpuacct:/batch/job\n", "v2": "0::/batch/job\n"}
    (tmp_path / "own").write_text(own[request.param])

    def limit(group, quota):
        folder = tmp_path / ("cpu" if request.param == "v1" else "") / group
        folder.mkdir(parents=True, exist_ok=True)
        if request.param == "v1":
            (folder / "cpu.cfs_quota_us").write_text("-1" if quota == "max" else str(quota))
            (folder / "cpu.cfs_period_us").write_text("100000")
        else:
            (folder / "cpu.max").write_text(f"{quota} 100000")

    return limit


def test_slurm_has_the_first_word(monkeypatch):
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "3")
    assert usable_cpus() == (3, "SLURM_CPUS_PER_TASK")


@pytest.mark.parametrize("text", ["", "0", "-2", "many"])
def test_nonsense_from_slurm_is_ignored(monkeypatch, text):
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", text)
    assert usable_cpus().source != "SLURM_CPUS_PER_TASK"


def test_affinity_mask_counts_without_quota():
    assert usable_cpus() == (len(os.sched_getaffinity(0)), "the affinity mask")


QUOTA = "the quota of the control group"


def test_quota_of_the_control_group_is_rounded_up(limit_group):
    limit_group("batch/job", 250_000)
    assert usable_cpus() == (3, QUOTA)


@pytest.mark.parametrize("group", ["batch/job", "batch", "."])
def test_smallest_quota_of_the_groups_above_counts(limit_group, group):
    for each in ("batch/job", "batch", "."):
        limit_group(each, 200_000 if each == group else 600_000)
    assert usable_cpus() == (2, QUOTA)


def test_quota_of_another_group_does_not_count(limit_group):
    limit_group("batch/other", 200_000)
    assert usable_cpus() == (8, "the affinity mask")


def test_quota_above_the_affinity_mask_does_not_count(limit_group):
    limit_group("batch/job", 1_600_000)
    assert usable_cpus() == (8, "the affinity mask")


def test_unlimited_control_group_does_not_count(limit_group):
    limit_group("batch/job", "max")
    assert usable_cpus() == (8, "the affinity mask")
