"""What lies ahead of a job: the newest forecast laid out, and the next move that it suggests."""

from datetime import datetime, timedelta

from daedalus_console.figures import rate, workers
from daedalus_console.live.views import Expected, Move
from daedalus_shared.events import CapacityUpdate, Decision, Forecast


def instants(forecast: Forecast) -> tuple[datetime, ...]:
    """Return the instants that a forecast's values are for."""
    step = timedelta(seconds=forecast.step)
    return tuple(forecast.at + step * (place + 1) for place in range(len(forecast.mean)))


def expected(forecast: Forecast) -> Expected:
    """Return a forecast as it is shown."""
    return Expected(
        id=forecast.id,
        issued=forecast.tick,
        forecaster=forecast.forecaster,
        model=forecast.model,
        fallback=forecast.fallback,
        why=forecast.why,
        at=instants(forecast),
        mean=forecast.mean,
        quantiles=forecast.quantiles,
        wape=forecast.wape,
        errors=forecast.errors,
    )


def next_move(
    decision: Decision | None,
    forecast: Forecast | None,
    update: CapacityUpdate | None,
    now: datetime,
) -> Move | None:
    """Return what is under way or advised, else when the forecast outgrows the capacity."""
    if decision is not None and decision.chosen not in (None, decision.scale_out):
        kind = "advised" if decision.dry_run or decision.command is None else "commanded"
        return Move(at=decision.tick, to=decision.chosen, kind=kind, why=decision.sentence)
    if forecast is None or update is None or not update.capacity:
        return None
    ahead = [
        (at, value) for at, value in zip(instants(forecast), forecast.mean, strict=True) if at > now
    ]
    beyond = next((at for at, value in ahead if value > update.capacity), None)
    if beyond is None:
        return None
    highest = max(value for _, value in ahead)
    enough = next((point for point in update.table if point.capacity >= highest), None)
    can = f"{workers(update.scale_out)} can do {rate(update.capacity)}"
    return Move(
        at=beyond,
        to=enough.scale_out if enough else None,
        kind="expected",
        why=f"{rate(highest)} are expected, and {can}",
    )
