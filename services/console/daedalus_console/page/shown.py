"""From what is known of a job to what its charts draw: pure functions."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from daedalus_console.live.views import Expected as Issued
from daedalus_console.live.views import JobView, RescaleLine, Savings, Step
from daedalus_console.page.charts.model import (
    Capacity,
    Curve,
    Expected,
    Move,
    Reading,
    Timeline,
    WorkerLoad,
)
from daedalus_shared.events import Status

LOW, HIGH = "0.1", "0.9"


def timeline(view: JobView, selected: datetime | None = None) -> Timeline:
    """Return a job over time, and the decision that is looked at."""
    return Timeline(
        workload=column(view, "metrics", "workload"),
        capacity=stepped(view.capacity),
        applied=stepped(view.scale_out),
        recommended=stepped(view.recommended),
        lag=column(view, "metrics", "lag"),
        latency=column(view, "metrics", "latency"),
        foreseen=column(view, "forecasts", "expected"),
        expected=expected(view.expected) if view.expected else None,
        moves=[move(one) for one in reversed(view.rescales) if one.after is not None],
        selected=selected,
    )


def column(view: JobView, which: str, name: str) -> list[Reading]:
    """Return one column of the metrics or the forecasts."""
    series = view.metrics if which == "metrics" else view.forecasts
    values = series.values.get(name, ())
    return list(zip(series.at, values, strict=False))


def stepped(steps: Iterable[Step]) -> list[Reading]:
    """Return steps as readings."""
    return [(step.at, step.value) for step in steps]


def expected(issued: Issued) -> Expected:
    """Return a forecast as the chart draws it."""
    step = (issued.at[1] - issued.at[0]).total_seconds() if len(issued.at) > 1 else 1.0
    start = issued.at[0] - timedelta(seconds=step) if issued.at else issued.issued
    return Expected(
        at=start,
        step=step,
        mean=issued.mean,
        low=issued.quantiles.get(LOW, ()),
        high=issued.quantiles.get(HIGH, ()),
    )


def move(found: RescaleLine) -> Move:
    """Return a rescale as a mark."""
    return Move(
        at=found.started_at or found.tick,
        before=found.before,
        after=found.after or 0,
        reason=found.reason or "reason not read",
        done=found.status in {Status.APPLIED, Status.ALREADY_THERE} or found.status is None,
    )


def curve(view: JobView) -> Curve:
    """Return the capacity learned."""
    points = view.curve.points if view.curve else ()
    return Curve(
        points=[
            Capacity(
                scale_out=point.scale_out,
                capacity=point.capacity,
                basis=point.basis,
                error=point.error,
                at_least=point.at_least,
            )
            for point in points
        ],
        scale_out=view.row.scale_out,
        workload=view.row.workload,
    )


def loads(view: JobView) -> list[WorkerLoad]:
    """Return the workers' CPU."""
    return [WorkerLoad(id=worker.id, cpu=worker.cpu) for worker in view.workers]


def hours(found: Savings | None) -> tuple[float | None, float | None]:
    """Return worker-hours used and static; None while none were counted."""
    if found is None or found.static <= 0:
        return None, None
    return found.hours, found.static
