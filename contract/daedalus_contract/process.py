"""The service under test as a process of the kit's own, where the kit is given its command."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

_GOODBYE = 10.0
"""Seconds to end after SIGTERM."""


class ServiceProcess:
    """Started, killed and started again; its output goes to a file."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self._command = list(command)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it.

        Raises:
            OSError: There is no such command.
        """
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def ended(self) -> int | None:
        """Its exit code, when it has ended by itself."""
        return None if self._process is None else self._process.poll()

    def kill(self) -> None:
        """SIGKILL it and all that it started."""
        self._signal(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM it, and SIGKILL what is left."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_GOODBYE)
        self.kill()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)
        self._process.wait()


def say(text: str) -> None:
    """Tell how far the test is; the verdicts alone go to standard output."""
    sys.stderr.write(f"· {text}\n")
    sys.stderr.flush()
