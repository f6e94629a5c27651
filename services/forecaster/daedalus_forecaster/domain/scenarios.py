"""Equally likely futures of the workload around a forecast.

They wander as this workload does: jagged where it is noise, in long swings where it is smooth.
That is how the shocks of an AR(8) model of its differences go on; how far the paths stray is not
the model's say, but that of the forecast's own past errors (`combination.spread`).

A job's shocks are the same at every tick: what is planned changes because the workload did, never
because other futures were drawn. (With shocks drawn anew each tick a planner rescales on the luck
of the draw.)
"""

import numpy as np

from daedalus_forecaster.domain import autoregression
from daedalus_forecaster.domain.history import FloatArray

DRAWN = 256
"""Paths drawn: half of them, and their mirror images."""

KEPT = 16
"""Paths kept, as many as an event takes."""

ORDER = 8
"""Order of the model."""

RIDGE = 1e-3
"""Its penalty (`autoregression.fit`)."""


def standard(values: FloatArray, slots: int, seed: int) -> FloatArray:
    """Return drawn deviations of mean 0 and variance 1 at each slot, shape (DRAWN, slots).

    Args:
        values: Means of the newest slots without gaps, records/s; at least one.
        slots: Slots ahead.
        seed: The job's.
    """
    responses = np.ones(slots)
    model = autoregression.fit(np.diff(values), ORDER, RIDGE)
    if model is not None:
        found = np.cumsum(model.responses(slots))
        if np.all(np.isfinite(found)):
            responses = found
    lags = np.subtract.outer(np.arange(slots), np.arange(slots))
    spreading = np.where(lags >= 0, responses[np.abs(lags)], 0.0)
    half = np.random.default_rng(seed).standard_normal((DRAWN // 2, slots)) @ spreading.T
    half /= np.sqrt(np.mean(half**2, axis=0))
    return np.concatenate([half, -half])


def kept(paths: FloatArray) -> FloatArray:
    """Return KEPT of the paths: one of each stratum of the mean load over the first half."""
    order = np.argsort(paths[:, : max(paths.shape[1] // 2, 1)].mean(axis=1), kind="stable")
    share = len(paths) // KEPT
    return paths[order[share // 2 :: share][:KEPT]]
