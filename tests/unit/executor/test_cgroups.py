"""Control groups of both versions, on folders that stand for the kernel's."""

from pathlib import Path

import pytest

from daedalus_executor.adapters.cgroups import Quotas, find_hierarchies


def v1(root: Path, *controllers: str) -> str:
    lines = []
    for controller in controllers:
        (root / controller).mkdir()
        lines.append(f"cgroup {root / controller} cgroup rw,relatime,{controller} 0 0")
    return "\n".join(lines)


def v2(root: Path, own: str = "", passed_on: str = "cpu memory") -> str:
    group = root / own
    group.mkdir(parents=True, exist_ok=True)
    (group / "cgroup.subtree_control").write_text(passed_on)
    (group / "daedalus-ysb").mkdir()
    (group / "daedalus-ysb" / "cgroup.subtree_control").write_text("")
    return f"cgroup2 {root} cgroup2 rw,nosuid 0 0"


def test_version_1_joins_quota_and_account(tmp_path: Path) -> None:
    found = find_hierarchies("daedalus-ysb", v1(tmp_path, "cpu", "cpuacct"), "2:cpu:/\n1:cpuacct:/")
    quotas = Quotas(found)

    joins = quotas.create("ysb-0001", 0.2)

    assert joins == (
        tmp_path / "cpu/daedalus-ysb/ysb-0001/cgroup.procs",
        tmp_path / "cpuacct/daedalus-ysb/ysb-0001/cgroup.procs",
    )
    group = tmp_path / "cpu/daedalus-ysb/ysb-0001"
    assert (group / "cpu.cfs_quota_us").read_text() == "20000"
    assert (group / "cpu.cfs_period_us").read_text() == "100000"
    assert not (tmp_path / "cpuacct/daedalus-ysb/ysb-0001/cpu.cfs_quota_us").exists()

    quotas.set("ysb-0001", 1.5)
    assert (group / "cpu.cfs_quota_us").read_text() == "150000"


def test_version_1_with_both_controllers_in_one_place(tmp_path: Path) -> None:
    (tmp_path / "cpu,cpuacct").mkdir()
    mounts = f"cgroup {tmp_path / 'cpu,cpuacct'} cgroup rw,cpu,cpuacct 0 0"

    found = find_hierarchies("daedalus-ysb", mounts, "4:cpu,cpuacct:/user.slice")

    assert found.parents == (tmp_path / "cpu,cpuacct" / "daedalus-ysb",)


def test_version_2_sets_one_file(tmp_path: Path) -> None:
    found = find_hierarchies("daedalus-ysb", v2(tmp_path, "app.slice"), "0::/app.slice")
    quotas = Quotas(found)

    assert quotas.create("ysb-0001", 0.25) == (
        tmp_path / "app.slice/daedalus-ysb/ysb-0001/cgroup.procs",
    )
    group = tmp_path / "app.slice/daedalus-ysb/ysb-0001"
    assert (group / "cpu.max").read_text() == "25000 100000"
    assert (group.parent / "cgroup.subtree_control").read_text() == "+cpu"


def test_version_1_is_used_where_version_2_has_no_cpu(tmp_path: Path) -> None:
    mounts = f"{v2(tmp_path / 'unified', passed_on='')}\n{v1(tmp_path, 'cpu')}"

    assert find_hierarchies("daedalus-ysb", mounts, "0::/\n1:cpu:/").version == 1


@pytest.mark.parametrize("missing", ["nothing mounted", "no folder may be made", "not delegated"])
def test_without_the_right_there_are_no_quotas_and_a_reason(tmp_path: Path, missing: str) -> None:
    mounts = ""
    if missing == "no folder may be made":
        mounts = f"cgroup {tmp_path / 'absent'} cgroup rw,cpu 0 0"
    if missing == "not delegated":
        mounts = f"cgroup2 {tmp_path} cgroup2 rw 0 0"

    found = find_hierarchies("daedalus-ysb", mounts, "0::/")
    quotas = Quotas(found)

    assert quotas.why_none
    assert quotas.create("ysb-0001", 0.2) == ()
    quotas.set("ysb-0001", 0.1)
    assert quotas.members("ysb-0001") == ()
    assert not (tmp_path / "daedalus-ysb").exists()
