"""The tables of jobs, records and topics."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from daedalus_console.board import Health, JobState
from daedalus_console.figures import UNKNOWN, number, rate, span
from daedalus_console.overrides import is_quota
from daedalus_console.records import Record, printable
from daedalus_console.times import clock, day_and_clock, zone_name
from daedalus_console.views import lines
from daedalus_console.views.fitting import Fitting
from daedalus_shared.events import Override, OverrideKind

WIDE = 120
"""Columns from which on tables hold sentences; narrower ones hold the word of the reason."""

NARROW, NARROWEST = 100, 72
"""Columns below which the table of jobs leaves columns out."""

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


def jobs(states: Sequence[JobState], now: datetime, width: int) -> Fitting:
    """Return a line a job: how it is scaled, how it is, and what was decided last.

    The narrower, the fewer columns: a word cut in two tells less than none.
    """
    asked = any(state.overrides(now) for state in states)
    columns = ["job", "mode", "planner", "workers", "workload", "lag", "health", "last decision"]
    left_out = {"mode", "planner"} if width < NARROW else set()
    left_out |= {"lag"} if width < NARROWEST else set()
    columns = [name for name in columns if name not in left_out]
    beside = asked and width >= NARROW  # else below the last decision
    table = grid(*columns, *(["asked for"] if beside else []), right=("workload", "lag"))
    for column, name in zip(table.columns, columns, strict=False):
        column.no_wrap = name not in {"job", "last decision"}
    table.columns[0].min_width = min(20, max((len(state.job) for state in states), default=0))
    for state in states:
        spec, sample = state.spec, state.sample
        cells = {
            "job": cell(state.job, "bold"),
            "mode": _mode(state),
            "planner": cell(spec.policy.planner if spec else "not declared", "" if spec else "dim"),
            "workers": _workers(state, wide=width >= NARROW),
            "workload": cell(rate(sample.workload if sample else None)),
            "lag": cell(number(sample.lag if sample else None)),
            "health": health(state, now),
            "last decision": _last(state, now, wide=width >= WIDE),
        }
        row = [cells[name] for name in columns]
        wished = cell(wishes(state.overrides(now)), "bold yellow")
        if beside:
            row.append(wished)
        elif wished:
            row[-1] = Text("\n").join([row[-1], wished])
        table.add_row(*row)
    return Fitting(table, {"job": 20, "last decision": 12, "asked for": 12}, last=True)


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


def records(
    found: Iterable[Record], now: datetime, *, several: bool, width: int = WIDE
) -> RenderableType:
    """Return a line a record, with the topic where there are several; two where it is narrow."""
    if width < NARROW:
        entries = [_entry(record, several=several) for record in found]
        return Group(*entries, cell(f"times in {zone_name(now)}", "dim"))
    columns = [f"time ({zone_name(now)})", "job", "event", "from", "what"]
    if several:
        columns.insert(1, "topic")
    table = grid(*columns)
    table.columns[0].no_wrap = True
    for record in found:
        table.add_row(*record_cells(record, several=several))
    return table


def _entry(record: Record, *, several: bool) -> RenderableType:
    *head, what = record_cells(record, several=several)
    title = Text("  ").join(part for part in head if isinstance(part, Text) and part)
    return Group(title, Padding(what, (0, 0, 0, 2), expand=False))


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


def _workers(state: JobState, *, wide: bool) -> Text:
    shown = cell(UNKNOWN if state.scale_out is None else str(state.scale_out), "bold")
    bounds = state.spec.scale if state.spec else None
    return shown + cell(f" of {bounds.min}..{bounds.max}", "dim") if bounds and wide else shown


def _last(state: JobState, now: datetime, *, wide: bool) -> Text:
    decision = state.decision
    if decision is None:
        return cell("none yet", "dim")
    passed = now - decision.tick
    when = clock(decision.tick) if passed < timedelta(days=1) else day_and_clock(decision.tick)
    return cell(f"{when} ", "dim") + cell(lines.of(decision) if wide else decision.reason)


def _wish(override: Override) -> str:
    # Within a day the time tells which day, also beyond midnight.
    brief = override.until - override.at < timedelta(days=1)
    until = clock(override.until) if brief else day_and_clock(override.until)
    if override.kind is OverrideKind.PAUSE:
        way = "" if override.direction == "both" else f" {override.direction}"
        return f"paused{way} until {until}"
    kind = "quota" if is_quota(override) else override.kind
    return f"{kind} {override.scale_out} until {until}"
