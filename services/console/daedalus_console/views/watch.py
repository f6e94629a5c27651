"""The live view: a panel a job while they fit, else a line a job; below, what happened."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import fmean

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from daedalus_console.board import Entry, Health, JobState, Kind, Point
from daedalus_console.figures import UNKNOWN, gauge, number, rate, share, span, sparkline, workers
from daedalus_console.times import clock, zone_name
from daedalus_console.views import lines
from daedalus_console.views.explain import resampled
from daedalus_console.views.tables import HEALTH, cell, grid, wishes

PANEL_HEIGHT = 6
"""Lines of a job's panel: a border, three lines of figures, and one of the sentence."""

LOG_LEAST = 6
"""Lines that the log keeps, its title included, however many jobs there are."""

FIGURES = 46
"""Characters that the figures beside a sparkline take."""

WINDOW = timedelta(minutes=30)
"""What a sparkline spans at most."""

_STYLE = {
    Kind.DECISION: ("◆", "bold cyan"),
    Kind.OUTCOME: ("✔", "green"),
    Kind.RECOVERY: ("↺", "green"),
    Kind.CONTROL: ("✎", "yellow"),
    Kind.TROUBLE: ("!", "red"),
}


@dataclass(frozen=True, slots=True)
class Size:
    """A terminal's size in characters."""

    width: int
    height: int


def screen(
    states: Sequence[JobState], log: Sequence[Entry], now: datetime, size: Size
) -> RenderableType:
    """Return the whole view, no higher than the terminal."""
    room = size.height - LOG_LEAST - 1
    top: list[RenderableType] = [_cut(_title(states, now), size.width)]
    if not states:
        top.append(_dim("No job is declared yet: daedalus apply -f job.yaml", size.width))
        used = 2
    elif len(states) * PANEL_HEIGHT <= room:
        height = min(PANEL_HEIGHT + 1, room // len(states))
        top += [panel(state, now, Size(size.width, height)) for state in states]
        used = 1 + len(states) * height
    else:
        shown = max(1, room - 4)
        top.append(_table(states[:shown], now, size.width))
        if len(states) > shown:
            top.append(_dim(f"and {len(states) - shown} more; daedalus watch JOB", size.width))
        used = 5 + min(len(states), shown)
    return Group(*top, *_log(log, size.width, max(1, size.height - used - 2)))


def panel(state: JobState, now: datetime, size: Size) -> Panel:
    """Return a job's panel: workload, capacity, workers, and the last decision's sentence."""
    inner = size.width - 4
    spark = max(9, min(60, (inner - FIGURES) * 3 // 4))
    sample, update = state.sample, state.update
    workload = sample.workload if sample else None
    capacity = update.capacity if update else None
    highest = _highest(state)
    start = _start(state.points, now)
    past = sparkline(bucketed(state.points, start, now, spark), highest)
    future = _future(state, (now - start) / spark, spark // 3, highest)

    first = _label("workload", rate(workload)) + cell(past, "cyan") + cell(future, "magenta")
    if state.forecast_max is not None:
        first += cell(f"  up to {rate(state.forecast_max)} expected", "magenta")
    second = _label("capacity", rate(capacity))
    if capacity and workload is not None:
        load = workload / capacity
        style = "green" if load < 0.8 else ("yellow" if load < 1 else "red")
        second += cell(gauge(load, 20), style) + cell(f" {share(workload, capacity)}", style)
    second += cell(f"   lag {number(sample.lag if sample else None)}")
    if sample and sample.latency is not None:
        second += cell(f"   p95 {span(sample.latency)}")
    third = _label("workers", _count(state.scale_out))
    scale = [point.scale_out for point in _last_of(state.points, start, now, spark)]
    most = float(state.spec.scale.max) if state.spec else None
    third += cell(sparkline(scale, most), "blue")
    return Panel(
        Group(*(_cut(line, inner) for line in (first, second, third)), _sentence(state)),
        title=_name(state, now),
        title_align="left",
        border_style=HEALTH[state.health(now)],
        box=box.ROUNDED,
        width=size.width,
        height=size.height,
    )


def entry_line(entry: Entry) -> Text:
    """Return an entry of the log as one line."""
    mark, style = _STYLE[entry.kind]
    if not entry.good:
        mark, style = ("✘", "red")
    return (
        cell(f"{clock(entry.at)} ", "dim")
        + cell(f"{mark} ", style)
        + cell(f"{entry.job}  ", "bold")
        + cell(entry.text, style if entry.kind is Kind.DECISION or not entry.good else "")
    )


def status_line(state: JobState) -> Text:
    """Return where a job stands after a decision, for terminals that cannot be redrawn."""
    sample, decision = state.sample, state.decision
    at = clock(decision.tick) if decision else UNKNOWN
    figures = (
        f"{workers(state.scale_out)}, {rate(sample.workload if sample else None)} of "
        f"{rate(state.update.capacity if state.update else None)}, "
        f"lag {number(sample.lag if sample else None)}: "
    )
    return (
        cell(f"{at}   ", "dim")
        + cell(f"{state.job}  ", "bold")
        + cell(figures)
        + cell(lines.of(decision) if decision else "no decision yet")
    )


def bucketed(
    points: Iterable[Point], start: datetime, end: datetime, width: int
) -> list[float | None]:
    """Return the mean workload of each of `width` equal stretches; None where none was known."""
    found: list[list[float]] = [[] for _ in range(width)]
    whole = (end - start).total_seconds()
    for point in points:
        passed = (point.at - start).total_seconds()
        if point.workload is not None and 0 <= passed <= whole and whole > 0:
            found[min(width - 1, int(passed / whole * width))].append(point.workload)
    return _bridged([fmean(values) if values else None for values in found])


def _last_of(points: Iterable[Point], start: datetime, end: datetime, width: int) -> list[Point]:
    """Return the last point of each stretch; a stretch without one repeats that before it."""
    whole = (end - start).total_seconds()
    found: dict[int, Point] = {}
    for point in points:
        passed = (point.at - start).total_seconds()
        if 0 <= passed <= whole and whole > 0:
            found[min(width - 1, int(passed / whole * width))] = point
    shown: list[Point] = []
    last = Point(start, None, None)
    newest = max(found, default=-1)
    for place in range(newest + 1):
        last = found.get(place, last)
        shown.append(last)
    return shown


def _bridged(values: list[float | None]) -> list[float | None]:
    """Fill single gaps, which arise where stretches are shorter than the reports' interval."""
    known = [place for place, value in enumerate(values) if value is not None]
    filled = list(values)
    for before, following in pairwise(known):
        if following - before <= max(2, len(values) // max(1, len(known)) + 1):
            for place in range(before + 1, following):
                filled[place] = values[before]
    return filled


def _start(points: Sequence[Point], now: datetime) -> datetime:
    oldest = points[0].at if points else now - WINDOW
    return min(max(oldest, now - WINDOW), now - timedelta(seconds=1))


def _highest(state: JobState) -> float:
    known = [point.workload for point in state.points if point.workload is not None]
    ahead = list(state.forecast.mean) if state.forecast else []
    return max([*known, *ahead], default=0.0)


def _future(state: JobState, stretch: timedelta, width: int, highest: float) -> str:
    """Return the forecast on the past's scale of time, at most `width` stretches of it."""
    forecast = state.forecast
    if forecast is None or stretch <= timedelta(0):
        return ""
    steps = max(1, round(width * stretch.total_seconds() / forecast.step))
    ahead = forecast.mean[:steps]
    places = min(width, max(1, round(len(ahead) * forecast.step / stretch.total_seconds())))
    return "⇢" + sparkline(resampled(ahead, places), highest)


def _title(states: Sequence[JobState], now: datetime) -> Text:
    title = cell("daedalus", "bold") + cell(f"  {len(states)} job{'' if len(states) == 1 else 's'}")
    return (
        title
        + cell(f"  {clock(now)} {zone_name(now)}", "dim")
        + cell("  Ctrl-C ends the view", "dim")
    )


def _name(state: JobState, now: datetime) -> Text:
    spec = state.spec
    told = f"{spec.policy.mode} · {spec.policy.planner}" if spec else "not declared"
    name = cell(f" {state.job} ", "bold") + cell(f"{told} ", "dim")
    asked = wishes(state.overrides(now))
    if asked:
        name += cell(f"· {asked} ", "bold yellow")
    found = state.health(now)
    if found is not Health.OK:
        silence = state.silent_for(now)
        since = "no metrics yet" if silence is None else f"silent for {span(float(round(silence)))}"
        name += cell(f"· {since} ", HEALTH[found])
    return name


def _sentence(state: JobState) -> Text:
    decision = state.decision
    if decision is None:
        return cell("no decision yet", "dim")
    moving = decision.chosen not in (None, decision.scale_out)
    mark = cell("◆ ", "bold cyan") if moving else cell("· ", "dim")
    return mark + cell(f"{clock(decision.tick)} ", "dim") + cell(lines.of(decision))


def _label(name: str, value: str) -> Text:
    return cell(f"{name:<9}", "dim") + cell(f"{value:>9}  ", "bold")


def _count(scale_out: int | None) -> str:
    return UNKNOWN if scale_out is None else str(scale_out)


def _dim(text: str, width: int) -> Text:
    return _cut(cell(text, "dim"), width)


def _cut(line: Text, width: int) -> Text:
    line.truncate(width, overflow="ellipsis")
    return line


def _table(states: Iterable[JobState], now: datetime, width: int) -> RenderableType:
    table = grid(
        "job", "workers", "workload", "", "capacity", "used", "lag", "last decision",
        right=("workers", "workload", "capacity", "used", "lag"),
    )  # fmt: skip
    for column in table.columns:
        column.no_wrap = True
        column.overflow = "ellipsis"
    table.columns[-1].ratio = 1
    table.width = width
    for state in states:
        sample, update = state.sample, state.update
        workload = sample.workload if sample else None
        capacity = update.capacity if update else None
        start = _start(state.points, now)
        table.add_row(
            cell(state.job, f"bold {HEALTH[state.health(now)]}"),
            cell(_count(state.scale_out)),
            cell(rate(workload)),
            cell(sparkline(bucketed(state.points, start, now, 16)), "cyan"),
            cell(rate(capacity)),
            cell(share(workload, capacity)),
            cell(number(sample.lag if sample else None)),
            _sentence(state),
        )
    return table


def _log(log: Sequence[Entry], width: int, height: int) -> list[RenderableType]:
    rows: list[RenderableType] = [Text("─" * width, style="dim")]
    if not log:
        rows.append(_dim("Nothing has happened yet: what changes something is told here.", width))
    rows += [
        _cut(entry_line(entry), width)
        for entry in sorted(log, key=lambda entry: entry.at)[-height:]
    ]
    return rows
