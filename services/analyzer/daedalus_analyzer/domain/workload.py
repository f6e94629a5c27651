"""The workload of one loop, with its least-squares line."""

import math
from collections.abc import Sequence

from daedalus_shared.events import Workload


def summarise(points: Sequence[tuple[float, float]], end: float) -> Workload | None:
    """Return the workload over (seconds, records/s) `points`; None without any.

    The line's level is its value at `end`. One point alone has no slope.

    >>> found = summarise([(0.0, 10.0), (5.0, 20.0), (10.0, 30.0)], end=15.0)
    >>> found.mean, found.level, found.slope
    (20.0, 40.0, 2.0)
    """
    if not points:
        return None
    rates = [rate for _, rate in points]
    mean = math.fsum(rates) / len(rates)
    centre = math.fsum(at - end for at, _ in points) / len(points)
    spread = math.fsum((at - end - centre) ** 2 for at, _ in points)
    together = math.fsum((at - end - centre) * (rate - mean) for at, rate in points)
    slope = together / spread if spread > 0 else 0.0
    level = mean - slope * centre
    low, high = min(rates), max(rates)
    return Workload(
        mean=min(max(mean, low), high), minimum=low, maximum=high, level=level, slope=slope
    )
