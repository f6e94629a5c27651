"""How wrong forecasts were: WAPE of the previous one, and rolling errors by horizon.

WAPE = Σ|y - ŷ| / Σy, over the slots whose workload became known (docs/method.md, "Analyze:
forecast"). A forecast's value belongs to one instant; it is compared with that slot and no other.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple, Self

from daedalus_forecaster.domain.history import History
from daedalus_shared.events import HorizonError, Value

WORST = 1000.0
"""Errors are cut here, where the workload was next to nothing."""

DISCOUNT = 0.5 ** (1 / 30)
"""A scored forecast counts half after 30 further ones: half an hour at the default loop."""


def ratio(missed: float, total: float) -> float:
    """Return Σ|y - ŷ| / Σy; 1 where nothing arrived although something was expected.

    >>> ratio(10.0, 100.0), ratio(0.0, 0.0), ratio(5.0, 0.0)
    (0.1, 0.0, 1.0)
    """
    if missed == 0:
        return 0.0
    return min(missed / total, WORST) if total > 0 else 1.0


def wape(pairs: Iterable[tuple[float, float]]) -> float | None:
    """Return the error of (actual, expected) pairs, or None when there are none.

    >>> wape([(100.0, 90.0), (300.0, 330.0)]), wape([])
    (0.1, None)
    """
    found = list(pairs)
    if not found:
        return None
    return ratio(sum(abs(y - expected) for y, expected in found), sum(y for y, _ in found))


class Path(Value):
    """A forecast as it was issued."""

    position: float
    """Where on the grid it was issued, in steps."""

    values: tuple[float, ...]
    """Records/s; value i holds at `position` + i + 1."""

    def at(self, slot: int) -> float | None:
        """Return what was expected of a slot, between two values where it lies between them."""
        index = slot - self.position - 1
        low = math.floor(index)
        if low < 0 or index > len(self.values) - 1:
            return None
        part = index - low
        if part == 0:
            return self.values[low]
        return (1 - part) * self.values[low] + part * self.values[low + 1]


class Due(NamedTuple):
    """An expectation that is scored when its slot is known."""

    slot: int
    ahead: float
    """Seconds between the issue and the slot's end: the horizon."""
    value: float


class Rolling(NamedTuple):
    """The error at one horizon, older forecasts discounted."""

    ahead: float
    missed: float
    """Σ|y - ŷ|."""
    total: float
    """Σy."""


class Track(Value):
    """The score of one source of forecasts."""

    latest: Path | None = None
    """The forecast that is not scored yet."""

    wape: float | None = None
    """Error of the forecast before it; null when no workload has been known since."""

    due: tuple[Due, ...] = ()
    """Expectations further ahead than the next forecast."""

    rolling: tuple[Rolling, ...] = ()
    """Errors by horizon, ascending."""

    @property
    def errors(self) -> tuple[HorizonError, ...]:
        """The rolling errors as they are published."""
        return tuple(
            HorizonError(horizon=known.ahead, wape=ratio(known.missed, known.total))
            for known in self.rolling
        )

    def score(self, history: History, until: int) -> Self:
        """Return the track with all that slots up to `until` say about it."""
        return self.model_copy(
            update={
                "latest": None,
                "wape": self._wape(history, until),
                "due": tuple(due for due in self.due if due.slot > until),
                "rolling": self._rolled(history, until),
            }
        )

    def issue(self, path: Path, aheads: Iterable[float], step: float) -> Self:
        """Return the track with a new forecast, to be scored at each of `aheads` seconds."""
        due = []
        for ahead in aheads:
            slot = math.floor(path.position + ahead / step + 1e-6)
            value = path.at(slot)
            if value is not None:
                due.append(Due(slot, ahead, value))
        return self.model_copy(update={"latest": path, "due": (*self.due, *due)})

    def _wape(self, history: History, until: int) -> float | None:
        if self.latest is None:
            return None
        first = math.floor(self.latest.position) + 1
        last = min(until, first + len(self.latest.values))
        actual = history.between(first, last).tolist()
        return wape(
            (y, expected)
            for slot, y in enumerate(actual, start=first)
            if not math.isnan(y) and (expected := self.latest.at(slot)) is not None
        )

    def _rolled(self, history: History, until: int) -> tuple[Rolling, ...]:
        sums = {known.ahead: known for known in self.rolling}
        for due in self.due:
            if due.slot > until:
                continue
            y = float(history.between(due.slot, due.slot)[0])
            if not math.isnan(y):
                old = sums.get(due.ahead, Rolling(due.ahead, 0.0, 0.0))
                sums[due.ahead] = Rolling(
                    due.ahead,
                    DISCOUNT * old.missed + abs(y - due.value),
                    DISCOUNT * old.total + y,
                )
        return tuple(sums[ahead] for ahead in sorted(sums))
