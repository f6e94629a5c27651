"""How good forecasts were, on the workload that came: the same truth for every forecaster.

The truth of a distance is the mean workload of the loop that ends then, as the analyzer tells it; a
forecast is read at that loop's middle. Only what was both forecast and seen is scored.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from daedalus_shared.events import CapacityUpdate, Forecast

DISTANCES = (1, 5, 15, 30)
"""Loops ahead at which forecasts are scored: minutes, where a loop is one."""

OUTER = ("0.1", "0.9")
"""Quantiles between which eight of ten workloads should lie."""


@dataclass(slots=True)
class Score:
    """What a forecaster's forecasts so far ahead came to."""

    scored: int = 0
    error: float = 0.0
    """Σ |came - expected|, records/s."""
    came: float = 0.0
    """Σ came, records/s."""
    bias: float = 0.0
    """Σ (expected - came), records/s."""
    banded: int = 0
    """Forecasts that had quantiles."""
    inside: int = 0
    """Workloads that came between the outer quantiles."""
    above: int = 0
    """Workloads above the upper one."""
    fallback: int = 0
    """Forecasts that were a fallback."""
    beside_error: float = 0.0
    beside_came: float = 0.0
    """The same of the forecaster in use, where both forecast the same loop."""

    def add(self, expected: "Expected", came: float) -> None:
        """Count one more workload that came."""
        self.scored += 1
        self.error += abs(came - expected.mean)
        self.came += came
        self.bias += expected.mean - came
        self.fallback += expected.fallback
        if expected.band is not None:
            low, high = expected.band
            self.banded += 1
            self.inside += low <= came <= high
            self.above += came > high

    def beside(self, expected: "Expected", came: float) -> None:
        """Count what the forecaster in use said of the same loop."""
        self.beside_error += abs(came - expected.mean)
        self.beside_came += came

    @property
    def wape(self) -> float | None:
        """Σ|error| / Σ came; None when nothing came."""
        return self.error / self.came if self.came > 0 else None

    @property
    def wape_beside(self) -> float | None:
        """The same of the forecaster in use, over the loops that both forecast."""
        return self.beside_error / self.beside_came if self.beside_came > 0 else None

    @property
    def coverage(self) -> float | None:
        """Part of the workloads within the band; 0.8 is right; None without bands."""
        return self.inside / self.banded if self.banded else None

    def as_json(self) -> dict[str, Any]:
        """Return it as values of JSON."""
        return {
            "scored": self.scored,
            "wape": self.wape,
            "wape_of_the_one_in_use": self.wape_beside,
            "bias": self.bias / self.came if self.came > 0 else None,
            "coverage": self.coverage,
            "above": self.above / self.banded if self.banded else None,
            "fallback": self.fallback / self.scored if self.scored else None,
        }


@dataclass(frozen=True, slots=True)
class Expected:
    """What a forecast says of one loop."""

    mean: float
    band: tuple[float, float] | None
    fallback: bool


@dataclass(slots=True)
class Track:
    """The forecasts of one job that wait for their truth, and the scores so far."""

    loop: float = 60.0
    """Seconds of a loop; each update's spec may set another."""
    scores: dict[tuple[str, float], Score] = field(default_factory=dict)
    """Forecaster and distance → score."""
    models: dict[str, str] = field(default_factory=dict)
    """Forecaster → the model that its newest forecast was made by."""
    missed: int = 0
    """Forecast loops of which no workload was told."""
    _waiting: dict[int, dict[tuple[str, float], Expected]] = field(default_factory=dict)

    def issue(self, forecast: Forecast) -> None:
        """Keep what a forecast says of the distances, until their truth comes."""
        self.models[forecast.forecaster] = forecast.model
        for distance in self.distances:
            if distance > forecast.horizon + 0.5 * forecast.step:
                continue
            due = _second(forecast.tick + timedelta(seconds=distance))
            said = read(forecast, distance - self.loop / 2)
            self._waiting.setdefault(due, {}).setdefault((forecast.forecaster, distance), said)

    @property
    def distances(self) -> tuple[float, ...]:
        """The distances, seconds."""
        return tuple(count * self.loop for count in DISTANCES)

    def came(self, update: CapacityUpdate, in_use: str | None) -> list[tuple[str, float, float]]:
        """Score what was said of the loop that an update closes.

        Returns:
            Forecaster, distance, and part by which the workload lay off the mean, signed.
        """
        due = _second(update.tick)
        for old in [moment for moment in self._waiting if moment < due]:
            self.missed += len(self._waiting.pop(old))
        said = self._waiting.pop(due, {})
        if update.workload is None:
            self.missed += len(said)
            return []
        rate = update.workload.mean
        found = []
        for (forecaster, distance), expected in said.items():
            score = self.scores.setdefault((forecaster, distance), Score())
            score.add(expected, rate)
            other = said.get((in_use, distance)) if in_use else None
            if other is not None and forecaster != in_use:
                score.beside(other, rate)
            found.append((forecaster, distance, rate - expected.mean))
        return found


def read(forecast: Forecast, ahead: float) -> Expected:
    """Return what a forecast says of an instant so many seconds ahead."""
    low, high = (forecast.quantiles.get(name) for name in OUTER)
    band = None
    if low is not None and high is not None:
        band = (_at(low, forecast.step, ahead), _at(high, forecast.step, ahead))
    return Expected(_at(forecast.mean, forecast.step, ahead), band, forecast.fallback)


def _at(path: Sequence[float], step: float, ahead: float) -> float:
    """Return a path's value, on the line between two of its steps.

    >>> _at((10.0, 20.0), 60.0, 90.0), _at((10.0, 20.0), 60.0, 30.0)
    (15.0, 10.0)
    """
    place = min(max(ahead / step - 1.0, 0.0), len(path) - 1.0)
    first = math.floor(place)
    second = min(first + 1, len(path) - 1)
    return path[first] + (path[second] - path[first]) * (place - first)


def _second(at: datetime) -> int:
    return round(at.timestamp())
