"""What stands in for a signal that is unknown at a tick, as far as the job's file asks for it."""

from datetime import datetime

from daedalus_planner.domain.courtesies.memory import Good, is_within
from daedalus_planner.domain.situation import Reason
from daedalus_planner.domain.wish import Wish
from daedalus_shared.courtesies import Unknown
from daedalus_shared.events import CapacityUpdate, Workload

_NAMES = {"workload": "what arrives", "lag": "how much waits", "capacity": "the capacity"}

_REASONS = {
    "workload": Reason.WORKLOAD_UNKNOWN,
    "lag": Reason.LAG_UNKNOWN,
    "capacity": Reason.CAPACITY_UNKNOWN,
}


def filled(
    update: CapacityUpdate,
    forecast: float | None,
    good: dict[str, Good],
    at: datetime,
    unknown: Unknown,
) -> CapacityUpdate:
    """Return the update of a tick with stand-ins for what it does not know.

    `forecast` is the workload that the forecaster expects now (records/s), `good` what was last
    known. What nothing stands in for stays unknown.
    """
    lately = {
        signal: found
        for signal, found in good.items()
        if is_within(found.tick, at, unknown.good_for)
    }
    found: dict[str, object] = {}
    if update.workload is None:
        found["workload"] = _workload(unknown, lately.get("workload"), forecast)
    if update.lag is None:
        found["lag"] = _lag(unknown, lately.get("lag"), forecast)
    last = lately.get("capacity")
    if update.capacity is None and unknown.capacity == "last_good" and last is not None:
        capacities = {point.scale_out: point.capacity for point in last.table}
        if update.scale_out in capacities:
            found |= {"capacity": capacities[update.scale_out], "table": last.table}
    return update.model_copy(update=found)


def stood_in(update: CapacityUpdate, seen: CapacityUpdate) -> tuple[str, ...]:
    """Return the signals that `update` has and that were not `seen`."""
    return tuple(
        signal
        for signal in _NAMES
        if getattr(seen, signal) is None and getattr(update, signal) is not None
    )


def said(signals: tuple[str, ...], unknown: Unknown) -> list[str]:
    """Return a sentence for each signal that something stands in for.

    >>> said(("lag",), Unknown(lag="last_good"))
    ['How much waits is not known: the last figure stands in for it.']
    """
    what = {"last_good": "the last figure", "forecast": "the forecast"}
    return [
        f"{_NAMES[signal].capitalize()} is not known: "
        f"{what[getattr(unknown, signal)]} stands in for it."
        for signal in signals
    ]


def grounded(wish: Wish, current: int, signals: tuple[str, ...]) -> Wish:
    """Return the present scale-out where only a stand-in speaks for fewer workers."""
    if not signals or wish.chosen >= current:
        return wish
    first = signals[0]
    clause = f"{_NAMES[first]} is not known, and what stands in for it is no ground to scale down"
    return wish.changed(current, _REASONS[first], f"{first}_unknown", clause)


def remembered(
    good: dict[str, Good], seen: CapacityUpdate | None, unknown: Unknown
) -> dict[str, Good]:
    """Return what was last known of the signals whose last one is asked for."""
    asked = [signal for signal in _NAMES if getattr(unknown, signal) == "last_good"]
    found = {signal: good[signal] for signal in asked if signal in good}
    if seen is None:
        return found
    last = Good(tick=seen.tick, update=seen.id, workload=seen.workload, lag=seen.lag)
    table = last.model_copy(update={"table": seen.table})
    return found | {
        signal: table if signal == "capacity" else last
        for signal in asked
        if getattr(seen, signal) is not None
    }


def _workload(unknown: Unknown, last: Good | None, forecast: float | None) -> Workload | None:
    if unknown.workload == "last_good" and last is not None:
        return last.workload
    if unknown.workload == "forecast" and forecast is not None:
        return Workload(
            mean=forecast, minimum=forecast, maximum=forecast, level=forecast, slope=0.0
        )
    return None


def _lag(unknown: Unknown, last: Good | None, forecast: float | None) -> float | None:
    if unknown.lag == "last_good" and last is not None:
        return last.lag
    return 0.0 if unknown.lag == "forecast" and forecast is not None else None
