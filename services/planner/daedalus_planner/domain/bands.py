"""Paths around a forecast that has only a mean: comonotone, as wide as its errors were."""

from statistics import NormalDist

import numpy as np

from daedalus_planner.domain.situation import Series
from daedalus_shared.events.base import LARGEST

PATHS = 8
"""How many; each stands for an equal part of the distribution."""

_LEVELS = np.array([NormalDist().inv_cdf((rank + 0.5) / PATHS) for rank in range(PATHS)])


def around(mean: Series, deviation: Series) -> Series:
    """Return equally likely paths whose mean is the forecast's.

    Args:
        mean: Records/s, shape (steps,).
        deviation: Standard deviation of log(actual / expected), shape (steps,).

    Returns:
        Records/s, shape (paths, steps), ascending.
    """
    scale = np.exp(_LEVELS[:, np.newaxis] * deviation)
    return np.asarray(np.minimum(mean * scale / scale.mean(axis=0), LARGEST))
