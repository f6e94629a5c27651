"""New workers that have no work yet: they are no capacity, and how long that lasts is learned.

A worker that joins a consumer group gets its partitions and restores their state while the old
ones work on (Kafka Streams); an engine that stops for a rescale gives all workers work at once.
"""

from collections.abc import Sequence
from typing import NamedTuple

IDLE_SHARE = 0.02
"""A worker that does less than this part of an equal share has no work."""

MOST = 1800.0
"""Seconds after which a worker without work is no longer new: there is none for it (more workers
than partitions)."""


class Warming(NamedTuple):
    """A scale-up whose new workers are awaited."""

    since: float
    """When more workers were first seen, seconds since 1970."""

    before: int
    """Workers that worked before."""

    running: float | None = None
    """When the job processed again, seconds since 1970; None while it stands still."""

    whole: bool = True
    """Whether it is seen from the start; a scale-down in the midst of it leaves the rest only."""


def at_work(rates: Sequence[float | None]) -> list[int]:
    """Return the indices of workers that have work; an unknown throughput counts as work.

    >>> at_work([500.0, 480.0, 0.0, None])
    [0, 1, 3]
    """
    known = [rate for rate in rates if rate is not None]
    least = IDLE_SHARE * sum(known) / len(known) if known else 0.0
    return [index for index, rate in enumerate(rates) if rate is None or rate > least]


def step(
    warming: Warming, at: float, uptime: float | None, rates: Sequence[float | None]
) -> tuple[Warming | None, float | None]:
    """Return what is awaited after one more look, and the warm-up in seconds once it is over.

    Args:
        warming: What was awaited.
        at: When the look was taken, seconds since 1970.
        uptime: Seconds that the job has been running; None when unknown.
        rates: Throughput of each worker, records/s.

    >>> waiting, _ = step(Warming(0.0, 1), 10.0, 4.0, [90.0, 0.0])
    >>> waiting, step(waiting, 70.0, 64.0, [50.0, 50.0])
    (Warming(since=0.0, before=1, running=6.0, whole=True), (None, 64.0))
    """
    if not any(rates):
        return (None if at - warming.since > MOST else warming), None
    if warming.running is None:
        if len(at_work(rates)) == len(rates):
            return None, 0.0
        began = at if uptime is None else max(at - uptime, warming.since)
        return warming._replace(running=began), None
    if len(at_work(rates)) == len(rates):
        return None, round(at - warming.running, 3)
    return (None if at - warming.running > MOST else warming), None
