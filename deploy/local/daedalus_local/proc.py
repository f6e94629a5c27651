"""What Linux knows about processes: who a pid is, and which ones belong to a stack.

A pid alone is nobody's name: it is used again. A process is known by pid and start time, and those
of a stack by a variable that all of them inherit, so that none is missed and none mistaken.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

MARK = "DAEDALUS_STACK"
"""Environment variable of all processes of a stack; its value is the stack's folder."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A process of this boot of the machine."""

    pid: int
    started: int
    """Clock ticks from boot to its start."""


def identify(pid: int) -> Identity | None:
    """Return who has this pid now; None when nobody has, or only its corpse is left."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if stat.rpartition(")")[2].split()[0] in "ZX" else told(stat)


def told(stat: str) -> Identity:
    """Return whom a line of /proc/<pid>/stat is of."""
    # The second field, the name in parentheses, may contain anything.
    return Identity(int(stat.split(maxsplit=1)[0]), int(stat.rpartition(")")[2].split()[19]))


def alive(identity: Identity) -> bool:
    """Return whether exactly this process runs."""
    return identify(identity.pid) == identity


def members(home: Path) -> list[Identity]:
    """Return the processes of the stack in this folder, except the one that asks."""
    mark = f"{MARK}={home}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):  # it ended meanwhile, or is another user's
            identity = identify(int(entry.name))
            if identity and mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(identity)
    return found


def end(identities: Iterable[Identity], patience: float) -> None:
    """End processes: SIGTERM to all, and after `patience` seconds SIGKILL to who is left."""
    left = [each for each in identities if _signal(each, signal.SIGTERM)]
    deadline = time.monotonic() + patience
    while (left := [each for each in left if alive(each)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    for each in left:
        _signal(each, signal.SIGKILL)
    while any(alive(each) for each in left):
        time.sleep(0.02)


def free_memory() -> int:
    """Return the bytes of memory that a new process could use."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def _signal(identity: Identity, number: signal.Signals) -> bool:
    """Send a signal to exactly this process; return whether it was there."""
    try:
        pidfd = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return False
    try:
        # By descriptor: the pid may be somebody else's by the time that the signal is sent.
        if not alive(identity):
            return False
        signal.pidfd_send_signal(pidfd, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(pidfd)
    return True
