"""The tables of jobs, records and topics."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from daedalus_console.board import Health, JobState
from daedalus_console.figures import UNKNOWN, number, rate, span
from daedalus_console.records import Record, printable
from daedalus_console.times import clock, day_and_clock, zone_name
from daedalus_console.views import lines
from daedalus_shared.events import Override, OverrideKind

WIDE = 120
"""Columns from which on tables hold sentences; narrower ones hold the word of the reason."""

HEALTH = {Health.OK: "green", Health.LATE: "yellow", Health.SILENT: "red"}


def grid(*columns: str, right: Sequence[str] = (), title: str | None = None) -> Table:
    """Return an empty table with these columns, those in `right` aligned right."""
    table = Table(
        box=box.SIMPLE_HEAD, title=title, title_justify="left", header_style="bold", pad_edge=False
    )
    for name in columns:
        table.add_column(
            name, justify="right" if name in right else "left", overflow="fold", no_wrap=False
        )
    return table


def cell(text: str, style: str = "") -> Text:
    """Return text for a cell: never markup, never a control character."""
    return Text(printable(text), style=style)


def jobs(states: Sequence[JobState], now: datetime, width: int) -> Table:
    """Return a line a job: how it is scaled, how it is, and what was decided last."""
    asked = any(state.overrides(now) for state in states)
    columns = ["job", "mode", "planner", "workers", "workload", "lag", "health", "last decision"]
    table = grid(*columns, *(["asked for"] if asked else []), right=("workload", "lag"))
    for state in states:
        spec, sample = state.spec, state.sample
        cells = [
            cell(state.job, "bold"),
            _mode(state),
            cell(spec.policy.planner if spec else "not declared", "" if spec else "dim"),
            _workers(state),
            cell(rate(sample.workload if sample else None)),
            cell(number(sample.lag if sample else None)),
            health(state, now),
            _last(state, now, wide=width >= WIDE),
        ]
        if asked:
            cells.append(cell(wishes(state.overrides(now)), "bold yellow"))
        table.add_row(*cells)
    return table


def health(state: JobState, now: datetime) -> Text:
    """Return the job's health, with the age of the last report unless it is fresh."""
    found = state.health(now)
    silence = state.silent_for(now)
    if silence is None:
        return cell("no metrics", HEALTH[found])
    told = f"{found} · {span(float(round(silence)))}"
    return cell(told, HEALTH[found])


def wishes(overrides: Iterable[Override]) -> str:
    """Return the overrides in force in a few words."""
    return ", ".join(_wish(override) for override in overrides)


def records(found: Iterable[Record], now: datetime, *, several: bool) -> Table:
    """Return a line a record; with the topic where there are several."""
    columns = [f"time ({zone_name(now)})", "job", "event", "from", "what"]
    if several:
        columns.insert(1, "topic")
    table = grid(*columns)
    for record in found:
        table.add_row(*record_cells(record, several=several))
    return table


def record_cells(record: Record, *, several: bool) -> list[RenderableType]:
    """Return the cells of a record."""
    event = record.event
    style = "" if event else ("dim" if record.tombstone else "red")
    cells: list[RenderableType] = [cell(day_and_clock(event.at if event else record.written_at))]
    if several:
        cells.append(cell(record.name, "dim"))
    cells += [
        cell(record.job or UNKNOWN, "bold"),
        cell(type(event).__name__ if event else ("tombstone" if record.tombstone else "?"), style),
        cell(event.source if event else "", "dim"),
        cell(lines.of_record(record), style),
    ]
    return cells


def record_line(record: Record, *, several: bool) -> Text:
    """Return a record as one line, for streams."""
    return Text("  ").join(
        part for part in record_cells(record, several=several) if isinstance(part, Text) and part
    )


def _mode(state: JobState) -> Text:
    if state.spec is None:
        return cell(UNKNOWN, "dim")
    mode = state.spec.policy.mode
    return cell(mode, "green" if mode == "act" else "yellow")


def _workers(state: JobState) -> Text:
    shown = cell(UNKNOWN if state.scale_out is None else str(state.scale_out), "bold")
    bounds = state.spec.scale if state.spec else None
    return shown + cell(f" of {bounds.min}..{bounds.max}", "dim") if bounds else shown


def _last(state: JobState, now: datetime, *, wide: bool) -> Text:
    decision = state.decision
    if decision is None:
        return cell("none yet", "dim")
    passed = now - decision.tick
    when = clock(decision.tick) if passed < timedelta(days=1) else day_and_clock(decision.tick)
    return cell(f"{when} ", "dim") + cell(lines.of(decision) if wide else decision.reason)


def _wish(override: Override) -> str:
    if override.kind is OverrideKind.PAUSE:
        way = "" if override.direction == "both" else f" {override.direction}"
        return f"paused{way} until {clock(override.until)}"
    return f"{override.kind} {override.scale_out} until {clock(override.until)}"
