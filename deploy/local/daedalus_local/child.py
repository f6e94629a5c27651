"""One process of the stack: in a session of its own, its output in a log file.

It knows nothing of what it runs. Whoever starts it stops it; should the starter be killed, the
kernel kills the child too (where `setpriv` exists), so that a crashed test leaves no JVM behind.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from daedalus_local.errors import StackError

STOP_TIMEOUT = 15.0
"""Seconds between SIGTERM and SIGKILL: a broker flushes its log within 5 s on a busy machine."""

_LET_GO: list[subprocess.Popen[bytes]] = []
"""Processes that live longer than their `Child`: Python warns of one that nobody refers to."""


class Child:
    """A process that this one started and will stop.

    `leash` names the signal that it gets when its starter dies; None lets it live on.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        leash: str | None = "KILL",
    ) -> None:
        self.name = name
        self.log = log
        self._command = [*_leash(leash), *command]
        self._env = dict(env or {})
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Return the pid of the running or last process."""
        if self._process is None:
            raise StackError(f"{self.name} was not started")
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Return how the process ended, or None while it runs or before it was started."""
        return None if self._process is None else self._process.poll()

    @property
    def running(self) -> bool:
        """Return whether the process was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process unless it runs; its log is appended to."""
        if self.running:
            return
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            try:
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **self._env},
                    start_new_session=True,
                )
            except OSError as error:
                raise StackError(f"cannot start {self.name}: {error}") from error

    def terminate(self) -> None:
        """Ask the process to end, without waiting for it."""
        if self._process is not None and self.running:
            self._process.terminate()

    def stop(self, timeout: float = STOP_TIMEOUT) -> None:
        """End the process: SIGTERM, then SIGKILL after `timeout` seconds."""
        if self._process is None:
            return
        self.terminate()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the process at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def let_go(self) -> None:
        """Leave the process to itself: it runs on after this object is gone."""
        if self._process is not None:
            _LET_GO.append(self._process)

    def last_lines(self, count: int = 5) -> str:
        """Return the end of the log, to say why the process died."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 8192))
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join([line for line in lines if line.strip()][-count:])


def _leash(signal: str | None) -> list[str]:
    """Return a prefix that has the kernel signal the process when its parent dies, if there is one.

    A wrapper and not a hook between fork and exec: such a hook runs Python in a copy of a process
    whose other threads (librdkafka's) are gone, which may deadlock.
    """
    setpriv = shutil.which("setpriv") if signal else None
    return [setpriv, "--pdeathsig", signal, "--"] if setpriv and signal else []
