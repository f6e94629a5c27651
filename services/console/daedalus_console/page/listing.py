"""The list of jobs: one row a job, sorted, searched and paged on the server, live."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from urllib.parse import urlencode

from nicegui import ui

from daedalus_console.figures import number
from daedalus_console.live.views import JobRow, State
from daedalus_console.page.choose import FALLS_FIRST, SIZE, Choice, Order, shown
from daedalus_console.page.frame import PERIOD, frame
from daedalus_console.page.parts import Button, Cell, Clock, Link, Load, Sparkline, Text
from daedalus_console.page.parts import State as StateWord
from daedalus_console.page.ports import Console
from daedalus_console.page.words import KINDS, ahead, moving, saved

COLUMNS = {
    Order.JOB: "Job",
    Order.STATE: "State",
    Order.WORKERS: "Workers",
    Order.LOAD: "Load of capacity",
    Order.LAG: "Lag, records",
    Order.MOVE: "Next expected move",
    Order.SAVED: "Worker-hours saved today",
}

HOUR = "Last hour"

FEW = 5
"""Jobs up to which there is room to say what leads on."""


def listing(console: Console, choice: Choice) -> None:
    """Make the page."""
    with frame(console, ""):
        Listing(console, choice)


class Listing:
    """The table and what steers it."""

    def __init__(self, console: Console, choice: Choice) -> None:
        self._console = console
        self._choice = choice
        self._rows: Sequence[JobRow] = ()
        Text("h1", "Jobs", "d-visually-hidden")
        with ui.element("div").classes("d-row d-spread").style("margin-top: 12px"):
            search = ui.element("input").classes("d-search")
            search.props('type="search" aria-label="Search jobs by name or state"')
            search.props('placeholder="Search by name or state" autocomplete="off"')
            search.props["^value"] = choice.search  # an attribute: what is typed stays
            search.on("input", lambda event: self._search(event.args), js_handler=_VALUE)
            with ui.element("div").classes("d-row d-grow") as chips:
                chips.props('role="group" aria-label="By state"')
                self._chips = {state: Chip(state, partial(self._only, state)) for state in State}
            self._count = Text("span", classes="d-faint")
            self._count.props('role="status"')
            Link("Cost of all jobs", "/cost")
        self._empty = ui.element("div").classes("d-card d-empty")
        with self._empty:
            self._why_empty = Text("span", "No job is declared yet: ")
            self._how = Text("code", "daedalus apply -f job.yaml")
        with ui.element("table").classes("d-table d-cards").props('id="jobs"') as self._table:
            self._heads = {}
            with ui.element("thead"), ui.element("tr"):
                for order, name in COLUMNS.items():
                    with ui.element("th").props('scope="col"') as head:
                        Button(name, partial(self._sort, order))
                    self._heads[order] = head
                    if order is Order.LOAD:
                        _last_hour_head()
            with ui.element("tbody"):
                self._lines = [Line(console) for _ in range(SIZE)]
        with ui.element("nav").classes("d-row").props('aria-label="Pages"') as self._pages:
            self._back = Button("← Back", lambda: self._turn(-1))
            self._where = Text("span")
            self._on = Button("Next →", lambda: self._turn(1))
        self._hint = ui.element("p").classes("d-faint").style("margin-top: 14px")
        with self._hint:
            Text("span", "A job's name leads to what is seen and expected of it, why it has so ")
            Text("span", "many workers, and how to steer it. Another is declared by ")
            Text("code", "daedalus apply")
        self._show()
        ui.timer(PERIOD, self._look)

    def _look(self) -> None:
        if self._console.rows() is not self._rows:
            self._show()

    def _choose(self, choice: Choice) -> None:
        self._choice = choice
        query = urlencode(choice.query())
        ui.run_javascript(f"daedalus.address('/{'?' + query if query else ''}')")
        self._show()

    def _search(self, text: object) -> None:
        self._choose(replace(self._choice, search=str(text)[:200], page=1))

    def _only(self, state: State) -> None:
        """Show the jobs of a state alone, or all again."""
        wanted = "" if self._choice.search == state.value else state.value
        ui.run_javascript(f"document.querySelector('.d-search').value = {json.dumps(wanted)}")
        self._search(wanted)

    def _sort(self, order: Order) -> None:
        again = order is self._choice.order
        falling = not self._choice.falling if again else order in FALLS_FIRST
        self._choose(replace(self._choice, order=order, falling=falling, page=1))

    def _turn(self, by: int) -> None:
        self._choose(replace(self._choice, page=max(1, self._choice.page + by)))

    def _show(self) -> None:
        self._rows = self._console.rows()
        found = shown(self._rows, self._choice)
        if found.page != self._choice.page:
            self._choice = replace(self._choice, page=found.page)
        for place, line in enumerate(self._lines):
            line.show(found.rows[place] if place < len(found.rows) else None)
        self._empty.set_visibility(not found.rows)
        self._table.set_visibility(bool(found.rows))
        self._why_empty.show(
            "No job's name or state matches the search." if found.of else "No job is declared yet: "
        )
        self._how.set_visibility(not found.of)
        jobs = f"{found.found} of {found.of}" if found.found != found.of else f"{found.of}"
        self._count.show(f"{jobs} job{'' if found.of == 1 else 's'}")
        self._hint.set_visibility(0 < found.of <= FEW)
        counts = Counter(row.state for row in self._rows)
        for state, chip in self._chips.items():
            count = counts[state] if found.of > 1 else 0
            chip.show_count(count, pressed=self._choice.search == state.value)
        self._pages.set_visibility(found.pages > 1)
        self._where.show(f"page {found.page} of {found.pages}")
        self._back.enable(able=found.page > 1)
        self._on.enable(able=found.page < found.pages)
        for order, head in self._heads.items():
            way = "descending" if self._choice.falling else "ascending"
            told = way if order is self._choice.order else "none"
            if head.props.get("aria-sort") != told:
                head.props["aria-sort"] = told
                head.update()


class Chip(Button):
    """How many jobs are in a state; pressed, these alone are listed."""

    def __init__(self, state: State, pressed: Callable[[], None]) -> None:
        super().__init__("", pressed, classes=f"d-chip d-state d-{KINDS[state]}")
        self._state = state

    def show_count(self, count: int, *, pressed: bool) -> None:
        """Show another count; nothing for none, unless it is what is looked for."""
        self.set_visibility(count > 0 or pressed)
        self.show(f"{count} {self._state.value}")
        told = "true" if pressed else "false"
        if self._props.get("aria-pressed") != told:
            self._props["aria-pressed"] = told
            self.update()


class Line:
    """One row of the table; it may show another job at any time."""

    def __init__(self, console: Console) -> None:
        self._console = console
        with ui.element("tr") as self._row:
            with ui.element("th").props('scope="row"'):
                self._name = Link("", "#")
            with _cell(Order.STATE), ui.element("span"):
                self._state = StateWord()
                with ui.element("span").classes("d-since") as self._since:
                    Text("span", "since ")
                    self._seen = Clock(form="minute")
            with _cell(Order.WORKERS):
                self._workers = Text("span")
            with _cell(Order.LOAD):
                self._load = Load()
            with Cell(HOUR):
                self._hour = Sparkline()
            with _cell(Order.LAG):
                self._lag = Text("span")
            with _cell(Order.MOVE), ui.element("span"):
                self._move = Text("span")
                self._at = Clock(form="minute")
            with _cell(Order.SAVED):
                self._saved = Text("span")
        self._shown: JobRow | None = None

    def show(self, row: JobRow | None) -> None:
        """Show a job, or nothing."""
        self._row.set_visibility(row is not None)
        if row is None or row == self._shown:
            return
        self._shown = row
        self._name.lead(row.job, f"/jobs/{row.job}")
        self._state.become(row.state.value, KINDS[row.state])
        self._workers.show(_workers(row))
        away = row.state in {State.SILENT, State.LATE} and row.seen is not None
        self._since.set_visibility(away)
        if away:
            self._seen.show(row.seen)
        self._load.show(row.workload, row.capacity)
        if (hour := self._console.spark(row)) is not None:
            self._hour.show(hour)
        self._lag.show(number(row.lag))
        move = ahead(row)
        self._move.show(moving(move, row.scale_out) + (" " if move else ""))
        self._at.set_visibility(move is not None)
        if move is not None:
            self._at.show(move.at)
        self._saved.show(saved(row.today))


_VALUE = "(event) => emit(event.target.value)"


def _cell(order: Order) -> Cell:
    return Cell(COLUMNS[order])


def _last_hour_head() -> None:
    with ui.element("th").props('scope="col"'):
        Text("span", HOUR)
        Text("span", "workload", "d-key d-key-workload")
        Text("span", "capacity", "d-key d-key-capacity")


def _workers(row: JobRow) -> str:
    if row.scale_out is None:
        return "?"
    wants = row.wanted is not None and row.wanted != row.scale_out
    return f"{row.scale_out} (wants {row.wanted})" if wants else str(row.scale_out)
