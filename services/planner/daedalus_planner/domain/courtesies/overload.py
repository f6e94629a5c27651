"""Whether the present workers would be overloaded for long if nothing were done."""

import numpy as np

from daedalus_planner.domain.situation import Situation


def lasts(situation: Situation) -> float:
    """Return the longest time (s) that the present workers would be behind, if they stayed.

    Behind is who has more waiting than a second of capacity; the fluid queue runs over the mean
    forecast, and counts up to its end. An unknown capacity is no overload: 0.
    """
    capacity = situation.capacity(situation.scale_out)
    if capacity is None:
        return 0.0
    surplus = np.cumsum((situation.forecast - capacity) * situation.step) + situation.lag
    queue = surplus - np.minimum(np.minimum.accumulate(surplus), 0.0)
    behind = queue > capacity
    breaks = np.flatnonzero(~np.concatenate(([False], behind, [False])))
    return float((np.diff(breaks) - 1).max() * situation.step)
