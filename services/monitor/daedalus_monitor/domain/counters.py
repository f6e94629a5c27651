"""Counters to rates: what increased since the last look, unless something began anew."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from daedalus_monitor.domain.readings import Reading, Unknown

FIRST = Unknown("first look: there is no earlier one to compare with")

BEGAN_ANEW = Unknown("the counter began anew since the last look")

LONGEST = 3.0
"""A rate over more than so many sample intervals is not called the present rate."""

JUMP = 0.5
"""The wall clock may differ from the steady one by this part of a sample interval."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When a look was taken, on both clocks."""

    wall: datetime
    """The time of day, which may be set."""

    steady: float
    """Seconds of a clock that only goes forward, from any origin."""


def elapsed(before: Moment | None, now: Moment, sample: float) -> Reading[float]:
    """Return the seconds between two looks, if they are believed.

    Args:
        before: The last look, None where there is none.
        now: This look.
        sample: Seconds that should lie between two looks.
    """
    if before is None:
        return FIRST
    passed = now.steady - before.steady
    jump = (now.wall - before.wall).total_seconds() - passed
    if abs(jump) > JUMP * sample:
        return Unknown(f"the clock jumped by {jump:+.1f} s since the last look")
    if passed <= 0:
        return Unknown("no time has passed since the last look")
    if passed > LONGEST * sample:
        return Unknown(f"the last look is {passed:.0f} s ago")
    return passed


@dataclass(frozen=True, slots=True)
class Count:
    """A counter of records that were read, at one look."""

    worker: str
    """The worker that it counts on."""

    began: str
    """Changes whenever the counter begins anew: the attempt of a subtask."""

    records: Reading[float]
    """The count."""

    ran: float | None = None
    """Seconds that the counter's owner had run when it was read there; None when not told.

    It is a better time than ours, because engines hand out values that they fetched earlier.
    """


def rate(before: Count | None, now: Count, passed: Reading[float]) -> Reading[float]:
    """Return records/s since the last look.

    Args:
        before: The counter at the last look.
        now: The counter at this look.
        passed: Seconds between the looks, for a counter without a time of its own.
    """
    if isinstance(now.records, Unknown):
        return now.records
    if before is None or isinstance(before.records, Unknown):
        return FIRST
    if before.began != now.began:
        return Unknown("restarted since the last look")
    if now.ran is not None and before.ran is not None:
        passed = _ran(before.ran, now.ran)
    if isinstance(passed, Unknown):
        return passed
    if now.records < before.records:
        return BEGAN_ANEW
    return (now.records - before.records) / passed


def _ran(before: float, now: float) -> Reading[float]:
    if now < before:
        return BEGAN_ANEW
    if now == before:
        return Unknown("the engine has not refreshed its metrics since the last look")
    return now - before


def per_worker(
    before: Mapping[str, Count], now: Mapping[str, Count], passed: Reading[float]
) -> dict[str, Reading[float]]:
    """Return records/s of each worker, the sum over its counters.

    A worker with one unknown counter is unknown: half of its throughput is not its throughput.
    """
    found: dict[str, list[Reading[float]]] = {}
    for name, count in now.items():
        found.setdefault(count.worker, []).append(rate(before.get(name), count, passed))
    return {worker: total(rates) for worker, rates in found.items()}


def total(parts: Iterable[Reading[float]]) -> Reading[float]:
    """Return the sum, or the first reason why there is none."""
    summed = 0.0
    for part in parts:
        if isinstance(part, Unknown):
            return part
        summed += part
    return summed
