"""What the charts draw: plain values, each None where it is not known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TypeVar

from daedalus_shared.events import Basis

LIMIT = 600
"""Points of a line at most: a screen has no more columns, and a phone no more patience."""

Reading = tuple[datetime, float | None]
"""A value from an instant on; None where it is unknown."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A forecast; value i holds at `at` + (i + 1) · `step` seconds. Rates in records/s."""

    at: datetime
    step: float
    mean: Sequence[float]
    low: Sequence[float] = ()
    """The 0.1 quantile; empty when there is none."""
    high: Sequence[float] = ()
    """The 0.9 quantile; empty when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A rescale: when, between which scale-outs, why, and whether it was carried out."""

    at: datetime
    before: int | None
    after: int
    reason: str
    done: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A job over time. Rates in records/s, lag in records, latency in seconds."""

    workload: Sequence[Reading] = ()
    capacity: Sequence[Reading] = ()
    applied: Sequence[Reading] = ()
    """Workers that ran."""
    recommended: Sequence[Reading] = ()
    """Workers that the planner chose."""
    lag: Sequence[Reading] = ()
    latency: Sequence[Reading] = ()
    foreseen: Sequence[Reading] = ()
    """What was forecast of times that have passed."""
    expected: Expected | None = None
    moves: Sequence[Move] = ()
    selected: datetime | None = None
    """The decision that is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """What one scale-out can process, in records/s."""

    scale_out: int
    capacity: float
    basis: Basis
    error: float | None = None
    """Standard error; None when unknown."""
    at_least: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The capacity learned, beside what is asked of it now."""

    points: Sequence[Capacity] = ()
    scale_out: int | None = None
    workload: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLoad:
    """One worker's CPU as a share of what it may use; None when unknown."""

    id: str
    cpu: float | None


EVEN = 0.05
"""Share of its CPU by which a worker must lie above the mean to be named as the hottest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hottest:
    """The worker that stands out among those shown."""

    id: str
    cpu: float
    mean: float
    """Of all that are known."""


def hottest(loads: Sequence[WorkerLoad]) -> Hottest | None:
    """Return the worker that is loaded more than the others; None where they are alike."""
    known = [(load.cpu, load.id) for load in loads if load.cpu is not None]
    if len(known) < 2:
        return None
    mean = sum(cpu for cpu, _ in known) / len(known)
    cpu, name = max(known)
    return Hottest(id=name, cpu=cpu, mean=mean) if cpu - mean >= EVEN else None


def thinned(readings: Sequence[Reading], limit: int = LIMIT) -> list[Reading]:
    """Return at most `limit` of the readings, of each stretch the one that stands out most.

    Real readings are kept, none is averaged, so that a short peak of lag stays to be seen. A gap
    stays a gap.
    """
    if len(readings) <= limit:
        return list(readings)
    edges = [round(place * len(readings) / limit) for place in range(limit + 1)]
    return [_outstanding(readings[start:end]) for start, end in pairwise(edges)]


def steps(readings: Sequence[Reading], limit: int = LIMIT) -> list[Reading]:
    """Return the readings at which the value changed, and the last one."""
    kept = list(readings[:1])
    kept += [now for before, now in pairwise(readings) if now[1] != before[1]]
    if readings and kept[-1] != readings[-1]:
        kept.append(readings[-1])
    return thinned(kept, limit)


def first(items: Sequence[T], wanted: Callable[[T], bool]) -> T | None:
    """Return the first item that is wanted, or None."""
    return next((item for item in items if wanted(item)), None)


def _outstanding(stretch: Sequence[Reading]) -> Reading:
    known = [value for _, value in stretch if value is not None]
    if len(known) < len(stretch):
        return next(reading for reading in stretch if reading[1] is None)
    middle = sum(known) / len(known)
    return max(stretch, key=lambda reading: abs((reading[1] or 0.0) - middle))
