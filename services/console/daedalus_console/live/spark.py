"""A job's last hour in a few points: enough for a line as small as a word."""

from collections.abc import Sequence

from daedalus_console.live.track import Track
from daedalus_shared.events import Value

POINTS = 30
"""Points of a line."""

HOUR = 3600.0

LEAST = 120.0
"""Seconds that a line spans at least: a younger job's begins within it."""

BRIDGED = 75.0
"""Seconds without a report that still belong to the one before: some come each minute."""


class Spark(Value):
    """Workload and capacity at evenly spaced instants; null for unknown. Records/s."""

    workload: tuple[float | None, ...]
    capacity: tuple[float | None, ...]


def spark(metrics: Track, capacity: Track, now: float) -> Spark:
    """Return the last hour, or since a younger job began.

    Args:
        metrics: With the column `workload`.
        capacity: With the column `capacity`, a value a tick, which holds until the next.
        now: Seconds since the epoch; where the lines end.
    """
    began = metrics.oldest
    start = now - HOUR if began is None else min(max(now - HOUR, began), now - LEAST)
    step = (now - start) / POINTS
    arrived = _means(*metrics.column("workload", start), start, step)
    return Spark(
        workload=tuple(_bridged(arrived, int(BRIDGED / step))),
        capacity=tuple(_held(*capacity.column("capacity", 0.0), start, step)),
    )


def _means(
    at: Sequence[float], values: Sequence[float | None], start: float, step: float
) -> list[float | None]:
    every: list[list[float]] = [[] for _ in range(POINTS)]
    for when, value in zip(at, values, strict=True):
        place = int((when - start) / step)
        if value is not None:
            every[min(place, POINTS - 1)].append(value)
    return [sum(each) / len(each) if each else None for each in every]


def _bridged(values: Sequence[float | None], most: int) -> list[float | None]:
    """Fill the first `most` points of each gap with the value before."""
    filled: list[float | None] = []
    gap, last = 0, None
    for value in values:
        gap = gap + 1 if value is None else 0
        last = last if value is None else value
        filled.append(last if gap <= most else None)
    return filled


def _held(
    at: Sequence[float], values: Sequence[float | None], start: float, step: float
) -> list[float | None]:
    """Return the value in effect at the end of each step."""
    held: list[float | None] = []
    place, value = 0, None
    for number in range(POINTS):
        end = start + (number + 1) * step
        while place < len(at) and at[place] <= end:
            value = values[place]
            place += 1
        held.append(value)
    return held
