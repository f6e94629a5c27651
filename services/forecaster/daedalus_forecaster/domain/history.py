"""The workload a job has seen, on a regular grid of event time; what is unknown stays a gap.

Slot k of a grid ends at k · step + shift seconds after 1970 and holds the mean of the samples in
(end - step, end]. The shift is that of the job's ticks, so that ticks end slots wherever the loop
is a multiple of the step.
"""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from daedalus_shared.events import Sample, Value
from daedalus_shared.events.base import LARGEST
from daedalus_shared.job_spec import Policy
from daedalus_shared.ticks import offset

FloatArray = NDArray[np.float64]

LIMIT = LARGEST
"""Records/s above which a forecast is cut: it may not pass what a rate can be."""

TOLERANCE = 0.002
"""Seconds within which two instants are the same: ticks are rounded to milliseconds."""


def rounded(value: float) -> float:
    """Return a rate cut to [0, LIMIT] at six significant digits, which keeps the state small.

    >>> rounded(123456.78), rounded(-1.0)
    (123457.0, 0.0)
    """
    return float(f"{min(max(value, 0.0), LIMIT):.6g}")


class Grid(Value):
    """Where slots end."""

    step: float = Field(gt=0)
    """Seconds between two slots' ends."""

    shift: float
    """Seconds by which the ends lie after multiples of the step."""

    @classmethod
    def of(cls, job: str, policy: Policy, step: float) -> Self:
        """Return the grid of a job whose slots take `step` seconds."""
        return cls(step=step, shift=round(offset(job, policy.loop) % step, 6))

    def position(self, at: datetime) -> float:
        """Return where an instant lies, in steps: k is the end of slot k."""
        return self._snapped((at.timestamp() - self.shift) / self.step)

    def end(self, slot: int) -> float:
        """Return the end of a slot in seconds since 1970."""
        return slot * self.step + self.shift

    def position_of(self, moment: float) -> float:
        """Return where a moment in seconds since 1970 lies, in steps."""
        return self._snapped((moment - self.shift) / self.step)

    def _snapped(self, position: float) -> float:
        nearest = round(position)
        return nearest if abs(position - nearest) * self.step <= TOLERANCE else position


class History(Value):
    """The newest slots of a job, and the sum of the one that is still open."""

    grid: Grid
    """Where the slots end."""

    newest: int
    """The newest closed slot."""

    values: tuple[float | None, ...] = ()
    """Mean workload of the slots up to `newest`, records/s; null where none was known."""

    open_sum: float = 0.0
    """Sum of the known samples of slot `newest` + 1."""

    open_count: int = 0
    """Number of the known samples of slot `newest` + 1."""

    @classmethod
    def start(cls, grid: Grid, samples: Sequence[Sample], at: datetime) -> Self:
        """Return an empty history that begins with the slot of the first sample."""
        first = min((sample.at for sample in samples), default=at)
        return cls(grid=grid, newest=math.ceil(grid.position(first)) - 1)

    @property
    def oldest(self) -> int:
        """The oldest slot kept; above `newest` while there is none."""
        return self.newest - len(self.values) + 1

    def add(self, samples: Sequence[Sample], until: datetime, keep: int) -> Self:
        """Return the history up to `until`.

        Args:
            samples: Those that were not added before, none after `until`.
            until: All samples up to here are known; slots that end by then are closed.
            keep: How many slots to keep, the newest.
        """
        slots: dict[int, list[float]] = {}
        for sample in samples:
            if sample.workload is not None:
                slot = math.ceil(self.grid.position(sample.at))
                slots.setdefault(slot, []).append(sample.workload)
        following = self.newest + 1
        sums = {slot: (sum(found), len(found)) for slot, found in slots.items()}
        more, count = sums.get(following, (0.0, 0))
        sums[following] = (self.open_sum + more, self.open_count + count)

        closed = max(math.floor(self.grid.position(until)), self.newest)
        fresh = [
            _mean(*sums.get(slot, (0.0, 0)))
            for slot in range(max(following, closed - keep + 1), closed + 1)
        ]
        open_sum, open_count = sums.get(closed + 1, (0.0, 0))
        return self.model_copy(
            update={
                "newest": closed,
                "values": (*self.values, *fresh)[-keep:],
                "open_sum": open_sum,
                "open_count": open_count,
            }
        )

    def between(self, first: int, last: int) -> FloatArray:
        """Return the slots from `first` to `last`, records/s; NaN where unknown or not kept."""
        found = np.full(max(last - first + 1, 0), np.nan)
        low, high = max(first, self.oldest), min(last, self.newest)
        if low <= high:
            kept = self.values[low - self.oldest : high - self.oldest + 1]
            found[low - first : high - first + 1] = np.array(kept, dtype=float)
        return found

    def onto(self, grid: Grid) -> Self:
        """Return the history on another grid, interpolated between known neighbours."""
        if not self.values:
            newest = math.floor(grid.position_of(self.grid.end(self.newest)))
            return self.model_copy(update={"grid": grid, "newest": newest})
        first = math.ceil(grid.position_of(self.grid.end(self.oldest)))
        last = math.floor(grid.position_of(self.grid.end(self.newest)))
        places = [self.grid.position_of(grid.end(slot)) for slot in range(first, last + 1)]
        known = self.between(self.oldest, self.newest)
        found = np.interp(places, np.arange(self.oldest, self.newest + 1), known)
        values = tuple(None if math.isnan(value) else rounded(value) for value in found)
        return type(self)(grid=grid, newest=last, values=values)


def interpolated(values: FloatArray) -> FloatArray:
    """Return a series for a model: unknown ends cut off, gaps bridged by straight lines.

    >>> interpolated(np.array([np.nan, 1.0, np.nan, 3.0, np.nan])).tolist()
    [1.0, 2.0, 3.0]
    """
    known = np.flatnonzero(~np.isnan(values))
    if not known.size:
        return np.empty(0)
    return np.interp(np.arange(known[0], known[-1] + 1), known, values[known])


def _mean(total: float, count: int) -> float | None:
    return rounded(total / count) if count else None
