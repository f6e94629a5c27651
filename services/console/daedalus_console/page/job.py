"""A page a job: how it runs, what is expected, what was decided and why; steering."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from nicegui import ui
from starlette.requests import Request

from daedalus_console.errors import ConsoleError, NotFoundError
from daedalus_console.live.views import JobRow, JobView, RescaleLine, Standing
from daedalus_console.overrides import ended
from daedalus_console.page import shown
from daedalus_console.page.charts.model import Timeline
from daedalus_console.page.decision import headline, tell
from daedalus_console.page.frame import frame, refreshing
from daedalus_console.page.needs import Needs, Newest
from daedalus_console.page.parts import Button, Clock, Link, State, Text
from daedalus_console.page.plots import Main, Smaller
from daedalus_console.page.ports import Console
from daedalus_console.page.steering import LATELY, Awaiting, Ended, InForce, Steer
from daedalus_console.page.tables import Decisions, Rescales, instant
from daedalus_console.page.tiles import Tiles
from daedalus_console.page.words import KINDS
from daedalus_console.page.words import headline as running
from daedalus_shared.events import Decision

GONE = (
    "This job is not declared, or was forgotten. The page goes on once it is declared: "
    "daedalus apply -f job.yaml"
)


@dataclass(frozen=True, slots=True)
class Opened:
    """The decision that an address names."""

    id: str
    tick: datetime | None
    """By which it is found on its topic; None for one that is in memory, or not to be found."""


def job(console: Console, name: str, opened: Opened | None, request: Request) -> None:
    """Make the page, with a decision opened where the address names one."""
    with frame(console, name):
        try:
            view = console.live.view(name, console.now())
        except NotFoundError:
            _missing(console, name)
            return
        page = JobPage(console, view, request)
        page.start()
        if opened is not None:
            ui.timer(0, partial(page.open, opened), once=True)


def _missing(console: Console, name: str) -> None:
    with ui.element("section").classes("d-card"):
        Text("h1", f"No job {name} is known")
        with ui.element("p"):
            Text("span", "It is not declared, or not read yet. Declare it: ")
            Text("code", "daedalus apply -f job.yaml")
        Text("p", "This page shows the job as soon as it is known.", "d-faint")
        Link("All jobs", "/")

    def look(_: Standing) -> None:
        if console.live.knows(name):
            ui.navigate.reload()

    refreshing(console, look)


class JobPage:
    """One job, for one person who looks at it."""

    def __init__(self, console: Console, view: JobView, request: Request) -> None:
        self._console = console
        self._name = view.row.job
        self._revision = -1
        self._undeclared = False
        self._decision: Decision | None = None
        self._rescale: RescaleLine | None = None
        self._reading: asyncio.Future[Decision | None] | None = None
        Link("← All jobs", "/")
        with ui.element("div").classes("d-row").style("margin: 6px 0 10px"):
            Text("h1", self._name)
            self._state = State()
            self._running = Text("span", classes="d-faint")
            Text("span", classes="d-grow")
            Link("Account: cost, promises, standings", f"/jobs/{self._name}/account")
        self._said = Text("p")
        self._said.props('role="status" aria-live="polite"')
        self._needs = Needs()
        self._newest = Newest(self._name, self.choose)
        steer = Steer(console, self._name, request, self._said)
        self._awaiting = Awaiting(steer)
        self._in_force = InForce(steer)
        self._ended = Ended()
        self._tiles = Tiles()
        self._main = Main(self._name, self._mark, self.choose_at)
        self._panel = ui.element("section").classes("d-card")
        self._panel.props('id="decision" tabindex="-1" aria-label="Decision"')
        self._panel.on("keydown.escape", self._close, [])
        self._panel.set_visibility(False)
        self._decisions = Decisions(self._name, self.choose)
        self._rescales = Rescales(self._name, self.choose)
        self._smaller = Smaller()
        self.show(view)

    def start(self) -> None:
        """Draw the charts once the text is shown, and follow the job as long as it is open."""
        ui.timer(0, self._begin, once=True)
        ui.context.client.on_delete(self._leave)
        refreshing(self._console, self._look)

    def _begin(self) -> None:
        self._main.begin()
        self._smaller.begin()

    def _look(self, _: Standing) -> None:
        self.show(self._view())

    def _view(self) -> JobView:
        now = self._console.now()
        return self._console.live.view(
            self._name, now, since=self._main.since(now), listed=Decisions.KNOWN
        )

    def show(self, view: JobView) -> None:
        """Show the job as it is now."""
        row = view.row
        self._state.become(row.state.value, KINDS[row.state])
        self._running.show(running(row))
        self._needs.show(row, view.rescales, view.lost)
        self._newest.show(row.decision)
        self._awaiting.show(row.asked, row.scale_out)
        self._in_force.show(row.overrides)
        self._ended.show(ended(view.asked, self._console.now() - LATELY))
        self._tiles.show(row)
        if row.revision == self._revision:
            return
        self._revision = row.revision
        gone = not row.declared and self._forgotten(row)
        if gone != self._undeclared:
            self._undeclared = gone
            self._said.show(GONE if gone else "")
        self._main.show(self._timeline(view))
        self._decisions.show(view.decisions)
        self._rescales.show(view.rescales)
        self._smaller.show(view)
        self._follow_up(view.rescales)

    def _forgotten(self, row: JobRow) -> bool:
        return row.seen is None or bool(self._console.live.control(self._name).forgets)

    def choose(self, decision: str) -> None:
        """Open a decision that is in memory."""
        found = self._console.live.decision(self._name, decision)
        if found is None:
            self._gone()
        else:
            self._open(found)

    async def open(self, opened: Opened) -> None:
        """Open the decision that an address names, from its topic where it is a while ago."""
        found = self._console.live.decision(self._name, opened.id)
        if found is None and opened.tick is not None:
            older = self._console.older(self._name, opened.id, opened.tick)
            try:
                found = await self._reading_of(older)
            except ConsoleError as error:
                self._said.show(f"This decision could not be read: {error}.")
                return
        if found is None:
            self._gone()
        else:
            self._open(found)

    async def choose_at(self, milliseconds: Any) -> None:
        """Open the decision in effect at an instant."""
        now = self._console.now()
        at = min(now, datetime.fromtimestamp(float(milliseconds) / 1000, UTC))
        found = self._console.live.decision_at(self._name, at)
        if found is None:
            self._said.show("Reading what lies on the topics …")
            try:
                found = await self._reading_of(self._console.older_at(self._name, at))
            except ConsoleError as error:
                self._said.show(f"The decision of that time could not be read: {error}.")
                return
            except Exception:  # a bug, which the log tells: here it would read for ever
                self._said.show("The console failed to read it; its log says why.")
                raise
            self._said.show("" if found else "No decision of that time is kept.")
        if found is not None:
            self._open(found)

    async def _reading_of(self, older: Coroutine[Any, Any, Decision | None]) -> Decision | None:
        """Wait for what is read from the topics, in place of what was being read."""
        self._leave()
        self._reading = asyncio.ensure_future(older)
        return await self._reading

    def _leave(self) -> None:
        """End a reading that nobody waits for."""
        if self._reading is not None:
            self._reading.cancel()

    def _open(self, found: Decision) -> None:
        self._decision = found
        self._tell()
        self._panel.set_visibility(True)
        path = f"/jobs/{self._name}/decisions/{found.id}?tick={instant(found.tick)}"
        ui.run_javascript(f"daedalus.address('{path}');daedalus.enter('decision')")
        self._mark()

    def _mark(self) -> None:
        view = self._view()
        self._main.show(self._timeline(view), whole=True)
        self._decisions.select(self._decision.id if self._decision else None)

    def _timeline(self, view: JobView) -> Timeline:
        return shown.timeline(view, self._decision.tick if self._decision else None)

    def _gone(self) -> None:
        self._panel.set_visibility(True)
        self._panel.clear()
        with self._panel:
            Text("h2", "This decision is not kept any more")
            Text("p", "Decisions are kept on their topic for a month, if it was not changed.")
            Button("Close", self._close, classes="d-small")

    def _follow_up(self, rescales: Sequence[RescaleLine]) -> None:
        """Tell the open decision anew when something has come of it."""
        if self._decision is None or self._decision.command is None:
            return
        if self._came(rescales) != self._rescale:
            self._tell()

    def _came(self, rescales: Sequence[RescaleLine]) -> RescaleLine | None:
        wanted = self._decision.command if self._decision else None
        return next((one for one in rescales if one.command == wanted), None)

    def _tell(self) -> None:
        decision = self._decision
        if decision is None:
            return
        view = self._console.live.view(self._name, self._console.now(), listed=1000)
        self._rescale = self._came(view.rescales) if decision.command else None
        order = [line.id for line in view.decisions]
        place = order.index(decision.id) if decision.id in order else -1
        self._panel.clear()
        with self._panel:
            with ui.element("div").classes("d-row d-spread"):
                with ui.element("h2"):
                    Text("span", "Decision of ")
                    Clock(decision.tick, "full")
                    Text("span", f": {headline(decision)}")
                with ui.element("div").classes("d-row"):
                    self._step("← Earlier", order, place + 1 if place >= 0 else -1)
                    self._step("Later →", order, place - 1)
                    Button("Close", self._close, classes="d-small")
            tell(decision, self._rescale)

    def _step(self, text: str, order: Sequence[str], place: int) -> None:
        there = 0 <= place < len(order)
        go = partial(self.choose, order[place]) if there else None
        Button(text, go, classes="d-small").enable(able=there)

    def _close(self) -> None:
        self._decision = None
        self._panel.set_visibility(False)
        ui.run_javascript(f"daedalus.address('/jobs/{self._name}');daedalus.leave('main')")
        self._mark()
