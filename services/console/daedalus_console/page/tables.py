"""The tables of a job's page: its decisions and its rescales."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from nicegui import ui

from daedalus_console.live.views import DecisionLine, RescaleLine
from daedalus_console.page.parts import Button, Cell, Clock, Link, State, Text, card
from daedalus_console.page.words import kept, moved, outcome

LISTED = 8
"""Decisions, and rescales, of a page of their tables."""

OPEN = "(e) => { if (!e.ctrlKey && !e.metaKey && !e.shiftKey) { e.preventDefault(); emit(); } }"
"""A click on a link to a decision opens it here; with a modifier the browser does as always."""


class Decisions:
    """The newest decisions; each opens where its time is pressed."""

    def __init__(self, name: str, choose: Callable[[str], None]) -> None:
        self._name = name
        self._page = 0
        self._selected: str | None = None
        self._lines: Sequence[DecisionLine] = ()
        with card("Decisions"):
            self._none = Text(
                "p", "None yet: the planner decides at the end of each loop.", "d-empty"
            )
            with (
                ui.element("table")
                .classes("d-table d-cards")
                .props('id="decisions"') as self._table
            ):
                _heads("Time", "Decision", "Why")
                with ui.element("tbody"):
                    self._rows = [_DecisionRow(name, choose) for _ in range(LISTED)]
            with ui.element("nav").classes("d-row").props('aria-label="Older decisions"'):
                self._newer = Button("← Newer", partial(self._turn, -1), classes="d-small")
                self._older = Button("Older →", partial(self._turn, 1), classes="d-small")

    def show(self, lines: Sequence[DecisionLine]) -> None:
        """Show decisions, newest first."""
        self._lines = lines
        start = self._page * LISTED
        for place, row in enumerate(self._rows, start):
            row.show(lines[place] if place < len(lines) else None, self._selected)
        self._none.set_visibility(not lines)
        self._table.set_visibility(bool(lines))
        self._newer.enable(able=self._page > 0)
        self._older.enable(able=start + LISTED < len(lines))

    def select(self, decision: str | None) -> None:
        """Mark the row of a decision."""
        self._selected = decision
        self.show(self._lines)

    def _turn(self, by: int) -> None:
        self._page += by
        self.show(self._lines)


class _DecisionRow:
    def __init__(self, name: str, choose: Callable[[str], None]) -> None:
        self._name = name
        self._id = ""
        with ui.element("tr") as self._row:
            with ui.element("th").props('scope="row"'):
                self._link = Link("", "#")
                self._link.on("click", lambda _: choose(self._id), [], js_handler=OPEN)
                with self._link:
                    self._at = Clock()
            with Cell("Decision"):
                self._what = Text("span")
            with Cell("Why", long=True):
                self._why = Text("span")

    def show(self, line: DecisionLine | None, selected: str | None) -> None:
        self._row.set_visibility(line is not None)
        if line is None:
            return
        self._id = line.id
        self._link.lead("", f"/jobs/{self._name}/decisions/{line.id}?tick={instant(line.tick)}")
        self._at.show(line.tick)
        stays = line.chosen in (None, line.scale_out)
        now = "?" if line.scale_out is None else str(line.scale_out)
        advice = " (advice)" if line.dry_run and not stays else ""
        self._what.show(f"stay at {now}" if stays else f"{now} → {line.chosen}{advice}")
        self._what.classes(remove="d-faint", add="d-faint" if stays else "")
        self._why.show(line.sentence)
        chosen = line.id == selected
        self._row.classes(remove="" if chosen else "d-selected", add="d-selected" if chosen else "")


class Rescales:
    """The newest rescales, each with its promise beside its outcome."""

    def __init__(self, name: str, choose: Callable[[str], None]) -> None:
        self._name, self._choose = name, choose
        self._shown: Sequence[RescaleLine] | None = None
        with card("Rescales: promise / outcome"):
            self._none = Text("p", "None yet.", "d-empty")
            with (
                ui.element("table").classes("d-table d-cards").props('id="rescales"') as self._table
            ):
                _heads("Time", "Workers", "Reason", "Outcome", "Downtime", "Recovery")
                self._body = ui.element("tbody")

    def show(self, lines: Sequence[RescaleLine]) -> None:
        """Show rescales, newest first."""
        lines = lines[:LISTED]
        if lines == self._shown:
            return
        self._shown = lines
        self._none.set_visibility(not lines)
        self._table.set_visibility(bool(lines))
        self._body.clear()
        with self._body:
            for line in lines:
                self._line(line)

    def _line(self, line: RescaleLine) -> None:
        with ui.element("tr"):
            with ui.element("th").props('scope="row"'):
                if line.decision is None:
                    Clock(line.tick)
                else:
                    link = Link(
                        "",
                        f"/jobs/{self._name}/decisions/{line.decision}?tick={instant(line.tick)}",
                    )
                    link.on("click", lambda _: self._choose(line.decision), [], js_handler=OPEN)
                    with link:
                        Clock(line.tick)
            with Cell("Workers"):
                Text("span", moved(line))
            with Cell("Reason"):
                Text("span", (line.reason or "unknown").replace("_", " "))
            with Cell("Outcome"), ui.element("span"):
                State(*outcome(line))
                Text("span", f" {line.why}" if line.why else "")
            downtime, recovery = kept(line.promise, line)
            for name, text in (("Downtime", downtime), ("Recovery", recovery)):
                with Cell(name):
                    Text("span", text.replace("?", "unknown"))


def instant(at: datetime) -> str:
    """Return an instant as addresses name it.

    >>> instant(datetime(2026, 1, 1, 12, tzinfo=UTC))
    '2026-01-01T12:00:00Z'
    """
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _heads(*names: str) -> None:
    with ui.element("thead"), ui.element("tr"):
        for name in names:
            Text("th", name).props('scope="col"')
