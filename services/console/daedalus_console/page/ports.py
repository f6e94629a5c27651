"""What the page is connected to: what is known of jobs, the past, and steering by a person."""

import asyncio
from datetime import datetime, timedelta

from starlette.requests import Request

from daedalus_console.approvals import awaited, same
from daedalus_console.errors import ChangedError, NotFoundError
from daedalus_console.live.live import Live
from daedalus_console.live.spark import Spark
from daedalus_console.live.views import JobRow
from daedalus_console.runs.promote import Wish as Promotion
from daedalus_console.web.access import Access
from daedalus_console.web.accounts import Accounts
from daedalus_console.web.api import Ports
from daedalus_console.web.people import Person
from daedalus_console.web.steering import Asked, Ended, Reply, Written
from daedalus_shared.events import Asked as Waiting
from daedalus_shared.events import Decision, Override

SHARED = timedelta(seconds=0.5)
"""How old a list of jobs may be that several who look at it share, though there is news."""

IDLE = timedelta(seconds=5)
"""How old it may be without news: jobs grow silent as time passes."""


class Console:
    """The console as the page sees it."""

    def __init__(self, ports: Ports, access: Access) -> None:
        self._ports = ports
        self._access = access
        self._rows: list[JobRow] = []
        self._made: tuple[datetime, int] | None = None
        self._sparks: dict[str, tuple[int, Spark]] = {}

    @property
    def live(self) -> Live:
        """What is known right now."""
        return self._ports.live

    def now(self) -> datetime:
        """Return the present."""
        return self._ports.clock()

    def rows(self) -> list[JobRow]:
        """Return all jobs: the same list again while there is no newer one."""
        now, revision = self.now(), self.live.standing().revision
        if self._made is not None:
            limit = IDLE if revision == self._made[1] else SHARED
            if self._made[0] <= now < self._made[0] + limit:  # a clock that was set back is no age
                return self._rows
        self._made = (now, revision)
        self._rows = self.live.rows(now, IDLE)
        return self._rows

    def spark(self, row: JobRow) -> Spark | None:
        """Return a listed job's last hour; the same one for all who see the row. None if gone."""
        made = self._sparks.get(row.job)
        if made is None or made[0] != row.revision:
            try:
                made = (row.revision, self.live.spark(row.job, self.now()))
            except NotFoundError:
                return None
            if len(self._sparks) > len(self._rows):  # of jobs that are gone
                self._sparks.clear()
            self._sparks[row.job] = made
        return made[1]

    def person(self, request: Request) -> Person:
        """Return who looks at a page; asked anew for each wish, since a token may have expired."""
        return self._access.person(request)

    def lets_in(self, request: Request) -> bool:
        """Whether who looks at a page may look still."""
        return self._access.knows(request)

    async def ask(self, request: Request, asked: Asked) -> Written:
        """Write an override, or raise `ConsoleError`."""
        person = self.person(request)
        return await asyncio.to_thread(self._ports.steering.ask, person, asked)

    async def answer(self, request: Request, job: str, seen: Waiting, reply: Reply) -> Written:
        """Say a word on the rescale that the person sees.

        Raises:
            ChangedError: Another waits meanwhile, or none.
            ConsoleError: The word is refused.
        """
        person = self.person(request)
        newest, control = self.live.decisions(job, None, 1), self.live.control(job)
        waiting = awaited(newest[0], control, self.now()) if newest else None
        if not same(waiting, seen):
            raise ChangedError("what waits for approval has changed meanwhile: look again")
        return await asyncio.to_thread(self._ports.steering.answer, person, newest[0], reply)

    async def end(self, request: Request, asked: Override, why: str) -> Written:
        """Take just this override back; `ChangedError` where it is in force no more."""
        person = self.person(request)
        ended = Ended(asked.job, asked.kind, why, asked.direction, asked.id)
        return await asyncio.to_thread(self._ports.steering.end, person, ended)

    async def forget(self, request: Request, job: str, why: str) -> Written:
        """Have what was learned of a job forgotten, or raise `ConsoleError`."""
        person, steering = self.person(request), self._ports.steering
        return await asyncio.to_thread(steering.forget, person, job, why, learned=True)

    async def promote(self, request: Request, wish: Promotion) -> Written:
        """Have another planner or forecaster obeyed, or raise `ConsoleError`."""
        person, steering = self.person(request), self._ports.steering
        written, _ = await asyncio.to_thread(steering.promote, person, wish)
        return written

    @property
    def accounts(self) -> Accounts:
        """What was promised and spent."""
        return self._ports.accounts

    async def older(self, job: str, wanted: str, tick: datetime) -> Decision | None:
        """Read a decision from its topic; None where it is not there. Raises `ConsoleError`."""
        return await self._ports.past.decision(job, wanted, tick)

    async def older_at(self, job: str, at: datetime) -> Decision | None:
        """Read the decision in effect at an instant; None where none is. Raises `ConsoleError`."""
        found, _ = await self._ports.past.decisions(job, at, 1)
        return found[0] if found else None
