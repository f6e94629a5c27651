"""The fallback: a straight line through the last loop's workload."""

import math

import numpy as np

from daedalus_forecaster.domain.history import History
from daedalus_shared.job_spec import Policy


def extrapolate(
    history: History, position: float, policy: Policy, count: int
) -> tuple[float, ...] | None:
    """Return the least-squares line through the last loop, at `count` steps after `position`.

    It is extrapolated over `policy.fallback_horizon` and holds from there (docs/method.md,
    "Analyze: forecast"). With one known slot, or none in the loop, the newest known value holds.
    None when that is older than the forecast would span.
    """
    step = history.grid.step
    ahead = np.minimum(np.arange(1, count + 1), policy.fallback_horizon / step)

    last = math.floor(position)
    first = math.floor(position - policy.loop / step + 1e-6) + 1
    loop = history.between(first, last)
    known = np.flatnonzero(~np.isnan(loop))
    if known.size > 1:
        x = known + first - position
        y = loop[known]
        slope = float(np.sum((x - x.mean()) * (y - y.mean())) / np.sum((x - x.mean()) ** 2))
        level = float(y.mean() - slope * x.mean())
        return tuple(float(value) for value in level + slope * ahead)

    before = history.between(last - count + 1, last)
    known = np.flatnonzero(~np.isnan(before))
    if not known.size:
        return None
    return (float(before[known[-1]]),) * count
