"""What the page says of values: short sentences and words, with units, unknown where unknown."""

from daedalus_console.figures import change, number, share, span, workers
from daedalus_console.live.views import JobRow, Move, RescaleLine, Savings, State
from daedalus_shared.events import Direction, Override, OverrideKind, Promise, Status

KINDS = {
    State.SILENT: "bad",
    State.LATE: "warn",
    State.RESCALING: "warn",
    State.OVERLOADED: "bad",
    State.PINNED: "warn",
    State.PAUSED: "warn",
    State.ADVISED: "warn",
    State.STEADY: "good",
}
"""State of a job → how it looks: good, warn or bad."""

_WAYS = {Direction.BOTH: "", Direction.UP: " up", Direction.DOWN: " down"}


def hours(value: float | None) -> str:
    """Return worker-hours; those of a small job or a young day in minutes.

    >>> hours(12.34), hours(0.0967), hours(0.0), hours(-0.5), hours(None)
    ('12.3 h', '5.8 min', '0 h', '-30 min', '?')
    """
    if value is None:
        return "?"
    if value == 0 or abs(value) >= 1:
        return f"{number(value)} h"
    minutes = 60 * value
    short = f"{minutes:.1f}".removesuffix(".0") if abs(minutes) < 10 else f"{minutes:.0f}"
    return f"{short} min"


def counted(after: float) -> str:
    """Return from when on what was written counts, `after` seconds from now (the grace).

    >>> counted(30.0)
    'written, and counted from the first tick that ends in 30s or later'
    """
    return f"written, and counted from the first tick that ends in {span(after)} or later"


def joined(text: str) -> str:
    """Return a figure that no line break parts from its unit."""
    return text.replace(" ", "\u00a0")


def records(count: float | None) -> str:
    """Return a number of records.

    >>> records(1.0), records(0.0), records(None)
    ('1 record', '0 records', '?')
    """
    if count is None:
        return "?"
    return f"{number(count)} record{'' if count == 1 else 's'}"


def saved(found: Savings | None) -> str:
    """Return what was saved against the static number of workers."""
    if found is None or found.static <= 0:
        return "?"
    part = share(found.saved, found.static)
    return f"{joined(hours(found.saved))} ({joined(part)})"


def ahead(row: JobRow) -> Move | None:
    """Return the move that is still to come: one that has arrived is none any more."""
    return None if row.move is None or row.move.to == row.scale_out else row.move


def moving(move: Move | None, scale_out: int | None) -> str:
    """Return the next expected move, without its time."""
    if move is None:
        return "none expected"
    to = "more than allowed" if move.to is None else str(move.to)
    start = "?" if scale_out is None else str(scale_out)
    return f"{start} → {to}, {move.kind}"


def wish(asked: Override) -> str:
    """Return what a person asked for.

    >>> from datetime import UTC, datetime
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> wish(Override(job="j", at=noon, source="console/a", kind="floor", scale_out=3,
    ...               until=noon, author="a"))
    'floor of 3 workers'
    """
    if asked.kind is OverrideKind.PAUSE:
        return f"pause of scaling{_WAYS[asked.direction]}"
    if asked.kind is OverrideKind.PIN:
        return f"pinned to {workers(asked.scale_out)}"
    quota = " (quota)" if asked.direction is Direction.UP else ""
    return f"{asked.kind} of {workers(asked.scale_out)}{quota}"


def outcome(found: RescaleLine) -> tuple[str, str]:
    """Return what became of a rescale, and how it looks."""
    if found.status is None:
        return "awaited", "unknown"
    word = found.status.value.replace("_", " ")
    good = {Status.APPLIED, Status.ALREADY_THERE, Status.WOULD_APPLY}
    return word, "good" if found.status in good else "bad"


def seconds(value: float | None) -> str:
    """Return a duration.

    >>> seconds(3.14159), seconds(150.0), seconds(9000.0), seconds(None)
    ('3.14 s', '2.5 min', '2h30m', '?')
    """
    if value is None:
        return "?"
    if value < 120:
        return f"{value:.3g} s"
    return f"{value / 60:.3g} min" if value < 7200 else span(60.0 * round(value / 60))


def kept(promise: Promise | None, found: RescaleLine) -> tuple[str, str]:
    """Return promise and outcome of downtime and recovery, side by side."""
    promised = promise or Promise()
    recovered = "not while it was watched" if found.recovered is False else seconds(found.recovery)
    return (
        f"{seconds(promised.downtime)} / {seconds(found.downtime)}",
        f"{seconds(promised.recovery)} / {recovered}",
    )


def headline(row: JobRow) -> str:
    """Return how a job runs, in a line."""
    engine = row.engine or "not declared"
    mode = {"act": "scales by itself", "advise": "advice only", None: "mode unknown"}[row.mode]
    bounds = "" if row.scale_max is None else f" · {row.scale_min or 1} to {workers(row.scale_max)}"
    return f"{engine} · {mode}{bounds}"


def moved(found: RescaleLine) -> str:
    """Return a rescale's change."""
    return change(found.before, found.after)
