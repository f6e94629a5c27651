"""CPU quotas of worker processes by control groups, version 1 or 2; without the right, none.

A group a worker. In version 1 `cpu` (the quota) and `cpuacct` (the account) may be two hierarchies,
and a worker joins both: a JVM looks for its quota in one and for its usage in the other.
"""

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger(__name__)

PERIOD = 100_000
"""Microseconds in which a quota may be used up: the kernel's default."""


@dataclass(frozen=True, slots=True)
class Hierarchies:
    """Where groups of a pool are made."""

    version: int
    """1 or 2; 0: nowhere."""

    parents: tuple[Path, ...] = ()
    """The folders of the pool, one a hierarchy, that of the quota first."""

    why: str = ""
    """Why there are no quotas."""


class Quotas:
    """The groups of one pool's workers."""

    def __init__(self, hierarchies: Hierarchies) -> None:
        self._at = hierarchies

    @property
    def why_none(self) -> str:
        """Why there are no quotas; empty when there are."""
        return self._at.why

    def create(self, worker: str, cores: float) -> tuple[Path, ...]:
        """Make a worker's groups and return the files that a process joins them by."""
        for parent in self._at.parents:
            (parent / worker).mkdir(parents=True, exist_ok=True)
        self.set(worker, cores)
        return tuple(parent / worker / "cgroup.procs" for parent in self._at.parents)

    def set(self, worker: str, cores: float) -> None:
        """Let a worker use so many cores."""
        if not self._at.parents:
            return
        group = self._at.parents[0] / worker
        quota = max(1_000, round(cores * PERIOD))  # the kernel refuses less than a millisecond
        if self._at.version == 2:
            (group / "cpu.max").write_text(f"{quota} {PERIOD}")
            return
        (group / "cpu.cfs_period_us").write_text(str(PERIOD))
        (group / "cpu.cfs_quota_us").write_text(str(quota))

    def members(self, worker: str) -> tuple[int, ...]:
        """Return the processes in a worker's group, its children included."""
        if not self._at.parents:
            return ()
        procs = self._at.parents[0] / worker / "cgroup.procs"
        try:
            return tuple(int(line) for line in procs.read_text().split())
        except FileNotFoundError:
            return ()

    def remove(self, worker: str) -> None:
        """Remove a worker's groups; one that is not empty yet stays for the next time."""
        for parent in self._at.parents:
            _remove(parent / worker)

    def exists(self, worker: str) -> bool:
        """Return whether a group of the worker is left."""
        return any((parent / worker).exists() for parent in self._at.parents)

    def remove_pool(self) -> bool:
        """Remove the pool's own groups and what is left in them; return whether all is gone."""
        for parent in self._at.parents:
            for group in parent.glob("*/"):
                _remove(group)
            _remove(parent)
        return not any(parent.exists() for parent in self._at.parents)


def find_hierarchies(pool: str, mounts: str, own: str) -> Hierarchies:
    """Return where this process may make groups for a pool, having tried.

    Args:
        pool: Name of the pool's groups, one on this machine.
        mounts: Text of /proc/self/mounts.
        own: Text of /proc/self/cgroup.
    """
    v1, v2 = _mounted(mounts)
    paths = _own_paths(own)
    if "cpu" in v1:
        controllers = [name for name in ("cpu", "cpuacct") if name in v1]
        bases = {_base(v1[name], paths.get(name, "/")): None for name in controllers}
        return _tried(1, [base / pool for base in bases])
    if v2 is not None:
        base = _base(v2, paths.get("", "/"))
        return _delegated(base / pool)
    return Hierarchies(0, why="this machine has no cpu control groups")


def _mounted(mounts: str) -> tuple[dict[str, Path], Path | None]:
    """Return where version 1's controllers and version 2 are mounted."""
    v1: dict[str, Path] = {}
    v2 = None
    for line in mounts.splitlines():
        _, place, kind, options, *_ = line.split()
        if kind == "cgroup":
            v1 |= {option: Path(place) for option in options.split(",")}
        elif kind == "cgroup2":
            v2 = Path(place)
    return v1, v2


def _own_paths(own: str) -> dict[str, str]:
    """Return this process's group by controller; version 2's under an empty name."""
    paths: dict[str, str] = {}
    for line in own.splitlines():
        _, controllers, path = line.split(":", 2)
        paths |= dict.fromkeys(controllers.split(","), path)
    return paths


def _base(mount: Path, path: str) -> Path:
    """Return this process's group; in a container its path may be the host's, and not visible."""
    inside = mount / path.lstrip("/")
    return inside if inside.is_dir() else mount


def _tried(version: int, parents: Sequence[Path]) -> Hierarchies:
    try:
        for parent in parents:
            parent.mkdir(exist_ok=True)
    except OSError as error:
        return Hierarchies(0, why=f"no control group may be made: {error}")
    return Hierarchies(version, tuple(parents))


def _delegated(parent: Path) -> Hierarchies:
    """Return version 2's place, with the cpu controller passed on to the pool and its workers."""
    found = _tried(2, [parent])
    if found.version == 0:
        return found
    try:
        for group in (parent.parent, parent):
            if "cpu" not in (group / "cgroup.subtree_control").read_text().split():
                (group / "cgroup.subtree_control").write_text("+cpu")
    except OSError as error:
        _remove(parent)
        why = f"the cpu controller is not delegated to {parent.parent}: {error}"
        return Hierarchies(0, why=why)
    return found


def _remove(group: Path) -> None:
    # A group with members says EBUSY; a fake tree's files are no reason to fail either.
    with contextlib.suppress(OSError):
        group.rmdir()


def read_hierarchies(pool: str) -> Hierarchies:
    """Return where this process may make groups for a pool, and log it when it may not."""
    mounts, own = Path("/proc/self/mounts"), Path("/proc/self/cgroup")
    if not mounts.exists():
        return Hierarchies(0, why="no /proc here")
    found = find_hierarchies(pool, mounts.read_text(), own.read_text())
    if found.why:
        log.warning("workers of %s run without CPU quotas: %s", pool, found.why)
    return found
