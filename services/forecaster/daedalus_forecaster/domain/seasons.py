"""The workload of the last eight days in means of five minutes: what a day and a week look like.

A slot ends at a multiple of five minutes of event time, whatever the policy, so that a changed
loop or step loses nothing.
"""

import math
from collections.abc import Sequence
from typing import Self

import numpy as np

from daedalus_forecaster.domain.history import FloatArray
from daedalus_forecaster.domain.packed import coarse, fine, pack, unpack
from daedalus_shared.events import Sample, Value

STEP = 300.0
"""Seconds of a slot."""

DAY = 288
"""Slots of a day."""

WEEK = 7 * DAY

HOUR = 12
"""Slots that are compared to find neighbours."""

NEIGHBOURS = 5
"""Neighbours that are averaged."""

KEEP = WEEK + DAY
"""Slots that are kept: a week, and what is around the same moment a week ago."""


class Seasons(Value):
    """The newest slots of a job, 16 bits each."""

    newest: int = 0
    """The newest closed slot; it ends `newest` · 300 s after 1970."""

    codes: str = ""
    """Packed mean workloads of the slots up to `newest`, records/s."""

    open_sum: float = 0.0
    """Sum of the known samples of slot `newest` + 1."""

    open_count: int = 0
    """Number of the known samples of slot `newest` + 1."""

    def add(self, samples: Sequence[Sample], until: float) -> Self:
        """Return the seasons up to `until`, in seconds since 1970.

        Args:
            samples: Those that were not added before, none after `until`.
            until: All samples up to here are known; slots that end by then are closed.
        """
        slots: dict[int, list[float]] = {}
        for sample in samples:
            if sample.workload is not None:
                slot = math.ceil(sample.at.timestamp() / STEP)
                slots.setdefault(slot, []).append(sample.workload)
        closed = math.floor(until / STEP)
        newest = self.newest if self.codes or self.open_count else min(slots, default=closed) - 1
        following = newest + 1
        more = slots.get(following, [])
        sums = {slot: (sum(found), len(found)) for slot, found in slots.items()}
        sums[following] = (self.open_sum + sum(more), self.open_count + len(more))
        closed = max(closed, newest)
        open_sum, open_count = sums.get(closed + 1, (0.0, 0))
        codes = self.codes
        if closed > newest:
            first = max(following, closed - KEEP + 1)
            means = [_mean(*sums.get(slot, (0.0, 0))) for slot in range(first, closed + 1)]
            known = unpack(codes, "<u2")
            codes = pack(np.concatenate([known, coarse(np.array(means))])[-KEEP:])
        return self.model_copy(
            update={
                "newest": closed,
                "codes": codes,
                "open_sum": open_sum,
                "open_count": open_count,
            }
        )

    @property
    def values(self) -> FloatArray:
        """The kept slots up to `newest`, records/s; NaN where unknown."""
        return fine(unpack(self.codes, "<u2"))


def periodic(seasons: Seasons, moments: FloatArray, period: int, times: int) -> FloatArray | None:
    """Return what the workload was at the same moments of earlier periods, the mean of all known.

    Args:
        seasons: What is known.
        moments: Seconds since 1970, ascending.
        period: Slots of a period.
        times: How many periods to look back, at most.

    Returns:
        Records/s at each moment; None where a moment was never known, or is a gap in all periods.
    """
    values = seasons.values
    if values.size < period:
        return None
    # A slot's mean is the workload in its middle.
    middles = (seasons.newest - values.size + 0.5 + np.arange(values.size)) * STEP
    known = ~np.isnan(values)
    found = []
    for number in range(1, times + 1):
        then = moments - number * period * STEP
        if then[0] < middles[0] or not known.any():
            break
        at = np.searchsorted(middles, then)
        if np.all(known[np.clip(at - 1, 0, None)] & known[np.clip(at, None, values.size - 1)]):
            found.append(np.interp(then, middles[known], values[known]))
    return np.mean(found, axis=0) if found else None


def similar(seasons: Seasons, moments: FloatArray) -> FloatArray | None:
    """Return the workload around the moments that were most like the last hour, and after them.

    Args:
        seasons: What is known; at least a day of it is needed.
        moments: Seconds since 1970, ascending, the first within the last hour.

    Returns:
        Records/s at each moment as if it were one of those: the mean of the nearest neighbours,
        nearer ones counting more; None where too little is known.
    """
    values = seasons.values
    if values.size < DAY or np.any(np.isnan(values[-HOUR:])):
        return None
    last = (seasons.newest - 0.5) * STEP
    ahead = max(math.ceil((moments[-1] - last) / STEP), 0)
    stretches = np.lib.stride_tricks.sliding_window_view(values, HOUR + ahead)
    stretches = stretches[~np.any(np.isnan(stretches), axis=1)]
    if len(stretches) < DAY // 2:
        return None

    from sklearn.neighbors import KNeighborsRegressor  # noqa: PLC0415 -- 2 s, once a day is known

    model = KNeighborsRegressor(NEIGHBOURS, weights="distance", algorithm="brute")
    model.fit(stretches[:, :HOUR], stretches)
    found = np.asarray(model.predict(values[None, -HOUR:])[0])
    middles = last + (np.arange(found.size) - HOUR + 1) * STEP
    return np.asarray(np.interp(moments, middles, found))


def _mean(total: float, count: int) -> float:
    return total / count if count else math.nan
