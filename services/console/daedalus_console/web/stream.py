"""Server-sent events: what changes, as it changes.

`job` carries a job's row, `standing` how the reader is. The id of an event names the process and
the revision: who comes back with the last one gets what changed since, or everything where another
process answers.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import uuid4

from pydantic import BaseModel

from daedalus_console.errors import ConsoleError, NotFoundError
from daedalus_console.live.live import Live
from daedalus_console.live.views import JobRow
from daedalus_console.telemetry import LISTENERS

HEARTBEAT = 15.0
"""Seconds of silence after which a comment is sent: proxies close what is silent."""

AGING = 5.0
"""Seconds between two looks at what time alone has changed, one for all who listen."""

GATHER = 0.25
"""Seconds for which changes are gathered: each stream is sent a job four times a second at most."""

SHARED = timedelta(seconds=1)
"""How old a row may be that several listeners are sent, while nothing came of its job since."""

RETRY = 2_000
"""Milliseconds after which a browser comes back."""


class FullError(ConsoleError):
    """So many listen that no more can."""


class Streams:
    """The event streams of this process."""

    def __init__(self, live: Live, clock: Callable[[], datetime], most: int) -> None:
        self._live = live
        self._clock = clock
        self._most = most
        self._open = 0
        self._process = uuid4().hex[:8]
        self._looked: datetime | None = None

    async def events(
        self, job: str | None, last: str | None, let_in: Callable[[], bool]
    ) -> AsyncGenerator[str, None]:
        """Yield events, as text of the stream, for as long as who listens is let in.

        Args:
            job: Only about this job.
            last: `Last-Event-ID`; None for a new listener, who is told of what changes from now on.
            let_in: Whether they are still; asked before anything is sent, and every few seconds.

        Raises:
            FullError: Too many listen.
        """
        if self._open >= self._most:
            raise FullError(f"{self._most} listen already; close a stream or page")
        self._open += 1
        LISTENERS.set(self._open)
        begun, time = self._live.feed.through, asyncio.get_running_loop().time
        # First to listen, then to read: nothing that changes in between is missed.
        changes = self._live.feed.changes(AGING)
        waiting = asyncio.ensure_future(anext(changes))
        try:
            await asyncio.sleep(0)
            self._age()
            yield f"retry: {RETRY}\n\n"
            yield self._greeting(job, last, begun)
            sent = time()
            while True:
                changed = await waiting
                if not let_in():
                    return
                names = changed.jobs if job is None else changed.jobs & {job}
                told = self._jobs(names, changed.through)
                if changed.standing:
                    told += _text("standing", self._live.standing())
                if told or time() - sent >= HEARTBEAT:
                    yield told or ": still here\n\n"
                    sent = time()
                self._age()
                await asyncio.sleep(GATHER)
                waiting = asyncio.ensure_future(anext(changes))
        finally:
            self._open -= 1
            LISTENERS.set(self._open)
            waiting.cancel()

    def _greeting(self, job: str | None, last: str | None, begun: int) -> str:
        standing = self._live.standing()
        if last is None:
            return _text("standing", standing, f"{self._process}-{begun}")
        process, _, revision = last.partition("-")
        known = int(revision) if process == self._process and revision.isdecimal() else -1
        names = self._live.changed_since(known)
        told = self._jobs(names if job is None else names & {job}, standing.revision)
        return told + _text("standing", standing)

    def _age(self) -> None:
        """Have all who listen told of what time alone has changed, where that is due."""
        now = self._clock()
        # A clock that was set back is no age.
        if self._looked is None or not timedelta() <= now - self._looked < timedelta(seconds=AGING):
            self._looked = now
            self._live.age(now)

    def _jobs(self, names: Iterable[str], through: int) -> str:
        """Return jobs in the order of their revisions: who is cut off has all before the last.

        A row may be newer than what was told, and another change before it not told yet: so no id
        is beyond `through`, the revision up to which all is told with these.
        """
        now, rows = self._clock(), list[JobRow]()
        for name in names:
            with suppress(NotFoundError):
                rows.append(self._live.row(name, now, SHARED))
        rows.sort(key=lambda row: row.revision)
        return "".join(
            _text("job", row, f"{self._process}-{min(row.revision, through)}") for row in rows
        )


def _text(kind: str, data: BaseModel, known: str | None = None) -> str:
    marked = f"id: {known}\n" if known else ""
    return f"event: {kind}\n{marked}data: {data.model_dump_json()}\n\n"
