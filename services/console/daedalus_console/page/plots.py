"""The charts of a job: the main one, which grows as the job goes on, and the smaller ones."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from nicegui import ui

from daedalus_console.figures import rate, share
from daedalus_console.live.views import JobView
from daedalus_console.page import shown
from daedalus_console.page.charts import capacity, quality, timeline, worker_hours
from daedalus_console.page.charts.model import EVEN, Timeline, hottest
from daedalus_console.page.growing import changes, told
from daedalus_console.page.parts import Button, Chart, Text, card
from daedalus_console.page.tables import Horizons
from daedalus_console.page.words import saved

SPANS = {"30 min": 0.5, "2 h": 2.0, "12 h": 12.0, "7 days": 168.0}
"""What the main chart can span, in hours."""

_DETAIL = "(event) => emit(event.detail)"


class Main:
    """Workload, workers, lag and latency over the same time; a click tells its moment."""

    def __init__(
        self, name: str, spanned: Callable[[], None], clicked: Callable[[Any], Any]
    ) -> None:
        self._spanned = spanned
        self._told: dict[str, Any] = {}
        self._start = 0
        self._drawn = False
        """Whether the browser has drawn it: only then can what is new be added there."""
        self.hours = 2.0
        with card("Workload, workers, lag and latency"):
            with ui.element("div").classes("d-row d-spread"):
                Text("p", "Click a moment to see its decision, or a time below.", "d-faint")
                self._choices()
            self._chart = Chart(
                timeline.HEIGHT,
                f"Workload, capacity, workers, lag and latency of {name} over time; "
                "the table of decisions tells the same in words.",
            )
            self._chart.on("drawn", self._is_drawn, [])
            self._chart.on("moment", lambda event: clicked(event.args), js_handler=_DETAIL)
        self._pressed()

    def since(self, now: datetime) -> datetime:
        """Return where the chart begins."""
        return now - timedelta(hours=self.hours)

    def begin(self) -> None:
        """Draw what was told last, and listen for clicks."""
        self._chart.begin()
        if self._chart.drawn is not None:
            ui.run_javascript(f"daedalus.moments({self._chart.drawn.id}, {self._chart.id})")

    def _is_drawn(self) -> None:
        self._drawn = True

    def show(self, job: Timeline, *, whole: bool = False) -> None:
        """Send what has changed; all of it until it is drawn, and where `whole` asks for it.

        All too where more of the past is known than before: it was still being read.
        """
        series = timeline.series_of(job)
        drawn = self._chart.drawn
        start = min((one["data"][0][0] for one in series if one["data"]), default=0)
        earlier, self._start = start < self._start, start
        if whole or earlier or drawn is None or not self._drawn:
            self._told = told(series)
            self._chart.draw(timeline.timeline(job))
            return
        news = changes(self._told, series)
        if not news["fresh"] and not news["whole"]:
            return
        self._told = told(series)
        news |= {"from": start, "bounds": timeline.bounds(job)}
        ui.run_javascript(f"daedalus.extend({drawn.id}, {json.dumps(news)})")

    def _choices(self) -> None:
        with ui.element("div").classes("d-row").props('role="group" aria-label="Time span"'):
            self._spans = {
                hours: Button(name, partial(self._span, hours), classes="d-small")
                for name, hours in SPANS.items()
            }

    def _span(self, hours: float) -> None:
        self.hours = hours
        self._pressed()
        self._spanned()

    def _pressed(self) -> None:
        for hours, button in self._spans.items():
            button.props["aria-pressed"] = "true" if hours == self.hours else "false"
            button.update()


class Smaller:
    """Capacity learned, workers' CPU, forecast error, worker-hours; each with a sentence."""

    def __init__(self) -> None:
        with ui.element("div").classes("d-two"):
            with card("Capacity learned"):
                self._curve = Chart(
                    capacity.HEIGHT, "Capacity by number of workers; filled points were observed."
                )
                self._curve_note = Text("p", classes="d-faint")
            with card("Workers' CPU"):
                self._cpu = Chart(
                    quality.worker_cpu_height(()),
                    "CPU of each worker as last sampled, the highest on top.",
                )
                self._skew = Text("p")
            with card("Forecast error"):
                self._error = Chart(quality.HEIGHT, "Error of the forecasts over time.")
                self._by_horizon = Horizons()
                self._error_note = Text("p", classes="d-faint")
            with card("Worker-hours against static"):
                self._saved = Chart(
                    worker_hours.height(2),
                    "Worker-hours used beside those of as many workers as allowed.",
                )
                self._saved_note = Text("p")

    def begin(self) -> None:
        """Draw what was told last."""
        for chart in (self._curve, self._cpu, self._error, self._saved):
            chart.begin()

    def show(self, view: JobView) -> None:
        """Show a job."""
        self._curve.draw(capacity.capacity_curve(shown.curve(view)))
        self._curve.set_visibility(view.curve is not None)
        self._curve_note.show(curve_note(view))
        loads = shown.loads(view)
        known = any(load.cpu is not None for load in loads)
        self._cpu.draw(quality.worker_cpu(loads))
        self._cpu.style(f"height: {quality.worker_cpu_height(loads)}px")
        self._cpu.set_visibility(known)
        self._skew.show(skew_note(view) if known else "The CPU of the workers is unknown.")
        errors = shown.stepped(view.errors)
        self._error.draw(quality.forecast_error(errors))
        self._error.set_visibility(any(value is not None for _, value in errors))
        self._by_horizon.show(view.expected.errors if view.expected else ())
        self._error_note.show(error_note(view))
        used, static = shown.hours(view.hours)
        self._saved.set_visibility(static is not None)
        self._saved.draw(worker_hours.bars([("used", used or 0.0), ("static", static or 0.0)]))
        self._saved_note.show(saved_note(view))


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
    """Return which of the workers drawn is the hottest, and what it costs.

    The bars are of the newest sample, so the sentence is, too. What the skew costs is the
    analyzer's, over its last loop: it is told while that names the same worker.
    """
    loads = [load for load in shown.loads(view) if load.cpu is not None]
    if len(loads) < 2:
        return "One worker alone: nothing to compare." if loads else ""
    found = hottest(loads)
    if found is None:
        return f"Evenly loaded: no worker is {share(EVEN, 1.0)} of its CPU above the mean."
    told = f"Hottest: {found.id} at {share(found.cpu, 1.0)}; the mean is {share(found.mean, 1.0)}."
    skew = view.skew
    if skew is None or skew.hottest != found.id:
        return told
    return f"{told} Evenly loaded the workers could do {rate(skew.capacity_without)}."


def error_note(view: JobView) -> str:
    """Return who forecasts; how wrong it lately was is a table."""
    issued = view.expected
    if issued is None:
        return "No forecast was seen yet."
    fallback = f" The fallback serves: {issued.why}." if issued.fallback else ""
    scored = "" if issued.errors else " Not scored yet."
    return f"By {issued.forecaster}: {issued.model}.{scored}{fallback}"


def saved_note(view: JobView) -> str:
    """Return what was saved against the static number of workers."""
    if view.hours is None or view.hours.static <= 0:
        return "Nothing is counted yet: hours count from the second report on."
    return f"Saved {saved(view.hours)} against {view.row.scale_max} workers all the time."
