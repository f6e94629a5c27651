"""Whether promises are kept: each beside what came, over time.

A rescale promises a capacity, a downtime and a recovery; a forecast promises a band. What came of
them is on the topics: the executor's downtime, the analyzer's recovery, the first capacity that was
measured at the new scale-out once it was warm, the workload.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from daedalus_console.accounts.forecasts import Track
from daedalus_shared.control import JobControl
from daedalus_shared.events import (
    CapacityUpdate,
    Event,
    Forecast,
    Recovery,
    ScaleOutcome,
    Status,
)

NEAR = 1
"""Which of the distances ahead the band is judged at: five loops."""


@dataclass(slots=True)
class Kept:
    """Promises of one kind, beside what came."""

    more: bool = False
    """Whether more than promised is good: of a capacity."""
    pairs: list[tuple[float, float]] = field(default_factory=list)
    """Promised and seen."""
    never: int = 0
    """Promised, and not seen while it was watched."""

    @property
    def ratio(self) -> float | None:
        """Median of seen over promised; None without pairs."""
        ratios = [seen / promised for promised, seen in self.pairs if promised > 0]
        return median(ratios) if ratios else None

    @property
    def kept(self) -> float | None:
        """Part of the promises than which nothing worse came; None without any."""
        count = len(self.pairs) + self.never
        good = sum(
            seen >= promised if self.more else seen <= promised for promised, seen in self.pairs
        )
        return good / count if count else None

    @property
    def off(self) -> float | None:
        """Median of |seen - promised| / promised; None without pairs."""
        parts = [abs(seen - promised) / promised for promised, seen in self.pairs if promised > 0]
        return median(parts) if parts else None

    def as_json(self) -> dict[str, Any]:
        """Return it as values of JSON."""
        return {
            "count": len(self.pairs) + self.never,
            "never_seen": self.never,
            "median_seen_over_promised": self.ratio,
            "median_error": self.off,
            "kept": self.kept,
        }


@dataclass(slots=True)
class Period:
    """What was promised for some time, and what came."""

    start: datetime
    end: datetime
    rescales: int = 0
    downtime: Kept = field(default_factory=Kept)
    recovery: Kept = field(default_factory=Kept)
    capacity: Kept = field(default_factory=lambda: Kept(more=True))
    banded: int = 0
    inside: int = 0
    above: int = 0

    @property
    def coverage(self) -> float | None:
        """Part of the workloads within the band of eight in ten; None without bands."""
        return self.inside / self.banded if self.banded else None

    def as_json(self) -> dict[str, Any]:
        """Return it as values of JSON."""
        return {
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "rescales": self.rescales,
            "downtime": self.downtime.as_json(),
            "recovery": self.recovery.as_json(),
            "capacity": self.capacity.as_json(),
            "band": {
                "count": self.banded,
                "coverage": self.coverage,
                "above": self.above / self.banded if self.banded else None,
            },
        }


class Calibration:
    """One job's promises from an instant on, in periods of equal length."""

    def __init__(self, control: JobControl, since: datetime, until: datetime, periods: int) -> None:
        self._control = control
        self._since = since
        self._width = max((until - since) / max(1, periods), timedelta(seconds=1))
        self.periods = [
            Period(since + number * self._width, since + (number + 1) * self._width)
            for number in range(max(1, periods))
        ]
        self._track = Track()
        self._applied: set[str] = set()
        self._recovered: set[str] = set()
        self._awaited: ScaleOutcome | None = None

    @property
    def total(self) -> Period:
        """All periods as one."""
        found = Period(self.periods[0].start, self.periods[-1].end)
        for each in self.periods:
            found.rescales += each.rescales
            found.banded += each.banded
            found.inside += each.inside
            found.above += each.above
            for into, part in (
                (found.downtime, each.downtime),
                (found.recovery, each.recovery),
                (found.capacity, each.capacity),
            ):
                into.pairs.extend(part.pairs)
                into.never += part.never
        return found

    def take(self, event: Event) -> None:
        """Take in the next event; what is of no use here is passed over."""
        match event:
            case ScaleOutcome():
                self._outcome(event)
            case Recovery():
                self._recovery(event)
            case Forecast():
                self._forecast(event)
            case CapacityUpdate():
                self._update(event)

    def _period(self, at: datetime) -> Period | None:
        place = int((at - self._since) / self._width)
        inside = at >= self._since and place < len(self.periods)
        return self.periods[place] if inside else None

    def _outcome(self, event: ScaleOutcome) -> None:
        if event.command in self._applied:
            return  # told again
        period = self._period(event.at)
        applied = event.status is Status.APPLIED and not event.dry_run
        if event.started_at is not None or applied:
            self._awaited = None  # whatever was to be measured, another scale-out runs now
        if period is None or not applied:
            return
        self._applied.add(event.command)
        period.rescales += 1
        promise = event.promise
        if promise is None:
            return
        if promise.downtime is not None and event.downtime is not None:
            period.downtime.pairs.append((promise.downtime, event.downtime))
        if promise.capacity is not None:
            self._awaited = event

    def _recovery(self, event: Recovery) -> None:
        period, promise = self._period(event.at), event.promise
        if period is None or promise is None or promise.recovery is None:
            return
        if event.command in self._recovered:
            return
        self._recovered.add(event.command)
        if event.recovery is None:
            period.recovery.never += 1
        else:
            period.recovery.pairs.append((promise.recovery, event.recovery))

    def _forecast(self, event: Forecast) -> None:
        spec = self._control.spec(event.tick)
        if spec is not None and spec.policy.forecaster == event.forecaster:
            self._track.loop = spec.policy.loop
            self._track.issue(event)

    def _update(self, event: CapacityUpdate) -> None:
        spec = self._control.spec(event.tick)
        if spec is None:
            return
        self._capacity(event, spec.policy.warm_up + spec.policy.loop)
        key = (spec.policy.forecaster, self._track.distances[NEAR])
        before = self._track.scores.get(key)
        known = (before.banded, before.inside, before.above) if before else (0, 0, 0)
        self._track.came(event, None)
        after, period = self._track.scores.get(key), self._period(event.tick)
        if after is not None and period is not None:
            period.banded += after.banded - known[0]
            period.inside += after.inside - known[1]
            period.above += after.above - known[2]

    def _capacity(self, event: CapacityUpdate, settled: float) -> None:
        """Hold the first capacity measured at a new, warm scale-out against the promise."""
        awaited = self._awaited
        if awaited is None or awaited.promise is None or awaited.promise.capacity is None:
            return
        warm = (awaited.converged_at or awaited.at) + timedelta(seconds=settled)
        if event.tick < warm:
            return
        if event.scale_out is not None and event.scale_out != awaited.to_scale_out:
            self._awaited = None
            return
        measured = event.why_unknown is None and event.capacity_error is not None
        period = self._period(awaited.at)
        if measured and event.capacity is not None and not event.warming and period is not None:
            period.capacity.pairs.append((awaited.promise.capacity, event.capacity))
            self._awaited = None


def fed(calibration: Calibration, events: Iterable[Event]) -> Calibration:
    """Return the calibration that has taken in all events."""
    for event in events:
        calibration.take(event)
    return calibration
