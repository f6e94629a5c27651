"""The newest figures of a job."""

from nicegui import ui

from daedalus_console.figures import rate
from daedalus_console.live.views import JobRow
from daedalus_console.page.notices import waits
from daedalus_console.page.parts import Clock, Load, Text
from daedalus_console.page.words import ahead, hours, moving, records, saved, seconds


class Tiles:
    """The newest figures."""

    def __init__(self) -> None:
        with ui.element("dl").classes("d-tiles"):
            self._workers, self._bounds = _tile("Workers", 2)
            self._load = _load_tile()
            self._workload, self._no_workload = _tile("Workload", 2)
            self._capacity, self._no_capacity = _tile("Capacity", 2)
            self._lag, self._waits = _tile("Lag", 2)
            self._latency, self._no_latency = _tile("Latency, p95", 2)
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
        self._no_workload.show(row.unknown.get("workload", ""))
        self._capacity.show(rate(row.capacity))
        self._no_capacity.show(row.unknown.get("capacity", ""))
        self._lag.show(records(row.lag))
        self._waits.show(row.unknown.get("lag", "") if row.lag is None else waits(row))
        self._latency.show(seconds(row.latency))
        self._no_latency.show(row.unknown.get("latency", ""))
        move = ahead(row)
        self._move.show(moving(move, row.scale_out))
        self._at.set_visibility(move is not None)
        if move is not None:
            self._at.show(move.at)
        self._why.show(f": {move.why}" if move else "")
        self._saved.show(saved(row.today))
        self._used.show(f"{hours(row.today.hours)} used" if row.today else "")


def _tile(name: str, parts: int = 1) -> list[Text]:
    with ui.element("div").classes("d-tile"):
        Text("dt", name)
        return [Text("dd", classes="d-less" if place else "") for place in range(parts)]


def _load_tile() -> Load:
    with ui.element("div").classes("d-tile"):
        Text("dt", "Load of capacity")
        with ui.element("dd"):
            return Load()
