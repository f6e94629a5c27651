"""Long series as few points, without losing what the eye looks for."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from daedalus_simulator.domain.world import Series

POINTS = 1500
"""Points of a curve: about one a pixel on a wide screen."""

Indices = NDArray[np.intp]


def extremes(values: Series, points: int = POINTS) -> Indices:
    """Return the indices to draw so that every peak and trough stays, ascending.

    Each of `points` / 2 equal stretches keeps its lowest and its highest value; the first and the
    last value stay too.

    Args:
        values: Shape (seconds,), without NaN.
        points: How many are wanted; shorter series stay whole.
    """
    count = len(values)
    if count <= points:
        return np.arange(count)
    stretches = max(points // 2, 1)
    bounds = np.linspace(0, count, stretches + 1).astype(int)
    kept = {0, count - 1}
    for first, last in pairwise(bounds):
        part = values[first:last]
        kept.add(int(first + part.argmin()))
        kept.add(int(first + part.argmax()))
    return np.asarray(sorted(kept), dtype=np.intp)


def means(values: Series, points: int = POINTS) -> tuple[Series, Series]:
    """Return the middle and the mean of at most `points` equal stretches, in seconds and units."""
    size = max(1, -(-len(values) // points))
    whole = len(values) // size * size
    found = values[:whole].reshape(-1, size).mean(axis=1)
    middles = np.asarray(np.arange(len(found)) * float(size) + size / 2, dtype=np.float64)
    return middles, np.asarray(found, dtype=np.float64)


def steps(values: Series) -> Indices:
    """Return the indices at which a step function changes, with the first and the last."""
    if not len(values):
        return np.arange(0)
    changes = np.flatnonzero(np.diff(values)) + 1
    return np.unique(np.concatenate([[0], changes, [len(values) - 1]]))


def quantiles(values: Series, weights: Series, at: Series) -> Series:
    """Return the weighted quantiles of `values`, such as the latency of records per second.

    Args:
        values: Shape (n,).
        weights: How many records each value stands for, shape (n,).
        at: Shares in [0, 1], shape (m,).

    Returns:
        The smallest values that at least so large a share does not exceed, shape (m,); zeros where
        all weights are 0.
    """
    order = values.argsort()
    sums = weights[order].cumsum()
    if not len(sums) or sums[-1] <= 0:
        return np.zeros(len(at))
    where = np.searchsorted(sums, at * sums[-1] * (1 - 1e-12))
    return np.asarray(values[order][np.minimum(where, len(values) - 1)])
