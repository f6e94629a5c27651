"""A page a job: how it runs, what is expected, what was decided and why; steering."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from nicegui import ui
from starlette.requests import Request

from daedalus_console.errors import NotFoundError
from daedalus_console.figures import number, rate, share
from daedalus_console.live.views import DecisionLine, JobRow, JobView, RescaleLine, Standing
from daedalus_console.page import shown
from daedalus_console.page.charts import capacity, quality, timeline
from daedalus_console.page.charts.model import Timeline
from daedalus_console.page.decision import headline, tell
from daedalus_console.page.drawing import Drawing
from daedalus_console.page.frame import frame, refreshing
from daedalus_console.page.parts import Button, Cell, Chart, Clock, Link, Load, State, Text
from daedalus_console.page.ports import Ports
from daedalus_console.page.steering import InForce, Steer
from daedalus_console.page.words import KINDS, kept, moved, moving, outcome, saved, seconds
from daedalus_console.page.words import headline as running
from daedalus_shared.events import Decision

SPANS = {"30 min": 0.5, "2 h": 2.0, "12 h": 12.0, "7 days": 168.0}
"""What the main chart can span, in hours."""

LISTED = 8
"""Decisions, and rescales, of a page of their tables."""

OPEN = "(e) => { if (!e.ctrlKey && !e.metaKey && !e.shiftKey) { e.preventDefault(); emit(); } }"
"""A click on a link to a decision opens it here; with a modifier the browser does as always."""


def job(ports: Ports, name: str, decision: str | None, request: Request) -> None:
    """Make the page, with a decision opened where the address names one."""
    with frame(ports, name):
        try:
            view = ports.live.view(name, ports.clock())
        except NotFoundError:
            _missing(name)
            return
        page = JobPage(ports, view, request)
        if decision is not None:
            page.choose(decision)
        page.start()


def _missing(name: str) -> None:
    with ui.element("section").classes("d-card"):
        Text("h1", f"No job {name} is known")
        with ui.element("p"):
            Text("span", "It is not declared, or not read yet. Declare it: ")
            Text("code", "daedalus apply -f job.yaml")
        Link("All jobs", "/")


class JobPage:
    """One job, for one person who looks at it."""

    def __init__(self, ports: Ports, view: JobView, request: Request) -> None:
        self._ports = ports
        self._name = view.row.job
        self._revision = -1
        self._hours = 2.0
        self._decision: Decision | None = None
        self._rescale: RescaleLine | None = None
        Link("← All jobs", "/")
        with ui.element("div").classes("d-row").style("margin: 6px 0 10px"):
            Text("h1", self._name)
            self._state = State()
            self._running = Text("span", classes="d-faint")
        self._said = Text("p")
        self._said.props('role="status" aria-live="polite"')
        steer = Steer(self._name, ports.steering(request), ports.author(request), self._said)
        self._in_force = InForce(steer)
        self._tiles = Tiles()
        self._main(view)
        self._panel = ui.element("section").classes("d-card")
        self._panel.props('id="decision" tabindex="-1" aria-label="Decision"')
        self._panel.set_visibility(False)
        self._decisions = Decisions(self._name, self.choose)
        self._rescales = Rescales(self._name, self.choose)
        self._smaller(view)
        self.show(view)

    def start(self) -> None:
        """Follow the job as long as the page is open."""
        refreshing(self._ports, self._look)

    def _look(self, _: Standing) -> None:
        try:
            self.show(self._ports.live.view(self._name, self._ports.clock(), since=self._since()))
        except NotFoundError:
            self._said.show("This job was forgotten; what you see is of then.")

    def _since(self) -> datetime:
        return self._ports.clock() - timedelta(hours=self._hours)

    def show(self, view: JobView) -> None:
        """Show the job as it is now."""
        row = view.row
        self._state.become(row.state.value, KINDS[row.state])
        self._running.show(running(row))
        self._in_force.show(row.overrides)
        self._tiles.show(row)
        if row.revision == self._revision:
            return
        self._revision = row.revision
        self._drawing.show(self._timeline(view))
        self._decisions.show(view.decisions)
        self._rescales.show(view.rescales)
        self._show_smaller(view)
        self._follow_up(view.rescales)

    def choose(self, decision: str) -> None:
        """Open a decision below the chart."""
        found = self._ports.live.decision(self._name, decision)
        self._panel.set_visibility(True)
        if found is None:
            self._gone(decision)
            return
        self._decision = found
        self._rescale = None
        self._tell()
        ui.run_javascript(
            f"daedalus.address('/jobs/{self._name}/decisions/{found.id}');"
            "document.getElementById('decision').focus();"
        )
        self._mark()

    def choose_at(self, milliseconds: Any) -> None:
        """Open the decision in effect at an instant."""
        at = datetime.fromtimestamp(float(milliseconds) / 1000, UTC)
        found = self._ports.live.decision_at(self._name, min(at, self._ports.clock()))
        if found is None:
            self._said.show(
                "No decision of that time is in memory: daedalus history tells older ones."
            )
        else:
            self.choose(found.id)

    def _mark(self) -> None:
        view = self._ports.live.view(self._name, self._ports.clock(), since=self._since())
        self._drawing.show(self._timeline(view), whole=True)
        self._decisions.select(self._decision.id if self._decision else None)

    def _timeline(self, view: JobView) -> Timeline:
        return shown.timeline(view, self._decision.tick if self._decision else None)

    def _gone(self, decision: str) -> None:
        self._panel.clear()
        with self._panel:
            Text("h2", "This decision is not in memory any more")
            with ui.element("p"):
                Text("span", f"Decision {decision[:60]}. If it is on its topic still, ")
                Text("code", f"daedalus explain {self._name} --at TIME")
                Text("span", " tells it.")

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
        view = self._ports.live.view(self._name, self._ports.clock(), listed=1000)
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
        ui.run_javascript(
            f"daedalus.address('/jobs/{self._name}');document.getElementById('main').focus();"
        )
        self._mark()

    def _main(self, view: JobView) -> None:
        with ui.element("section").classes("d-card"):
            with ui.element("div").classes("d-row d-spread"):
                Text("h2", "Workload, workers, lag and latency")
                with (
                    ui.element("div").classes("d-row").props('role="group" aria-label="Time span"')
                ):
                    self._spans = {
                        hours: Button(name, partial(self._span, hours), classes="d-small")
                        for name, hours in SPANS.items()
                    }
            Text(
                "p", "Click a moment to see its decision; the tables below do the same.", "d-faint"
            )
            chart = Chart(
                timeline.timeline(self._timeline(view)),
                timeline.HEIGHT,
                f"Workload, capacity, workers, lag and latency of {self._name} over time; "
                "the decisions' table tells the same in words.",
            )
            chart.on("moment", lambda event: self.choose_at(event.args), js_handler=_DETAIL)
            self._drawing = Drawing(chart, self._timeline(view))
            ui.run_javascript(f"daedalus.moments({chart.id})")
        self._pressed()

    def _span(self, hours: float) -> None:
        self._hours = hours
        self._pressed()
        self._mark()

    def _pressed(self) -> None:
        for hours, button in self._spans.items():
            button.props["aria-pressed"] = "true" if hours == self._hours else "false"
            button.update()

    def _smaller(self, view: JobView) -> None:
        with ui.element("div").classes("d-two"):
            with _card("Capacity learned"):
                self._curve = Chart(
                    capacity.capacity_curve(shown.curve(view)),
                    capacity.HEIGHT,
                    "Capacity by number of workers; filled points were observed.",
                )
                self._curve_note = Text("p", classes="d-faint")
            with _card("Workers' CPU"):
                loads = shown.loads(view)
                self._cpu = Chart(
                    quality.worker_cpu(loads, view.skew.hottest if view.skew else None),
                    quality.worker_cpu_height(loads),
                    "CPU of each worker, the hottest on top.",
                )
                self._skew = Text("p")
            with _card("Forecast error"):
                self._error = Chart(
                    quality.forecast_error(shown.stepped(view.errors)),
                    quality.HEIGHT,
                    "Error of the forecasts over time.",
                )
                self._error_note = Text("p", classes="d-faint")
            with _card("Worker-hours against static"):
                used, static = shown.hours(view.hours)
                self._saved = Chart(
                    quality.savings(used or 0.0, static or 0.0),
                    quality.SAVINGS_HEIGHT,
                    "Worker-hours used beside those of as many workers as allowed.",
                )
                self._saved_note = Text("p")

    def _show_smaller(self, view: JobView) -> None:
        self._curve.draw(capacity.capacity_curve(shown.curve(view)))
        self._curve.set_visibility(view.curve is not None)
        self._curve_note.show(curve_note(view))
        loads = shown.loads(view)
        known = any(load.cpu is not None for load in loads)
        self._cpu.draw(quality.worker_cpu(loads, view.skew.hottest if view.skew else None))
        self._cpu.style(f"height: {quality.worker_cpu_height(loads)}px")
        self._cpu.set_visibility(known)
        self._skew.show(skew_note(view) if known else "The CPU of the workers is unknown.")
        errors = shown.stepped(view.errors)
        self._error.draw(quality.forecast_error(errors))
        self._error.set_visibility(any(value is not None for _, value in errors))
        self._error_note.show(error_note(view))
        used, static = shown.hours(view.hours)
        self._saved.set_visibility(static is not None)
        self._saved.draw(quality.savings(used or 0.0, static or 0.0))
        self._saved_note.show(saved_note(view))


class Tiles:
    """The newest figures."""

    def __init__(self) -> None:
        with ui.element("dl").classes("d-tiles"):
            self._workers, self._bounds = _tile("Workers", 2)
            self._load = _load_tile()
            (self._workload,) = _tile("Workload")
            (self._capacity,) = _tile("Capacity")
            (self._lag,) = _tile("Lag")
            (self._latency,) = _tile("Latency, p95")
            self._move, why = _tile("Next expected move", 2)
            with why:
                self._at = Clock(form="minute")
                self._why = Text("span")
            self._saved, self._used = _tile("Worker-hours saved today", 2)

    def show(self, row: JobRow) -> None:
        """Show a job's figures."""
        self._workers.show("?" if row.scale_out is None else str(row.scale_out))
        self._bounds.show(
            "" if row.wanted in (None, row.scale_out) else f"the planner wants {row.wanted}"
        )
        self._load.show(row.workload, row.capacity)
        self._workload.show(rate(row.workload))
        self._capacity.show(rate(row.capacity))
        self._lag.show("?" if row.lag is None else f"{number(row.lag)} records")
        self._latency.show(seconds(row.latency))
        self._move.show(moving(row.move, row.scale_out))
        self._at.set_visibility(row.move is not None)
        if row.move is not None:
            self._at.show(row.move.at)
        self._why.show(f": {row.move.why}" if row.move else "")
        self._saved.show(saved(row.today))
        self._used.show(f"{number(row.today.hours)} h used" if row.today else "")


class Decisions:
    """The newest decisions; each opens where its time is pressed."""

    def __init__(self, name: str, choose: Any) -> None:
        self._name = name
        self._page = 0
        self._selected: str | None = None
        self._lines: Sequence[DecisionLine] = ()
        with _card("Decisions"):
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
    def __init__(self, name: str, choose: Any) -> None:
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
        self._link.lead("", f"/jobs/{self._name}/decisions/{line.id}")
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

    def __init__(self, name: str, choose: Any) -> None:
        self._name, self._choose = name, choose
        self._shown: Sequence[RescaleLine] | None = None
        with _card("Rescales: promise / outcome"):
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
                    link = Link("", f"/jobs/{self._name}/decisions/{line.decision}")
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


def curve_note(view: JobView) -> str:
    """Return how sure the capacity is."""
    if view.curve is None:
        return "Nothing is learned yet: the analyzer tells after its first loop."
    told = []
    if view.curve.capacity is not None:
        error = "" if view.curve.error is None else f" ± {rate(view.curve.error)} (standard error)"
        told.append(f"{rate(view.curve.capacity)}{error} now.")
    if view.curve.why_unknown:
        told.append(f"Not measured in the last loop: {view.curve.why_unknown}.")
    if view.curve.caution:
        told.append(f"Caution: {view.curve.caution}.")
    return " ".join(told)


def skew_note(view: JobView) -> str:
    """Return which worker is the hottest, and what it costs."""
    if view.skew is None:
        return "No skew is known: one worker, or too few samples."
    return (
        f"Hottest: {view.skew.hottest}, {share(view.skew.gap, 1.0)} of CPU above the mean. Evenly "
        f"loaded the workers could do {rate(view.skew.capacity_without)}."
    )


def error_note(view: JobView) -> str:
    """Return how wrong the forecaster lately was, by how far ahead."""
    issued = view.expected
    if issued is None:
        return "No forecast was seen yet."
    by = ", ".join(
        f"{share(one.wape, 1.0)} at {seconds(one.horizon)}"
        + ("" if one.coverage is None else f" ({share(one.coverage, 1.0)} within the band)")
        for one in issued.errors
    )
    fallback = f" The fallback serves: {issued.why}." if issued.fallback else ""
    scored = f"lately off by {by}" if by else "not scored yet"
    return f"{issued.forecaster} ({issued.model}), {scored}.{fallback}"


def saved_note(view: JobView) -> str:
    """Return what was saved against the static number of workers."""
    if view.hours is None or view.hours.static <= 0:
        return "Nothing is counted yet: hours count from the second report on."
    return f"Saved {saved(view.hours)} against {view.row.scale_max} workers all the time."


_DETAIL = "(event) => emit(event.detail)"


def _card(title: str) -> ui.element:
    found = ui.element("section").classes("d-card")
    found.props["aria-label"] = title
    with found:
        Text("h2", title)
    return found


def _heads(*names: str) -> None:
    with ui.element("thead"), ui.element("tr"):
        for name in names:
            Text("th", name).props('scope="col"')


def _tile(name: str, parts: int = 1) -> list[Text]:
    with ui.element("div").classes("d-tile"):
        Text("dt", name)
        return [Text("dd", classes="d-less" if place else "") for place in range(parts)]


def _load_tile() -> Load:
    with ui.element("div").classes("d-tile"):
        Text("dt", "Load of capacity")
        with ui.element("dd"):
            return Load()
