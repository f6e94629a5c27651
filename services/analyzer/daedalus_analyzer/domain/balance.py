"""Arrivals against throughput: what is normal outside rescales, remembered in little space."""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

from daedalus_analyzer.domain.samples import brief

BUCKETS = 30
"""Parts into which the window of the mean and the deviation is summarised."""


class Point(NamedTuple):
    """Arrivals against throughput at one instant."""

    at: float
    """Seconds since 1970."""

    residual: float | None
    """Arrivals minus throughput, records/s; None when one of them is unknown."""

    workload: float | None
    """Arrivals, records/s."""

    lag: float | None
    """Records waiting."""

    steady: bool
    """Whether it lies outside any rescale or restart."""


class Bucket(NamedTuple):
    """Residuals of one stretch of time, summarised."""

    start: float
    """Seconds since 1970."""

    number: int
    """Points."""

    mean: float
    """Records/s."""

    squares: float
    """Sum of squared deviations from the mean."""


@dataclass(frozen=True, slots=True)
class Balance:
    """The recent points as they are, and the ones before them in summary."""

    points: tuple[Point, ...] = ()
    """As far back as an outcome may take effect late, in the order of time."""

    buckets: tuple[Bucket, ...] = ()
    """What is older, outside rescales, in the order of time."""

    def aged(self, until: float, window: float, rescale: float | None) -> "Balance":
        """Return the balance with the points before `until` summarised.

        Args:
            until: Seconds since 1970.
            window: Seconds that are remembered in summary.
            rescale: Start of a rescale that is still watched; points since then are left out.
        """
        buckets = list(self.buckets)
        for point in self.points:
            counts = point.steady and (rescale is None or point.at < rescale)
            if point.at >= until or not counts or point.residual is None:
                continue
            last = buckets[-1] if buckets else None
            if last is None or point.at >= last.start + window / BUCKETS:
                buckets.append(Bucket(point.at, 1, point.residual, 0.0))
            else:
                apart = point.residual - last.mean
                mean = last.mean + apart / (last.number + 1)
                squares = last.squares + apart * (point.residual - mean)
                buckets[-1] = Bucket(last.start, last.number + 1, brief(mean), brief(squares))
        return Balance(
            tuple(point for point in self.points if point.at >= until),
            tuple(bucket for bucket in buckets if bucket.start >= until - window),
        )

    def without(self, start: float, end: float) -> "Balance":
        """Return the balance without the points of a rescale."""
        return replace(
            self, points=tuple(point for point in self.points if not start <= point.at < end)
        )

    def normal(self, before: float, window: float, least: int) -> tuple[float, float] | None:
        """Return mean and standard deviation of the residuals in the `window` before `before`.

        None with fewer than `least` of them.
        """
        parts = [
            (bucket.number, bucket.mean, bucket.squares)
            for bucket in self.buckets
            if before - window <= bucket.start < before
        ]
        parts += [
            (1, point.residual, 0.0)
            for point in self.points
            if point.steady and point.residual is not None and before - window <= point.at < before
        ]
        count = sum(part[0] for part in parts)
        if count < max(least, 1):
            return None
        mean = math.fsum(part[0] * part[1] for part in parts) / count
        squares = math.fsum(part[2] + part[0] * (part[1] - mean) ** 2 for part in parts)
        return mean, math.sqrt(squares / count)
