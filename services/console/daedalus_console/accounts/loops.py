"""One loop of a job as its capacity update tells it: what came, and what each scale-out can do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from daedalus_shared.events import CapacityUpdate
from daedalus_shared.job_spec import JobSpec
from daedalus_shared.policy import Price

SLACK = 0.25
"""Part of a loop by which two may miss each other and still follow one another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """The time between two ticks."""

    start: datetime
    end: datetime

    seconds: float
    """Its length: kept, since each step of each course asks for it."""

    stamp: float
    """Its start in seconds since 1970: kept, too."""

    period: float
    """Seconds between ticks by the policy: more than its length where a part of it counts."""

    level: float | None
    """Workload at the end by the loop's trend line, records/s; None when unknown."""

    slope: float
    """Records/s per second."""

    mean: float
    """Mean workload, records/s; 0 where it is unknown."""

    scale_out: int | None
    """Workers at the end; None when unknown."""

    since: datetime | None
    """Since when there are as many; None when no change was seen."""

    lag: float | None
    """Records waiting at the end; None when unknown."""

    capacities: Mapping[int, float]
    """Workers → records/s; a lower bound counts as the capacity."""

    downtime_up: float
    downtime_down: float
    """Seconds that a rescale is expected to stand still."""

    replayed: float
    """Seconds of records that a rescale processes again."""

    least: int
    most: int
    """The spec's bounds."""

    price: Price
    """Of everything but workers."""

    def rate(self, offset: float) -> float:
        """Return the workload so many seconds after the start, records/s; 0 where it is unknown."""
        if self.level is None:
            return 0.0
        return max(0.0, self.level + self.slope * (offset - self.seconds))

    @property
    def records(self) -> float:
        """Records that arrive in it, by its trend line; 0 where it is unknown."""
        return (self.rate(0.0) + self.rate(self.seconds)) / 2 * self.seconds

    def follows(self, other: "Loop") -> bool:
        """Whether it begins where the other ends."""
        return abs((self.start - other.end).total_seconds()) <= SLACK * self.seconds


def loop_of(update: CapacityUpdate, spec: JobSpec, after: datetime) -> Loop:
    """Return the loop that an update closes, under the spec in effect then.

    Args:
        update: The update.
        spec: The spec.
        after: Earlier than the update's tick; what of the loop lies before it does not count, and
            the rest keeps the loop's trend line.
    """
    policy, load = spec.policy, update.workload
    interval = update.checkpoint_interval
    capacities = {point.scale_out: point.capacity for point in update.table}
    if update.scale_out is not None and update.capacity is not None:
        capacities.setdefault(update.scale_out, update.capacity)
    began = update.tick - timedelta(seconds=policy.loop)
    start = max(began, after)
    return Loop(
        start=start,
        end=update.tick,
        seconds=policy.loop if start == began else (update.tick - start).total_seconds(),
        stamp=start.timestamp(),
        period=policy.loop,
        level=None if load is None else load.level,
        slope=0.0 if load is None else load.slope,
        mean=0.0 if load is None else load.mean,
        scale_out=update.scale_out,
        since=update.scale_out_since,
        lag=update.lag,
        capacities=capacities,
        downtime_up=update.downtime_up.mean,
        downtime_down=update.downtime_down.mean,
        replayed=0.5 * (policy.checkpoint_interval if interval is None else interval),
        least=spec.scale.min,
        most=spec.scale.max,
        price=policy.prices.each,
    )
