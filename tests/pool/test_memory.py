"""How much memory is free, and who says so."""

import pytest

from ewoksppf_core.pool import cgroups
from ewoksppf_core.pool.memory import free_in_groups, free_memory_fraction


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"memory.{name}").write_text(str(text))


@pytest.fixture
def own_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    monkeypatch.setattr(cgroups, "OWN_GROUPS", tmp_path / "own_groups")
    return tmp_path / "own_groups"


@pytest.fixture
def free(own_groups):
    """Return what is free in the groups of a process that is in these ones."""

    def look(*lines):
        own_groups.write_text("\n".join(lines))
        return list(free_in_groups())

    return look


def test_group_with_a_limit_counts(free, tmp_path):
    write(tmp_path / "job", max=1000, current=900, stat="anon 900\ninactive_file 0")
    assert free("0::/job") == [0.1]


def test_cache_of_files_is_free(free, tmp_path):
    write(tmp_path / "job", max=1000, current=900, stat="anon 500\ninactive_file 400")
    assert free("0::/job") == [0.5]


def test_parents_count(free, tmp_path):
    write(tmp_path / "job" / "step", max="max", current=10, stat="")
    write(tmp_path / "job", max=1000, current=250, stat="")
    write(tmp_path, max=2000, current=2500, stat="")
    assert free("0::/job/step") == [0.75, 0.0]


def test_first_version_counts(free, tmp_path):
    folder = tmp_path / "memory" / "job"
    write(folder, limit_in_bytes=1000, usage_in_bytes=800, stat="total_inactive_file 100")
    assert free("3:cpu,cpuacct:/other", "2:memory:/job") == [0.3]


def test_no_limit_says_nothing(free, tmp_path):
    write(tmp_path / "job", max="max", current=10, stat="")
    assert free("0::/job") == []


def test_group_that_cannot_be_seen_says_nothing(free):
    assert free("0::/../elsewhere", "2:memory:/job") == []


def test_no_control_groups_say_nothing(own_groups):
    assert list(free_in_groups()) == []


def test_something_is_free_here():
    assert 0.0 < free_memory_fraction() <= 1.0
