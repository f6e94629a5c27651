"""Service processes that are killed and started again, as an orchestrator would."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path


class Replica:
    """One process of a service; it is started again whenever it has ended."""

    def __init__(
        self, name: str, argv: Sequence[str], env: Mapping[str, str], directory: Path
    ) -> None:
        self.name = name
        leash = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        self._argv = [*leash, sys.executable, *argv]  # it dies with the test, however that ends
        self._env = {**os.environ, **env}
        self.log = directory / f"{name}.log"
        self.crashes = 0
        """How often it ended by itself."""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def code(self) -> int | None:
        """How it ended; None while it runs."""
        assert self._process is not None
        return self._process.poll()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._argv, env=self._env, stdout=log, stderr=log, start_new_session=True
            )

    def tend(self) -> None:
        """Start it again if it has ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            self.crashes += 1
            self.start()

    def kill(self) -> None:
        """SIGKILL it, with whatever it was doing."""
        assert self._process is not None
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def terminate(self) -> float:
        """SIGTERM it and return the seconds until it had ended."""
        assert self._process is not None
        began = time.monotonic()
        self._process.terminate()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()
        return time.monotonic() - began

    def until_logged(self, text: str, timeout: float = 240, times: int = 1) -> bool:
        """Wait until its log holds a text so many times; says whether it does."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.log.exists() and self.log.read_text(errors="replace").count(text) >= times:
                return True
            time.sleep(0.1)
        return False

    def tail(self, lines: int = 30) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


@contextmanager
def running(*replicas: Replica) -> Iterator[None]:
    """Start all, and kill all at the end."""
    try:
        for replica in replicas:
            replica.start()
        yield
    finally:
        for replica in replicas:
            if replica._process is not None:
                replica.kill()
