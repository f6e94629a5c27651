"""What the page is given of the application: the same code as the API's, for the same people."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from fastapi import FastAPI
from starlette.requests import Request

from daedalus_console.page import app as pages
from daedalus_console.page.ports import Asked
from daedalus_console.page.ports import Ports as PagePorts
from daedalus_console.web import api, steering
from daedalus_console.web.access import Access
from daedalus_console.web.api import Ports
from daedalus_console.web.people import Person
from daedalus_shared.events import Direction, OverrideKind


@dataclass(frozen=True, slots=True)
class PageSteering:
    """Writes for one who has a page open; who may no more is refused, the page open or not."""

    steering: steering.Steering
    access: Access
    request: Request
    """Of the page: what it carried is judged anew at each write, since tokens expire."""

    async def ask(self, asked: Asked, author: str) -> datetime:
        """Ask for an override; return the instant from which a tick's end counts it in."""
        wanted = steering.Asked(
            asked.job, asked.kind, asked.until, asked.why, asked.direction, asked.scale_out
        )
        person = self._person(author)
        written = await asyncio.to_thread(self.steering.ask, person, wanted)
        return written.effective

    async def end(self, job: str, kind: OverrideKind, way: Direction, author: str) -> None:
        """Take back an override."""
        await asyncio.to_thread(self.steering.end, self._person(author), job, kind, way)

    def _person(self, author: str) -> Person:
        found = self.access.person(self.request)
        assert found.name == author, "the page names who opened it"  # noqa: S101
        return found


def mount(app: FastAPI, ports: Ports, access: Access) -> None:
    """Serve the page from `/` on, after all other routes."""

    def may_steer(request: Request) -> PageSteering | None:
        if not _person(request).steers:
            return None
        return PageSteering(ports.steering, access, request)

    pages.mount(
        app,
        PagePorts(
            live=ports.live,
            clock=ports.clock,
            author=lambda request: _person(request).name,
            steering=may_steer,
            story=lambda job, decision: api.story(ports, job, decision),
        ),
    )


def _person(request: Request) -> Person:
    found = request.state.person
    assert isinstance(found, Person)  # noqa: S101 -- the guard put it there
    return found
