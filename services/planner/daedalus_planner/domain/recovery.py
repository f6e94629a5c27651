"""How long a job would take to catch up after a rescale (docs/method.md, Plan)."""

import math

import numpy as np

from daedalus_planner.domain.situation import Series, Situation

NEVER = math.inf
"""The forecast ends before the job has caught up."""

_ROUNDING = 1e-9
"""Keeps 30 s of 0.1-s steps at 300 steps."""


def steps(duration: float, step: float) -> int:
    """Return how many whole steps a duration holds.

    >>> steps(30.0, 0.1), steps(0.95, 1.0)
    (300, 0)
    """
    return math.floor(duration / step + _ROUNDING)


def backlog(situation: Situation, downtime: float) -> float:
    """Return the records to catch up with when processing resumes.

    What a checkpoint interval holds is replayed, what arrives during the downtime waits, and what
    waited before still does: Σ λ over the last checkpoint interval + Σ_{t ≤ T_down} F(t) + lag.
    """
    arrived = situation.forecast[: steps(downtime, situation.step)].sum() * situation.step
    replayed = situation.workload * situation.checkpoint_interval
    return float(replayed + arrived + situation.lag)


def recovery_times(situation: Situation, capacities: Series, downtime: float) -> Series:
    """Return the seconds until caught up after a rescale to each of `capacities` (records/s).

    recovery = T_down + first t with Σ max(C(q) - F, 0) > backlog, the sum beginning when
    processing resumes; `NEVER` where the horizon ends first.
    """
    down = steps(downtime, situation.step)
    after = situation.forecast[down:]
    if after.size == 0:
        return np.full(capacities.shape, NEVER)
    spare = np.maximum(capacities[:, np.newaxis] - after, 0.0).cumsum(axis=1) * situation.step
    caught_up = spare > backlog(situation, downtime)
    first = caught_up.argmax(axis=1)
    times = downtime + (first + 1) * situation.step
    return np.where(caught_up[:, -1], times, NEVER)
