"""The share of late records that is aimed at, and the price of lateness that brings it about.

A fixed price fits one job. Where a share is aimed at, the price is its Lagrange multiplier, found
by dual ascent: it rises while more records are late than may be, and falls while fewer are
(docs/method.md, Late records). The share is measured from the capacity updates alone.
"""

import math
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from daedalus_planner.domain.lateness import Loop
from daedalus_shared.durations import LONGEST
from daedalus_shared.events import CapacityUpdate, LateRecords
from daedalus_shared.events.base import Instant, Rate, Records, ScaleOut
from daedalus_shared.job_spec import Policy

GAIN = 40.0
"""By how much the logarithm of the price rises for an hour's usual records that are late and may
not be: a minute of them doubles it, and half an hour without a late one halves it again, at a
target of 3.5 %. At 80 the price overshoots; at 20 six hours are too few for it to adapt."""

HALF_LIFE = 4 * 3600.0
"""Seconds after which a late record counts half, and the price is half way back to the first."""

DAY = 24 * 3600.0
"""Seconds after which a record counts half in the usual workload: nights and days are to count."""

LOWEST, HIGHEST = 0.6, 4.0
"""Bounds of the price, as parts of the first: a calm morning shall not buy a late afternoon, nor a
job that cannot help being late ever more workers."""

_Sum = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""Records of hours and days together, which may be more than wait at once."""


class Objective(BaseModel):
    """What is remembered of one job; empty where no share is aimed at."""

    model_config = ConfigDict(frozen=True)

    tick: Instant | None = None
    """Of the last update that told workload and lag."""
    scale_out: ScaleOut | None = None
    """Workers then."""
    behind: Records = 0.0
    """Records by which the job was behind then."""
    raised: float = 0.0
    """Natural logarithm of the price in force as a part of the first."""
    late: _Sum = 0.0
    """Records that were late, forgotten by `HALF_LIFE`."""
    counted: _Sum = 0.0
    """All records, forgotten alike."""
    records: _Sum = 0.0
    """All records, forgotten by `DAY`."""
    seconds: float = 0.0
    """In which they came, forgotten alike."""

    @property
    def usual(self) -> Rate | None:
        """Mean workload over days, records/s; None when unknown."""
        return self.records / self.seconds if self.records > 0 else None

    def told(self, policy: Policy) -> LateRecords | None:
        """Return the price in force and what it rests on; None where no share is aimed at."""
        price = policy.prices.each
        if price.late_share is None:
            return None
        return LateRecords(
            target=price.late_share,
            share=min(self.late / self.counted, 1.0) if self.counted > 0 else None,
            price=min(price.late * math.exp(self.raised), LONGEST),
        )

    def after(self, update: CapacityUpdate | None, policy: Policy) -> Self:
        """Return what is known once a loop is over; the same where its update does not tell."""
        target = policy.prices.each.late_share
        if target is None:
            return type(self)()
        loop = None if update is None else Loop.of(update, policy)
        if update is None or loop is None:
            return self
        unit = policy.forecast_step / 60.0  # below 1 where time is compressed
        late = loop.rate * loop.late(self._before(update, loop), self._downtime(update))
        arrived = loop.rate * loop.seconds
        keeps = 0.5 ** (loop.seconds / (HALF_LIFE * unit))
        in_days = 0.5 ** (loop.seconds / (DAY * unit))
        records, seconds = in_days * self.records + arrived, in_days * self.seconds + loop.seconds
        raised = keeps * self.raised
        if records > 0:
            excess = (late - target * arrived) * seconds / records  # seconds of the usual workload
            raised += GAIN * excess / (3600.0 * unit)
        return type(self)(
            tick=update.tick,
            scale_out=update.scale_out,
            behind=loop.behind,
            raised=min(max(raised, math.log(LOWEST)), math.log(HIGHEST)),
            late=keeps * self.late + late,
            counted=keeps * self.counted + arrived,
            records=records,
            seconds=seconds,
        )

    def _before(self, update: CapacityUpdate, loop: Loop) -> float:
        """Return the records by which the job was behind at a loop's begin.

        Where the loop before is unknown, as at its end.
        """
        if self.tick is None:
            return loop.behind
        passed = (update.tick - self.tick).total_seconds()
        return self.behind if passed < 1.5 * loop.seconds else loop.behind

    def _downtime(self, update: CapacityUpdate) -> float:
        """Return the seconds that a start of the job is expected to take."""
        before, now = self.scale_out, update.scale_out
        fewer = before is not None and now is not None and now < before
        return (update.downtime_down if fewer else update.downtime_up).mean
