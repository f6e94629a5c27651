"""How far off a forecaster was that says so itself by no paths: what makes bands around its mean.

The error is log(actual / expected), scored at a few distances and forgotten slowly; before any was
seen, and in between, it grows with the square root of the distance.
"""

import math
from datetime import datetime, timedelta
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict

from daedalus_planner.domain import workload
from daedalus_planner.domain.situation import Series
from daedalus_shared.events import Forecast
from daedalus_shared.events.base import Instant, Rate
from daedalus_shared.job_spec import Policy

DISTANCES = (1, 2, 5, 10, 20, 40)
"""Steps ahead at which a forecast is scored."""

DOUBT = 0.1
"""Standard deviation of the error a quarter of the horizon ahead, before any was seen."""

TRUST = 10.0
"""Errors seen that weigh as much as `DOUBT`."""

KEEPS = 0.97
"""Weight that an error keeps at each new one: 33 count at most."""

WORST = 1.5
"""Errors beyond this count as this: more than four times as much, or less than a quarter."""


class Issued(BaseModel):
    """A forecast that is still to be scored."""

    model_config = ConfigDict(frozen=True)

    tick: Instant
    expected: tuple[Rate, ...]
    """Records/s at each of the distances."""


class Accuracy(BaseModel):
    """One forecaster's errors; empty while its forecasts have paths."""

    model_config = ConfigDict(frozen=True)

    forecaster: str | None = None
    issued: tuple[Issued, ...] = ()
    """Ascending, not yet scored at every distance."""
    weights: tuple[float, ...] = (0.0,) * len(DISTANCES)
    """How many errors each distance's mean rests on, forgotten ones less."""
    squares: tuple[float, ...] = (0.0,) * len(DISTANCES)
    """Sums of the squared errors, weighted alike."""

    def deviation(self, times: Series, policy: Policy) -> Series:
        """Return the standard deviation of the error so many seconds ahead, shape of `times`."""
        at = policy.forecast_step * np.array(DISTANCES)
        prior = DOUBT**2 * at / (policy.horizon / 4)
        square = (TRUST * prior + np.array(self.squares)) / (TRUST + np.array(self.weights))
        pace = np.sqrt(square / at)
        return np.asarray(np.interp(times, at, pace) * np.sqrt(times))

    def after(self, forecast: Forecast, rate: float | None, policy: Policy) -> Self:
        """Return what is known once a tick was decided on a forecast.

        Args:
            forecast: The forecast of the tick.
            rate: Mean workload of the tick's loop, records/s; None when unknown.
            policy: Gives the steps.
        """
        if forecast.paths:
            return type(self)()
        known = self if self.forecaster == forecast.forecaster else type(self)()
        if rate is not None:
            known = known.scored(forecast.tick, rate, policy)
        times = policy.forecast_step * np.array(DISTANCES, dtype=np.float64)
        expected = workload.read(forecast, forecast.tick, times)
        new = Issued(tick=forecast.tick, expected=tuple(float(f"{r:.4g}") for r in expected))
        oldest = forecast.tick - timedelta(seconds=policy.forecast_step * DISTANCES[-1])
        waiting = (*(past for past in known.issued if past.tick > oldest), new)
        return known.model_copy(update={"forecaster": forecast.forecaster, "issued": waiting})

    def scored(self, tick: datetime, rate: float, policy: Policy) -> Self:
        """Return what is known once `rate` (records/s) arrived in the loop that ends at a tick."""
        weights, squares = list(self.weights), list(self.squares)
        for past in self.issued:
            steps = (tick - past.tick).total_seconds() / policy.forecast_step
            for place, distance in enumerate(DISTANCES):
                if abs(steps - distance) < 0.5:
                    error = _error(rate, past.expected[place])
                    weights[place] = KEEPS * weights[place] + 1.0
                    squares[place] = KEEPS * squares[place] + error**2
        return self.model_copy(update={"weights": tuple(weights), "squares": tuple(squares)})


def _error(actual: float, expected: float) -> float:
    if min(actual, expected) <= 0:
        return 0.0 if actual == expected else WORST
    ratio = actual / expected  # of next to nothing to much, it is nothing
    return max(-WORST, min(math.log(ratio), WORST)) if ratio > 0 else -WORST
