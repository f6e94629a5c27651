"""Forecasts of an ARIMA model from its order and coefficients alone.

Box & Jenkins' difference equation with the shocks before the series taken as zero (conditional
sum of squares). With w = Δ^d y - constant:

    e_t = w_t - Σ ar_i · w_{t-i} - Σ ma_j · e_{t-j};   ŵ_{n+h} likewise, with e = 0 in the future.

It agrees with the exact Kalman forecast but for the first shocks, whose weight dies out over the
series where the moving average is invertible; and it needs neither the fitted object nor the
library that fitted it.
"""

from collections.abc import Sequence
from operator import mul

import numpy as np

from daedalus_forecaster.domain.history import FloatArray


def forecast(
    values: FloatArray,
    *,
    ar: Sequence[float],
    ma: Sequence[float],
    differences: int,
    constant: float,
    steps: int,
) -> FloatArray:
    """Return the `steps` values expected after `values`.

    >>> forecast(np.array([1.0, 2.0, 4.0]), ar=[0.5], ma=[], differences=1, constant=0.0, steps=2)
    array([5. , 5.5])
    """
    if len(values) <= differences:
        raise ValueError(f"{len(values)} values do not carry {differences} differences")
    w = (np.diff(values, n=differences) - constant).tolist()
    e: list[float] = []
    for t, now in enumerate(w):
        e.append(now - _weighted(ar, w, t) - _weighted(ma, e, t) if t >= len(ar) else 0.0)
    for t in range(len(w), len(w) + steps):
        w.append(_weighted(ar, w, t) + _weighted(ma, e, t))
        e.append(0.0)
    found = np.array(w[-steps:]) + constant
    for level in reversed(range(differences)):
        found = np.diff(values, n=level)[-1] + np.cumsum(found)
    return found


def _weighted(weights: Sequence[float], series: Sequence[float], before: int) -> float:
    """Return Σ weights_i · series[before - 1 - i], over what the series has."""
    reach = min(len(weights), before)
    return sum(map(mul, weights, reversed(series[before - reach : before])), 0.0)
