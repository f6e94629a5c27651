"""The ensemble's experts: each forecasts the next slots from the job's past alone.

Each is good where others fail: the last value on random walks, a mean on bursts, trends on ramps,
autoregressions on smooth and on periodic workloads, neighbours and seasons on what repeats. One
that cannot say anything yet repeats the last value, and is weighted like it.

Darts' models are not among the experts: they take 5 s and 270 MB to import and 30-300 ms to fit,
and the autoregressions here are fitted anew at each tick on 4 h in 0.1 ms each. Darts serves the
reference (`daedalus_forecaster.models`); scikit-learn finds the neighbours (`seasons`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from daedalus_forecaster.domain import autoregression
from daedalus_forecaster.domain.history import FloatArray

EXPERTS = (
    "last",
    "mean20",
    "mean120",
    "trend10",
    "trend20",
    "trend40",
    "ar8",
    "ar20",
    "level20",
    "coarse-level8",
    "coarse-level20",
    "day",
    "week",
    "neighbours",
)
"""The experts by name, with the slots that they look back over."""

HIGHEST = 1.2
"""An expert may exceed the highest workload seen by this factor."""

RISE = 1.8
"""An expert may exceed the last workload by this factor, where that is more."""


@dataclass(frozen=True, slots=True)
class Past:
    """What the experts know."""

    values: FloatArray
    """Means of the newest slots without gaps, records/s; at least one."""

    highest: float
    """The highest workload ever seen, records/s."""

    seasons: Sequence[FloatArray | None] = (None, None, None)
    """What the workload was a day and a week before the last slot and each of the next, and when
    it was most like now; each shape (1 + slots,), None where that is not known."""


def ceiling(past: Past) -> float:
    """Return the most that is ever expected, records/s."""
    return max(RISE * float(past.values[-1]), HIGHEST * past.highest)


def predict(past: Past, slots: int) -> FloatArray:
    """Return all experts' forecasts of the next `slots`, shape (experts, slots), records/s."""
    values = past.values
    last = float(values[-1])
    level = float(np.mean(values))
    halves = values[values.size % 2 :].reshape(-1, 2).mean(axis=1)
    half_level = float(np.mean(halves)) if halves.size else last
    found: list[FloatArray | float | None] = [
        last,
        float(np.mean(values[-20:])),
        float(np.mean(values[-120:])),
        _trend(values, 10, 0.95, slots),
        _trend(values, 20, 0.97, slots),
        _trend(values, 40, 0.985, slots),
        _differenced(values, 8, 1e-6, slots),
        _differenced(values, 20, 1e-4, slots),
        _levels(values, 20, 1e-4, level, slots),
        _every_other(_levels(halves, 8, 1e-3, half_level, slots // 2 + 2), last, slots),
        _every_other(_levels(halves, 20, 1e-3, half_level, slots // 2 + 2), last, slots),
        *(_seasonal(season, last) for season in past.seasons),
    ]
    known = np.full((len(EXPERTS), slots), last)
    for row, forecast in zip(known, found, strict=True):
        if forecast is not None and np.all(np.isfinite(forecast)):
            row[:] = forecast
    return np.asarray(np.clip(known, 0.0, ceiling(past)))


def _trend(values: FloatArray, window: int, damping: float, slots: int) -> FloatArray | None:
    """Return the least-squares line through the last `window` values, its slope dying out."""
    recent = values[-window:]
    if recent.size < 3:
        return None
    x = np.arange(recent.size) - (recent.size - 1.0)
    slope, end = np.polyfit(x, recent, 1)
    return np.asarray(end + slope * np.cumsum(damping ** np.arange(1, slots + 1)))


def _differenced(values: FloatArray, order: int, ridge: float, slots: int) -> FloatArray | None:
    changes = np.diff(values)
    model = autoregression.fit(changes, order, ridge)
    if model is None:
        return None
    return np.asarray(values[-1] + np.cumsum(model.forecast(changes, slots)))


def _levels(
    values: FloatArray, order: int, ridge: float, mean: float, slots: int
) -> FloatArray | None:
    model = autoregression.fit(values, order, ridge, mean)
    return None if model is None else model.forecast(values, slots)


def _every_other(found: FloatArray | None, last: float, slots: int) -> FloatArray | None:
    """Return a forecast of pairs of slots as one of slots, which begins at the last value."""
    if found is None:
        return None
    middles = np.concatenate([[0.0], np.arange(found.size) * 2 + 1.5])
    return np.asarray(np.interp(np.arange(1, slots + 1), middles, np.concatenate([[last], found])))


def _seasonal(season: FloatArray | None, last: float) -> FloatArray | None:
    """Return a season moved to today's level, from which it is left in half an hour."""
    if season is None:
        return None
    ahead = np.arange(1, season.size)
    return np.asarray(season[1:] + (last - season[0]) * 0.5 ** (ahead / 60))
