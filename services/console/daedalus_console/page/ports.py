"""What the page is connected to: what is known of jobs, and a way to say what people want."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from starlette.requests import Request

from daedalus_console.live.live import Live
from daedalus_console.live.views import JobRow
from daedalus_console.rescales import Story
from daedalus_shared.events import Direction, OverrideKind


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person typed into a dialog."""

    job: str
    kind: OverrideKind
    until: str
    why: str
    direction: Direction = Direction.BOTH
    scale_out: int | None = None


class Steering(Protocol):
    """Writes what people want; a `ConsoleError` says why it was refused."""

    async def ask(self, asked: Asked, author: str) -> datetime:
        """Ask for an override; return the instant from which a tick's end counts it in."""

    async def end(self, job: str, kind: OverrideKind, way: Direction, author: str) -> None:
        """Take back an override."""


@dataclass
class Ports:
    """All that the page is connected to."""

    live: Live
    clock: Callable[[], datetime]
    author: Callable[[Request], str]
    """Who looks at the page."""

    steering: Callable[[Request], Steering | None]
    """What this person may steer by; None for one who may only read."""

    story: Callable[[str, str], Awaitable[Story | None]] | None = None
    """Reads a decision by job and id from the topics, where it is not in memory any more."""

    _rows: tuple[datetime, list[JobRow]] | None = field(default=None, init=False)

    def rows(self) -> list[JobRow]:
        """Return all jobs, at most a second old: all who look at the list share them."""
        now = self.clock()
        if self._rows is None or now - self._rows[0] >= timedelta(seconds=1):
            self._rows = (now, self.live.rows(now))
        return self._rows[1]
