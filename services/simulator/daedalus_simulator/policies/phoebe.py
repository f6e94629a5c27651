"""A policy like Phoebe (arXiv:2206.09679): profiled, with a forecast and a recovery time to keep.

Its profiling runs have told the capacity of each scale-out and how long a restart takes; here both
are the true means. Every 10 min it takes the fewest workers that would recover from a failure at
the forecast's highest workload in time; it leaves out scale-downs by one or two. The forecast is
Holt's linear trend (an ARIMA(0, 2, 2)) on minute means, damped, with the parameters that would
have forecast the last hour best.
"""

from collections.abc import Mapping, Sequence
from itertools import product

from daedalus_simulator.domain.policy import View

STEP = 60
"""Seconds per value of its history."""

DECISION = 600
"""Seconds between two decisions, and what is forecast."""

RECOVERY = 180.0
"""Seconds in which a failure shall be recovered from."""

MEMORY = 60
"""Values of history."""

LEAST_STEP_DOWN = 3
"""Workers that a scale-down must save."""

_REPLAY = 10.0
"""Seconds of records that come again after a failure, at most."""

_LEVELS, _TRENDS, _DAMPING = (0.2, 0.4, 0.6, 0.8, 1.0), (0.0, 0.1, 0.2, 0.4), 0.95
"""Smoothing parameters that are tried, and how much of the trend lasts a step."""


def forecast(history: Sequence[float], steps: int) -> list[float]:
    """Return the next `steps` values of a history of at least one; never negative."""
    tried = [_smoothed(history, *gains) for gains in product(_LEVELS, _TRENDS)]
    _, level, trend = min(tried, key=lambda one: one[0])
    values = []
    for step in range(1, steps + 1):
        level += trend * _DAMPING**step
        values.append(max(level, 0.0))
    return values


def _smoothed(
    history: Sequence[float], level_gain: float, trend_gain: float
) -> tuple[float, float, float]:
    """Return the sum of squared errors one step ahead, and the last level and trend."""
    level, trend, squares = history[0], 0.0, 0.0
    for value in history[1:]:
        expected = level + _DAMPING * trend
        error = value - expected
        squares += error**2
        level = expected + level_gain * error
        trend = _DAMPING * trend + level_gain * trend_gain * error
    return squares, level, trend


def recovery(capacity: float, workload: float, restart: float) -> float:
    """Return the seconds from a failure until the job has caught up; infinite if it never does."""
    spare = capacity - workload
    if spare <= 0:
        return float("inf")
    return restart + workload * (restart + _REPLAY) / spare


class Phoebe:
    """Takes the fewest workers that recover in time."""

    interval = STEP
    name = "phoebe"

    def __init__(self, capacities: Mapping[int, float], restart: float) -> None:
        """Make a policy from what profiling has told.

        Args:
            capacities: Records/s of each scale-out that may be chosen.
            restart: Seconds that a restart takes.
        """
        self._capacities = dict(sorted(capacities.items()))
        self._restart = restart
        self._history: list[float] = []

    def decide(self, job: View) -> int | None:
        """Return the scale-out for the next 10 min, at their begin."""
        look = job.look(STEP)
        self._history = [*self._history, look.arrivals][-MEMORY:]
        if look.second % DECISION:
            return None
        highest = max(look.arrivals, *forecast(self._history, DECISION // STEP))
        return self.chosen(look.scale_out, highest)

    def chosen(self, scale_out: int, workload: float) -> int:
        """Return the fewest workers that keep the recovery time at a workload."""
        able = [
            workers
            for workers, capacity in self._capacities.items()
            if recovery(capacity, workload, self._restart) < RECOVERY
        ]
        fewest = min(able, default=max(self._capacities))
        saved = scale_out - fewest
        return scale_out if 0 < saved < LEAST_STEP_DOWN else fewest
