"""How long a rescale stops the job, and how long new workers stay without work."""

import math
from collections.abc import Sequence

from daedalus_shared.durations import LONGEST
from daedalus_shared.events import Downtime

REMEMBERED = 6
"""Durations kept of a kind (docs/method.md, "Beyond the reference")."""

LEAST_RATIO = 0.05
"""A downtime of nothing still says that the job is twenty times as quick as the prior."""


def expected(seen: Sequence[float], prior: float) -> Downtime:
    """Return the downtime to expect: the mean of the last six seen, the prior before any.

    The prior weighs nothing once a downtime was measured: it is a guess about all jobs, and one
    measurement of this job is worth more.

    >>> expected([], prior=30.0).mean, expected([10.0, 14.0], prior=30.0).mean
    (30.0, 12.0)
    """
    if not seen:
        return Downtime(mean=min(prior, LONGEST), spread=0.0, seen=0)
    mean = math.fsum(seen) / len(seen)
    squares = math.fsum((downtime - mean) ** 2 for downtime in seen)
    spread = math.sqrt(squares / (len(seen) - 1)) if len(seen) > 1 else 0.0
    return Downtime(mean=min(mean, LONGEST), spread=min(spread, LONGEST), seen=len(seen))


def slowness(seen: Sequence[float], prior: float) -> float:
    """Return how many times the prior the downtimes of a direction were; 1 before any was seen.

    A job that takes long to start after a scale-up takes long after a scale-down too: the prior of
    the other direction, before it was seen, is multiplied by this.

    >>> slowness([80.0, 100.0], prior=30.0), slowness([], prior=30.0)
    (3.0, 1.0)
    """
    if not seen or prior <= 0:
        return 1.0
    return max(math.fsum(seen) / len(seen) / prior, LEAST_RATIO)


def remember(seen: Sequence[float], downtime: float) -> tuple[float, ...]:
    """Return the durations kept, with one more."""
    return (*seen, downtime)[-REMEMBERED:]
