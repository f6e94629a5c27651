"""Readings from time series that somebody else collects: Prometheus' scrapes of a Flink job."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median_low

from daedalus_monitor.domain.counters import BEGAN_ANEW, total
from daedalus_monitor.domain.readings import Reading, Unknown, load, number, share

GONE = 2.5
"""A series that lacks so many scrapes has ended."""

LONE = 60.0
"""Seconds that a series of one point counts as alive: its interval is not known yet."""


@dataclass(frozen=True, slots=True)
class Series:
    """The points of one series, oldest first."""

    labels: Mapping[str, str]
    points: Sequence[tuple[float, str]]
    """Seconds since 1970, and the value as text."""

    @property
    def newest(self) -> tuple[float, str]:
        """The last point."""
        return self.points[-1]

    def age(self, now: float) -> float:
        """Return how old the last point is, in seconds."""
        return now - self.newest[0]

    def alive(self, now: float) -> bool:
        """Whether the next point is not overdue; two scrapes may fail."""
        if len(self.points) < 2:
            return self.age(now) <= LONE
        return self.age(now) <= GONE * self.interval

    @property
    def interval(self) -> float:
        """Seconds between two points as is usual: a gap among them must not count as one."""
        return median_low(newer[0] - older[0] for older, newer in pairwise(self.points))


def alive(found: Iterable[Series], now: float) -> list[Series]:
    """Return the series that go on."""
    return [series for series in found if series.points and series.alive(now)]


def only(found: Sequence[Series], now: float, what: str) -> Reading[Series]:
    """Return the one series that goes on, where one is expected."""
    going = alive(found, now)
    if len(going) == 1:
        return going[0]
    if going:
        return Unknown(f"Prometheus has {len(going)} series of {what} where one is expected")
    ages = [series.age(now) for series in found if series.points]
    if ages:
        return Unknown(f"Prometheus' newest {what} is {min(ages):.0f} s old")
    return Unknown(f"Prometheus has no {what}")


def last(found: Sequence[Series], now: float, what: str) -> Reading[float]:
    """Return the newest value of the one series."""
    series = only(found, now, what)
    return series if isinstance(series, Unknown) else number(series.newest[1], what)


def mean_load(found: Sequence[Series], now: float, span: float, what: str) -> Reading[float]:
    """Return the mean CPU load of the points in the last `span` seconds, of the last one at least.

    Points that say nothing (see `readings.load`) are left out; nonsense spoils the mean.
    """
    series = only(found, now, what)
    if isinstance(series, Unknown):
        return series
    recent = [value for at, value in series.points if now - at < span] or [series.newest[1]]
    telling = [value for value in recent if share(value, what) != 0] or recent[-1:]
    summed = total(load(value, what) for value in telling)
    return summed if isinstance(summed, Unknown) else summed / len(telling)


def increase(series: Series, span: float, what: str) -> Reading[float]:
    """Return the rate of a counter over `span` seconds, or over one scrape where that is longer.

    A gap longer than that makes it unknown: the mean over it is not what was done lately.
    """
    if len(series.points) < 2:
        return Unknown(f"Prometheus has one point of {what} so far")
    at, text = series.newest
    earlier = [point for point in series.points[:-1] if at - point[0] >= span - 1e-3]
    since, before = earlier[-1] if earlier else series.points[0]
    if at - since > max(2 * span, GONE * series.interval):
        return Unknown(f"Prometheus has a gap of {at - since:.0f} s in {what}")
    counts = [number(value, what) for stamp, value in series.points if since <= stamp <= at]
    for older, newer in pairwise(counts):
        if isinstance(older, Unknown) or isinstance(newer, Unknown):
            return older if isinstance(older, Unknown) else newer
        if newer < older:
            return BEGAN_ANEW
    return (float(text) - float(before)) / (at - since)
