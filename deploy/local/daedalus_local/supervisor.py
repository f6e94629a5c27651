"""Keeps the processes of a stack running: `python -m daedalus_local.supervisor HOME`.

It starts them in order, restarts what ends, and ends all on SIGTERM. Its children die with it, and
what outlives a SIGKILL (the workers, which are the executor's) is found by `lifecycle`.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import NoReturn

from daedalus_local.child import Child
from daedalus_local.errors import StackError
from daedalus_local.home import Home, Options, Running, Stack
from daedalus_local.proc import Identity, identify

BACK_OFF = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before each restart in a row; the last repeats."""

PROVEN = 60.0
"""Seconds of running after which a process's earlier ends no longer count."""


_SERVERS = ("kafka", "jobmanager")
"""The children that the others talk to."""


class StopRequested(BaseException):
    """SIGTERM came. Not an `Exception`, so that nothing on the way takes it for a failure."""


class Kept:
    """A child that is to run: started again when it ends, later each time."""

    def __init__(self, child: Child, *, restart: bool = True, url: str | None = None) -> None:
        self.child = child
        self.url = url
        self._restart = restart
        self._restarts = 0
        self._in_a_row = 0
        self._began = 0.0
        self._due: float | None = None
        self._identity: Identity | None = None

    def start(self) -> None:
        """Start the process."""
        self.child.start()
        self._began = time.monotonic()
        self._due = None
        self._identity = identify(self.child.pid)

    def look(self) -> bool:
        """Restart the process if it ended and its time has come; return whether it changed."""
        now = time.monotonic()
        if self.child.running or (not self._restart and self._due is None):
            return False
        if self._due is None:
            self._in_a_row = 0 if now - self._began > PROVEN else self._in_a_row
            self._due = now + BACK_OFF[min(self._in_a_row, len(BACK_OFF) - 1)]
            return True
        if now < self._due:
            return False
        self._in_a_row += 1
        self._restarts += 1
        self.start()
        return True

    @property
    def running(self) -> Running:
        """Return what the registry says of it."""
        identity = self._identity or Identity(self.child.pid, 0)
        return Running(
            name=self.child.name,
            pid=identity.pid,
            started=identity.started,
            log=str(self.child.log),
            restarts=self._restarts,
            state=self._state(),
            url=self.url,
        )

    def _state(self) -> str:
        if self.child.running:
            return "running"
        if self._restart:
            return "waiting"
        return "ended" if self.child.exit_code == 0 else "failed"


class Supervisor:
    """The stack's processes and their record in the registry."""

    def __init__(self, home: Home, options: Options) -> None:
        self.home = home
        me = identify(os.getpid())
        assert me is not None  # noqa: S101 - it is this very process
        self._stack = Stack(
            state="starting", supervisor=me, since=time.time(), job=options.shown, options=options
        )
        self._kept: list[Kept] = []
        self._ended: set[str] = set()

    def step(self, text: str) -> None:
        """Record what is being done."""
        self.record(step=text)

    def record(self, **changes: object) -> None:
        """Change the registry."""
        processes = tuple(kept.running for kept in self._kept)
        self._stack = replace(self._stack, processes=processes, **changes)  # type: ignore[arg-type] # the names are those of its fields
        self.home.write(self._stack)

    def note(self, text: str) -> None:
        """Record something that a person should know."""
        self.record(notes=(*self._stack.notes, text))

    def adopt(self, child: Child, *, restart: bool = True, url: str | None = None) -> None:
        """Start a child and keep it."""
        kept = Kept(child, restart=restart, url=url)
        kept.start()
        self._kept.append(kept)
        self.record()

    def log(self, name: str) -> Path:
        """Return the log file of a process."""
        return self.home.logs / f"{name}.log"

    def keep(self) -> NoReturn:
        """Restart what ends, for ever."""
        while True:
            self.look()
            time.sleep(0.25)

    def look(self) -> None:
        """Restart what has ended and is due."""
        changed = [kept.look() for kept in self._kept]
        ended = {kept.child.name for kept in self._kept if not kept.child.running}
        if any(changed) or ended != self._ended:
            self._ended = ended
            self.record()

    def stop(self, end_workers: Callable[[], None]) -> None:
        """End all children, the servers last: workers take their leave of them.

        Nobody is left by then to start workers anew.
        """
        self._stop(server=False)
        try:
            end_workers()
        finally:
            self._stop(server=True)

    def _stop(self, *, server: bool) -> None:
        children = [kept.child for kept in self._kept if (kept.child.name in _SERVERS) == server]
        for child in children:
            child.terminate()
        for child in children:
            child.stop()


def main(arguments: list[str]) -> int:
    """Run the stack of a home until SIGTERM; return the exit code."""
    from daedalus_local.stack import bring_up  # noqa: PLC0415 - only the supervisor needs it
    from daedalus_local.workers import down  # noqa: PLC0415

    home = Home(Path(arguments[0]))
    options = Options(**json.loads(arguments[1]))
    heed_stops()
    supervisor = Supervisor(home, options)
    failed = ""
    try:
        bring_up(supervisor, options)
        supervisor.record(state="ready", step="")
        supervisor.keep()
    except StackError as error:
        failed = str(error)
    except StopRequested:
        supervisor.record(state="stopping")
    finally:
        _heed(signal.SIG_IGN)
        supervisor.stop(lambda: down(home.pools) if home.pools.exists() else None)
    supervisor.record(state="failed" if failed else "stopped", step=failed)
    return 1 if failed else 0


def heed_stops() -> None:
    """Raise `StopRequested` at the first SIGTERM or SIGINT, and never again.

    A second one, as of a terminal and of whoever holds the leash, must not cut the ending short.
    """
    _heed(_request_stop)


def _request_stop(_number: int, _frame: FrameType | None) -> NoReturn:
    _heed(signal.SIG_IGN)
    raise StopRequested


def _heed(handler: Callable[[int, FrameType | None], object] | signal.Handlers) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
