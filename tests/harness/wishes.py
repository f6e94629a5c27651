"""Wishes of a planner and what it measured, for the tests of its courtesies."""

from datetime import UTC, datetime, timedelta
from typing import Any

from daedalus_planner.domain.situation import Reason
from daedalus_planner.domain.wish import Wish
from daedalus_shared.events import CapacityUpdate, Downtime, Workload

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
CURRENT = 4


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def wish(chosen: int) -> Wish:
    reason = Reason.SCALE_UP if chosen > CURRENT else Reason.SCALE_DOWN
    if chosen == CURRENT:
        reason = Reason.CURRENT_SUFFICES
    return Wish(chosen, reason, "The planner's sentence.")


def told(found: Wish) -> tuple[int, tuple[str, ...]]:
    assert len(found.limits) == len(found.clauses)
    return found.chosen, found.limits


def measured(capacity: float | None = 400.0, **changed: Any) -> CapacityUpdate:
    prior = Downtime(mean=30.0, spread=0.0, seen=0)
    found = CapacityUpdate(
        job="j",
        at=after(220),
        tick=after(220),
        source="analyzer/analyzer",
        loop=1,
        scale_out=6,
        capacity=capacity,
        capacity_error=None if capacity is None else 1.0,
        workload=Workload(mean=300.0, minimum=300.0, maximum=300.0, level=300.0, slope=0.0),
        lag=0.0,
        downtime_up=prior,
        downtime_down=prior,
    )
    return found.model_copy(update=changed)
