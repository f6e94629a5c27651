"""The tables of a job's page: its decisions, its rescales, and how wrong its forecasts were."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from nicegui import ui

from daedalus_console.figures import share
from daedalus_console.live.views import DecisionLine, RescaleLine
from daedalus_console.page.folding import Run, folded
from daedalus_console.page.parts import Button, Cell, Clock, Link, State, Text, card
from daedalus_console.page.words import kept, moved, outcome, seconds
from daedalus_shared.events import HorizonError

LISTED = 8
"""Decisions, and rescales, of a page of their tables."""

TIMES = "\u00d7"

OPEN = "(e) => { if (!e.ctrlKey && !e.metaKey && !e.shiftKey) { e.preventDefault(); emit(); } }"
"""A click on a link to a decision opens it here; with a modifier the browser does as always."""


class Decisions:
    """The newest decisions; each opens where its time is pressed.

    Those that say the same again are one row until it is unfolded, so that what changed is seen.
    """

    KNOWN = 200
    """Decisions, and rescales, of which a page knows; most say the same as the one before."""

    def __init__(self, name: str, choose: Callable[[str], None]) -> None:
        self._name = name
        self._page = 0
        self._selected: str | None = None
        self._lines: Sequence[DecisionLine] = ()
        self._unfolded: frozenset[str] = frozenset()
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
                    self._rows = [_DecisionRow(name, choose, self._fold) for _ in range(LISTED)]
            with ui.element("nav").classes("d-row").props('aria-label="Older decisions"'):
                self._newer = Button("← Newer", partial(self._turn, -1), classes="d-small")
                self._older = Button("Older →", partial(self._turn, 1), classes="d-small")

    def show(self, lines: Sequence[DecisionLine]) -> None:
        """Show decisions, newest first."""
        self._lines = lines
        self._unfolded &= {line.id for line in lines}
        runs = folded(lines, self._unfolded)
        self._page = min(self._page, max(0, (len(runs) - 1) // LISTED))
        start = self._page * LISTED
        for place, row in enumerate(self._rows, start):
            row.show(runs[place] if place < len(runs) else None, self._selected)
        self._none.set_visibility(not lines)
        self._table.set_visibility(bool(lines))
        self._newer.enable(able=self._page > 0)
        self._older.enable(able=start + LISTED < len(runs))

    def select(self, decision: str | None) -> None:
        """Mark the row of a decision."""
        self._selected = decision
        self.show(self._lines)

    def _turn(self, by: int) -> None:
        self._page += by
        self.show(self._lines)

    def _fold(self, run: Run) -> None:
        every = {line.id for line in run.all}
        self._unfolded = self._unfolded - every if run.unfolded else self._unfolded | every
        self.show(self._lines)


class _DecisionRow:
    def __init__(
        self, name: str, choose: Callable[[str], None], fold: Callable[[Run], None]
    ) -> None:
        self._name, self._choose, self._fold = name, choose, fold
        self._run: Run | None = None
        with ui.element("tr") as self._row:
            with ui.element("th").props('scope="row"'):
                self._link = Link("", "#")
                self._link.on("click", lambda _: self._opened(), [], js_handler=OPEN)
                with self._link:
                    self._at = Clock()
                with ui.element("span").classes("d-since") as self._since:
                    Text("span", "since ")
                    self._from = Clock()
            with Cell("Decision"), ui.element("span"):
                self._what = Text("span")
                self._button = Button("", self._folded, classes="d-small d-fold")
            with Cell("Why", long=True):
                self._why = Text("span")

    def _opened(self) -> None:
        if self._run is not None:
            self._choose(self._run.newest.id)

    def _folded(self) -> None:
        if self._run is not None:
            self._fold(self._run)

    def show(self, run: Run | None, selected: str | None) -> None:
        self._row.set_visibility(run is not None)
        if run is None:
            return
        self._run, line = run, run.newest
        self._link.lead("", f"/jobs/{self._name}/decisions/{line.id}?tick={instant(line.tick)}")
        self._at.show(line.tick)
        count = len(run.all)
        self._since.set_visibility(count > 1 and not run.unfolded)
        self._from.show(run.all[-1].tick)
        now = "?" if line.scale_out is None else str(line.scale_out)
        advice = " (advice)" if line.dry_run and not run.stays else ""
        self._what.show(f"stay at {now}" if run.stays else f"{now} → {line.chosen}{advice}")
        self._what.classes(remove="d-faint", add="d-faint" if run.stays else "")
        self._button.set_visibility(count > 1 and run.heads)
        self._button.show(f"{'▾' if run.unfolded else '▸'} {count} {TIMES}")
        verb = "Fold" if run.unfolded else "Show"
        self._button.told(expanded=run.unfolded, label=f"{verb} {count} that say the same")
        self._why.show(line.sentence)
        chosen = selected is not None and run.holds(selected)
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


class Horizons:
    """How wrong a forecaster lately was, by how far ahead."""

    def __init__(self) -> None:
        self._shown: Sequence[HorizonError] | None = None
        self._table = ui.element("table").classes("d-table d-horizons")

    def show(self, errors: Sequence[HorizonError]) -> None:
        """Show errors, the nearest first."""
        if errors == self._shown:
            return
        self._shown = errors
        self._table.set_visibility(bool(errors))
        self._table.clear()
        covered = any(one.coverage is not None for one in errors)
        most = max((one.wape for one in errors), default=0.0)
        with self._table:
            Text("caption", "Lately" + ("; the band is to hold 80 %." if covered else "."))
            _heads("Ahead", "Off by", *(["In the band"] if covered else []))
            with ui.element("tbody"):
                for one in errors:
                    self._line(one, most, covered=covered)

    def _line(self, one: HorizonError, most: float, *, covered: bool) -> None:
        with ui.element("tr"):
            Text("th", seconds(one.horizon)).props('scope="row"')
            with ui.element("td"), ui.element("div").classes("d-load"):
                Text("span", share(one.wape, 1.0), "d-figure")
                bar = ui.element("div").classes("d-bar")
                bar.style(f"width: {60 * one.wape / most if most else 0:.0f}%")
            if covered:
                Text("td").show(share(one.coverage, 1.0))


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
