"""How many of a loop's records were late, from what its capacity update tells.

The lag is known at both ends of the loop. In between the job stood still where it was started anew,
and worked off what waits at its capacity: a fluid that queues, as in the horizon's programme.
"""

import math
from dataclasses import dataclass
from typing import Self

from daedalus_shared.events import CapacityUpdate
from daedalus_shared.job_spec import Policy

HOT = 0.9
"""Part of its capacity from which on a job is taken to be behind by all that waits, as a saturated
one is by the analyzer; below, what waits may be processed and not committed yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """One job's loop; where nothing tells that it was started anew within it, it was not."""

    seconds: float
    """How long it is."""

    rate: float
    """Mean workload, records/s."""

    lag: float
    """Records waiting at its end."""

    capacity: float
    """Records/s that are processed; 0 when unknown."""

    measured: bool
    """Whether `capacity` is more than a lower bound."""

    up: float
    """Seconds that the job has been running at its end, at most the loop's own."""

    interval: float
    """Seconds between two checkpoints."""

    tolerated: float
    """Seconds that a record may wait."""

    @classmethod
    def of(cls, update: CapacityUpdate, policy: Policy) -> Self | None:
        """Return the loop that an update ends; None where workload or lag are unknown."""
        if update.workload is None or update.lag is None:
            return None
        interval = update.checkpoint_interval
        return cls(
            seconds=policy.loop,
            rate=update.workload.mean,
            lag=update.lag,
            capacity=update.capacity or 0.0,
            measured=update.capacity is not None and update.capacity_error is not None,
            up=policy.loop if update.uptime is None else min(update.uptime, policy.loop),
            interval=policy.checkpoint_interval if interval is None else interval,
            tolerated=policy.prices.each.tolerated,
        )

    @property
    def behind(self) -> float:
        """Records by which the job is behind at the loop's end: all that waits, or none.

        Offsets are committed once a checkpoint interval: so much waits in appearance only, unless
        the job is hot, or was started within the loop.
        """
        hot = self.measured and self.rate >= HOT * self.capacity
        deep = self.lag > self.rate * (self.tolerated + self.interval)
        return self.lag if hot or deep or self.up < self.seconds else 0.0

    def late(self, before: float, downtime: float) -> float:
        """Return the seconds of the loop whose records were late.

        >>> loop = Loop(seconds=60, rate=100, lag=0, capacity=200, measured=True, up=35,
        ...             interval=10, tolerated=1)
        >>> loop.late(before=0, downtime=20)  # 20 s, and 25 s to work off what came in 25 s
        45.0

        Args:
            before: Records by which the job was behind at its begin.
            downtime: Seconds that a start of the job takes.
        """
        free, end = self.rate * self.tolerated, self.behind
        if self.up < self.seconds:
            stopped = min(downtime, self.seconds - self.up)
            first = 0.0 if before > free else self.seconds - self.up - stopped
            if end > free:
                return self.seconds - first
            waits = before + self.rate * (stopped + 0.5 * self.interval)
            return self.seconds - self.up - first + min(self._works_off(waits), self.up)
        if end > free:
            part = 1.0 if before > free else (end - free) / (end - before)
            return part * self.seconds
        return min(self._works_off(before), self.seconds) if before > free else 0.0

    def _works_off(self, records: float) -> float:
        """Return the seconds that it takes; infinity where nobody knows."""
        spare = self.capacity - self.rate
        return records / spare if spare > 0 else math.inf
