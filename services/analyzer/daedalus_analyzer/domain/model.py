"""The capacity model of one job: folds readings, yields the capacity of each scale-out."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from daedalus_analyzer.domain.curve import Curve, Estimate
from daedalus_analyzer.domain.observed import (
    LEAST_LOAD,
    USUAL_IDLE,
    Fit,
    Idle,
    IdleSums,
    Observed,
    fit,
    intercept,
)
from daedalus_analyzer.domain.reading import Reading
from daedalus_analyzer.domain.skew import LEAST_RATE, Skew
from daedalus_shared.events.base import LARGEST

NOISE, LEAST_NOISE = 0.02, 0.002
"""Standard deviation of one reading of a worker's CPU: before any, and at least."""

WOBBLE, LEAST_WOBBLE, MOST_WOBBLE = 0.02, 0.005, 0.2
"""Relative standard deviation of the capacity from minute to minute: before any, and bounds."""

PACE = 0.05
"""Weight of a reading in the noise and in the wobble: twenty loops."""

SURPRISE = 3.0
"""Standard errors from which on a reading contradicts what is known."""

BREAK = 0.5
"""Trust in the past below which the scale-out at hand starts anew: two different lines through one
set of points would make a third that is neither."""

POOR_FIT = 0.9
"""An R² below this is called poor: batched fetches give 0.99 and more, others 0.84 to 0.89."""

LEAST_SPREAD = 0.05
"""Deviation of the CPU from which on R² tells of the fit, and not of the noise alone."""

UNKNOWN = Skew("", 1.0, 0.1)
"""The skew of a scale-out that no worker was seen to work at."""

BOUND = 1.64
"""Standard errors of the idle CPU that a lower bound leaves room for: 95 % on one side."""

USUAL_POWER = 0.95
"""Capacity grows like q to this where nothing but a bound is known: a usual sub-linear curve."""


class Model(NamedTuple):
    """What is remembered of a job's capacity."""

    at: float = 0.0
    """When it last faded, seconds since 1970."""

    idle: float = USUAL_IDLE
    """CPU of an idle worker, in [0, 1]."""

    noise: float = NOISE
    """Standard deviation of one reading of a worker's CPU."""

    wobble: float = WOBBLE
    """Relative standard deviation of the capacity from minute to minute."""

    observed: tuple[Observed, ...] = ()
    """Each scale-out that was seen at work, ascending."""

    former: IdleSums = IdleSums(0.0, 0.0)
    """What readings that were dropped since told of the idle CPU, which outlasts them."""

    def faded(self, at: float, half_life: float) -> "Model":
        """Return the model as its readings count at `at`."""
        keep = 0.5 ** (max(at - self.at, 0.0) / half_life) if self.observed else 1.0
        former = IdleSums(0.0, 0.0).plus(self.former, keep)
        return self._replace(at=at, observed=_scaled(self.observed, keep), former=former)

    def learned(self, readings: Iterable[Reading]) -> tuple["Model", "Table"]:
        """Return the model with more readings, in the order of time, and what it says then."""
        found, table = self, Table.of(self)
        for reading in readings:
            found, table = _with(found, table, reading)
        return found, table


def _scaled(observed: Iterable[Observed], keep: float) -> tuple[Observed, ...]:
    return tuple(
        known.scaled(keep)._replace(highest=known.highest * keep, least=known.least * keep)
        for known in observed
    )


def _with(model: Model, before: "Table", reading: Reading) -> tuple[Model, "Table"]:
    if reading.skew is None and reading.throughput is None:
        return model, before
    if reading.freedom > 0 and not reading.cold:
        mean = reading.scatter / reading.freedom
        noise = math.sqrt(model.noise**2 + PACE * (mean - model.noise**2))
        model = model._replace(noise=max(noise, LEAST_NOISE))
    mine = {known.scale_out: known for known in model.observed}
    known = mine.get(reading.scale_out) or Observed(reading.scale_out, reading.at, UNKNOWN)
    known = known._replace(
        at=reading.at,
        skew=reading.skew or known.skew,
        highest=max(known.highest, reading.processed),
    )
    low = _low(before.idle)
    if reading.cold and reading.rate and reading.cpu > low:
        even_least = reading.rate * (1 - low) / max(reading.cpu - low, LEAST_LOAD)
        known = known._replace(least=even_least / known.skew.factor)
    direct = _direct(reading, before)
    even = _even(model, reading, direct, known)
    if even is not None:
        wobble, trust = _judged(model, reading, even, before)
        model = model._replace(wobble=wobble)
        if trust < 1:
            model = _distrusted(model, trust, known.scale_out)
            mine = {past.scale_out: past for past in model.observed}
            known = known.scaled(0.0 if trust < BREAK else trust)
    if reading.throughput is not None and not reading.cold:
        known = known.with_reading(reading, model.idle, model.noise, model.wobble)
    if direct is not None:
        even_load = direct * known.skew.factor
        known = known.with_direct(even_load, reading.saturated_span or reading.span, model.wobble)
    mine[reading.scale_out] = known
    model = model._replace(observed=tuple(mine[scale_out] for scale_out in sorted(mine)))
    after = Table.of(model)
    return model._replace(idle=after.idle.cpu), after


def _distrusted(model: Model, trust: float, scale_out: int) -> Model:
    """Return the model with the past's weights times `trust`, but what it told of the idle CPU."""
    former, observed = model.former, []
    for known in model.observed:
        keep = 0.0 if known.scale_out == scale_out and trust < BREAK else trust
        former = former.plus(intercept(known), 1 - keep)
        observed.append(known.scaled(keep))
    return model._replace(former=former, observed=tuple(observed))


def _direct(reading: Reading, before: "Table") -> float | None:
    """Return the capacity that a saturated job shows, or that an estimate too low is proven by.

    A cold job is slower than it will be, so it proves no more than a lower bound.
    """
    estimate = before.at(reading.scale_out)
    if reading.saturated is not None and reading.saturated > 0 and not reading.cold:
        return reading.saturated
    if estimate is not None and not estimate.at_least and estimate.capacity < reading.processed:
        return reading.processed
    return None


def _even(
    model: Model, reading: Reading, direct: float | None, known: Observed
) -> tuple[float, float] | None:
    """Return the logarithm of the capacity without skew that a reading alone tells, and its error.

    The error leaves out the wobble, and is None where the CPU is too near to the idle one.
    """
    if direct is not None:
        return math.log(direct * known.skew.factor), 0.0
    load = reading.cpu - model.idle
    noise = model.noise / math.sqrt(max(reading.readings, 1))
    if reading.cold or not reading.rate or load < 4 * noise:
        return None
    return math.log(reading.rate * (1 - model.idle) / load), noise / load


def _judged(
    model: Model, reading: Reading, even: tuple[float, float], before: "Table"
) -> tuple[float, float]:
    """Return the wobble with one more reading, and how much the past is trusted beside it.

    What contradicts the past by more than three standard errors tells that the job has changed (a
    virtual machine that got warm, another program): the past is faded until it is three (strong
    tracking; Xia, Rao, Ying & Shen 1994, "Adaptive fading Kalman filter").
    """
    estimate = before.at(reading.scale_out)
    if estimate is None or estimate.at_least or not estimate.error:
        return model.wobble, 1.0
    apart = (even[0] - math.log(estimate.even)) ** 2
    own = (estimate.error / estimate.capacity) ** 2 + even[1] ** 2
    surprise = apart / (own + model.wobble**2)
    trust = min(1.0, SURPRISE**2 / surprise) if surprise > 0 else 1.0
    seen = min(max(apart - own, 0.0), SURPRISE**2 * model.wobble**2)
    wobble = math.sqrt(model.wobble**2 + PACE * (seen - model.wobble**2))
    return min(max(wobble, LEAST_WOBBLE), MOST_WOBBLE), trust


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a scale-out can process."""

    capacity: float
    """Records/s."""

    error: float | None
    """Its standard error, records/s; None for a bound."""

    even: float
    """Records/s if all workers were equally loaded."""

    at_least: bool
    """Whether it is a lower bound only."""


@dataclass(frozen=True, slots=True)
class Table:
    """The capacity of all scale-outs, as of one tick."""

    idle: Idle
    """The idle CPU."""

    fit: Fit | None
    """How well CPU and throughput lie on lines; None when unknown."""

    _model: Model
    _curve: Curve | None
    _bound: tuple[int, float] | None

    @classmethod
    def of(cls, model: Model) -> "Table":
        """Return what a model says."""
        sums = IdleSums().plus(model.former)
        for known in model.observed:
            sums = sums.plus(intercept(known))
        idle, lines = sums.idle, fit(model.observed)
        poor = lines is not None and lines.spread >= LEAST_SPREAD and lines.explained < POOR_FIT
        curve = Curve.of(model.observed, idle, linear=not poor)
        bound = None if curve else _bound(model.observed, idle)
        return cls(curve.idle if curve else idle, lines, model, curve, bound)

    def at(self, scale_out: int) -> Capacity | None:
        """Return the capacity of a scale-out, at most what a rate can be; None when unknown.

        Odd readings can make a curve that explodes, and an event tells no such figure.
        """
        if self._curve is not None:
            found: Estimate = self._curve.at(scale_out)
            return Capacity(
                min(found.capacity, LARGEST),
                min(found.error, LARGEST),
                min(found.even, LARGEST),
                at_least=False,
            )
        if self._bound is None:
            return None
        seen, least = self._bound
        capacity = min(least * (scale_out / seen) ** USUAL_POWER, LARGEST)
        return Capacity(capacity, None, capacity, at_least=True)

    @property
    def known(self) -> int:
        """Scale-outs that were seen at work."""
        return len(self._model.observed)

    @property
    def bent(self) -> float:
        """How far capacities read off an idle CPU were seen to be too high, in parts."""
        return self._curve.bent if self._curve else 0.0


def _low(idle: Idle) -> float:
    """Return the low end of what the idle CPU may be."""
    return max(idle.cpu - BOUND * idle.error, 0.0)


def _bound(observed: Iterable[Observed], idle: Idle) -> tuple[int, float] | None:
    """Return a scale-out and the least that it can process: the best bound for one worker counts.

    A barely loaded job's CPU is mostly idle CPU. With that at the low end of what it may be, all
    the rest is load, which makes the capacity least. A cold job's CPU does less than it will.
    """
    low = _low(idle)
    found = None
    for known in observed:
        load = known.load(low)
        read = 0.0
        if load > 0:
            read = (1 - low) * known.typical / max(load, LEAST_LOAD) / known.skew.factor
        least = max(read, known.highest, known.least)
        each = least / known.scale_out**USUAL_POWER
        if least >= LEAST_RATE and (found is None or each > found[0]):
            found = (each, known.scale_out, least)
    return found and (found[1], found[2])
