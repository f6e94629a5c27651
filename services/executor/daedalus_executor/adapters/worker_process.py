"""One worker as a plain process that outlives whoever started it, and is found again.

A folder a worker is the record. The worker writes into it itself, as its first act and before it
becomes the command: no kill of its starter can lose it. A process is told from a later one of the
same pid by its start time.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_LAUNCH = """\
read -r line < /proc/$$/stat && echo "$line" > "$1/stat" || exit 125
cd "$2" || exit 126
procs=$3
shift 3
while [ "$procs" -gt 0 ]; do echo $$ > "$1" || exit 125; shift; procs=$((procs - 1)); done
exec "$@"
"""
"""Shell, since it starts in a millisecond inside any quota. Each number is one write()."""

_SETTLE = 5.0
"""Seconds that a folder without a record may be that of a worker which is being started."""

_LOOK = 0.05
"""Seconds between two looks at whether a process has ended."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A process of this boot of the machine."""

    pid: int
    started: int
    """Clock ticks from boot to its start."""


def launch(
    folder: Path,
    command: Sequence[str],
    *,
    log: Path,
    cwd: Path,
    env: Mapping[str, str],
    join: Sequence[Path],
) -> int:
    """Start a command in a session of its own, registered in `folder`; return its pid.

    Args:
        folder: The worker's folder, which exists and is empty.
        command: What is run.
        log: File that its output is appended to.
        cwd: Where it runs.
        env: Its whole environment.
        join: `cgroup.procs` files that it writes itself into.
    """
    arguments = ["sh", "-c", _LAUNCH, "sh", str(folder), str(cwd), str(len(join))]
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return os.posix_spawn(
        "/bin/sh",
        [*arguments, *map(str, join), *command],
        dict(env),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), flags, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )


def registered(folder: Path) -> Identity | None:
    """Return who wrote itself into a worker's folder, or None when nobody did yet."""
    try:
        return _parse((folder / "stat").read_text())
    except FileNotFoundError:
        return None


def alive(identity: Identity) -> bool:
    """Return whether exactly this process runs; one that has ended is reaped if it was ours."""
    try:
        text = Path(f"/proc/{identity.pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    if _parse(text) != identity:
        return False
    if text.rpartition(")")[2].split()[0] not in "ZX":
        return True
    with contextlib.suppress(ChildProcessError):
        os.waitpid(identity.pid, os.WNOHANG)
    return False


def runs(folder: Path) -> bool:
    """Return whether a folder's worker runs, or is being started just now."""
    identity = registered(folder)
    if identity is not None:
        return alive(identity)
    try:
        return time.time() - folder.stat().st_mtime < _SETTLE
    except FileNotFoundError:
        return False


async def end(identity: Identity, patience: float) -> None:
    """End a process: SIGTERM, and after `patience` seconds SIGKILL to its whole session."""
    try:
        pidfd = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return
    try:
        if not alive(identity):
            return
        # By descriptor: the pid may be somebody else's by the time that the signal is sent.
        signal.pidfd_send_signal(pidfd, signal.SIGTERM)
        if await _ended(identity, patience):
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(identity.pid, signal.SIGKILL)
        await _ended(identity, patience)
    except ProcessLookupError:
        return
    finally:
        os.close(pidfd)


def kill_all(pids: Sequence[int]) -> None:
    """Kill what a worker left behind."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def forget(folder: Path) -> None:
    """Remove a worker's folder."""
    shutil.rmtree(folder, ignore_errors=True)


async def _ended(identity: Identity, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while alive(identity):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_LOOK)
    return True


def _parse(stat: str) -> Identity | None:
    """Read pid and start time, fields 1 and 22 of /proc/<pid>/stat.

    The second field, the name in parentheses, may contain anything.
    """
    pid, _, rest = stat.partition(" ")
    fields = rest.rpartition(")")[2].split()
    return Identity(int(pid), int(fields[19])) if len(fields) > 19 else None
