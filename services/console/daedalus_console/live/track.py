"""Numbers over time in bounded memory: the newest in full, older ones at an ever coarser step."""

import math
from array import array
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

KEPT = 1_200
"""Rows of a track; a week takes about 1,060 with a report each 15 s."""

SLACK = 240
"""Rows beyond that before it is thinned again."""

STEPS = (1_800.0, 300.0, 60.0, 15.0, 5.0)
"""Seconds that one row of the past may stand for: the longest that is at most a part of its age.

Only jobs that are played faster than they run report more often than each 15 s.
"""

PART = 60.0
"""Of the age: what is an hour old is known by the minute."""


class Track:
    """Columns that share their instants, oldest first.

    When it is full, rows of the same step become one with their mean, in a column of peaks with
    the highest value. So the past grows coarser with its age.
    """

    def __init__(
        self, columns: Sequence[str], *, peaks: Sequence[str] = (), kept: int = KEPT
    ) -> None:
        self._at = array("d")
        self._columns = {name: array("f") for name in columns}
        self._peaks = frozenset(peaks)
        self._kept = kept

    def __len__(self) -> int:
        return len(self._at)

    @property
    def newest(self) -> float | None:
        """The newest instant, seconds since the epoch."""
        return self._at[-1] if self._at else None

    @property
    def oldest(self) -> float | None:
        """The oldest instant, seconds since the epoch."""
        return self._at[0] if self._at else None

    def add(self, at: float, values: Mapping[str, float | None]) -> bool:
        """Append a row; one that is not newer than all others changes nothing."""
        if self._at and at <= self._at[-1]:
            return False
        if len(self._at) >= self._kept + SLACK:
            self._thin()
        self._at.append(at)
        for name, column in self._columns.items():
            value = values.get(name)
            column.append(math.nan if value is None else value)
        return True

    def drop_before(self, at: float) -> None:
        """Forget what is older."""
        gone = bisect_left(self._at, at)
        if gone:
            del self._at[:gone]
            for column in self._columns.values():
                del column[:gone]

    def since(self, at: float) -> tuple[list[float], dict[str, list[float | None]]]:
        """Return the instants from `at` on, and the values of each column; None for unknown."""
        first = bisect_left(self._at, at)
        return self._at[first:].tolist(), {
            name: [None if value != value else _short(value) for value in column[first:]]  # noqa: PLR0124 -- NaN
            for name, column in self._columns.items()
        }

    def column(self, name: str, at: float) -> tuple[list[float], list[float | None]]:
        """Return the instants from `at` on, and the values of one column; None for unknown."""
        first = bisect_left(self._at, at)
        return self._at[first:].tolist(), [
            None if math.isnan(value) else value for value in self._columns[name][first:]
        ]

    def _thin(self) -> None:
        newest, ends = self._at[-1], list[int]()
        before: tuple[float, float] | None = None
        for place, at in enumerate(self._at):
            step = next((step for step in STEPS if step * PART <= newest - at), 0.0)
            bucket = (step, at // step if step else at)
            if bucket == before:
                ends[-1] = place
            else:
                ends.append(place)
            before = bucket
        begins = [0, *(end + 1 for end in ends[:-1])][-self._kept :]
        ends = ends[-self._kept :]
        # The last instant stands for all, so that nothing is shown before it happened.
        self._at = array("d", (self._at[end] for end in ends))
        for name, column in self._columns.items():
            join = max if name in self._peaks else fmean
            self._columns[name] = array(
                "f",
                (
                    column[end] if begin == end else _joined(column[begin : end + 1], join)
                    for begin, end in zip(begins, ends, strict=True)
                ),
            )


def _joined(values: "array[float]", join: Callable[[list[float]], float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return join(known) if known else math.nan


def _short(value: float) -> float:
    """Return a 32-bit number with the digits that it has, not those of its 64-bit image."""
    return float(f"{value:.7g}")
