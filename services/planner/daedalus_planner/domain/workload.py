"""The workload expected after a tick: a forecast, shifted where it is older, or the trend line."""

from datetime import datetime

import numpy as np

from daedalus_planner.domain.situation import Series
from daedalus_shared.events import Forecast, Workload
from daedalus_shared.events.base import LARGEST
from daedalus_shared.job_spec import Policy

STEPS = 900
"""Values that the horizon is cut into: seconds at the reference's 900 s, and as fine as that for a
job whose time is compressed."""


def grid(policy: Policy) -> Series:
    """Return the seconds after the tick's end at which the workload is expected."""
    horizon = min(policy.horizon, policy.rules_horizon)
    return np.arange(1, STEPS + 1, dtype=np.float64) * (horizon / STEPS)


def steps(policy: Policy) -> Series:
    """Return the seconds after the tick's end at which the steps of `Situation.paths` end."""
    count = max(1, round(policy.horizon / policy.forecast_step))
    return np.arange(1, count + 1, dtype=np.float64) * policy.forecast_step


def read(forecast: Forecast, tick: datetime, times: Series) -> Series:
    """Return a forecast (records/s) at seconds after a tick that may be later than its own.

    Between its steps it is interpolated; before the first and beyond the last its values hold.
    """
    issued_at = (forecast.at - tick).total_seconds()
    points = issued_at + forecast.step * np.arange(1, len(forecast.mean) + 1)
    return np.asarray(np.interp(times, points, np.asarray(forecast.mean)))


def paths(forecast: Forecast, tick: datetime, times: Series) -> Series:
    """Return a forecast's sample paths (records/s) at seconds after a tick, shape (paths, times).

    They are read as its mean is; shape (0, times) where it has none.
    """
    issued_at = (forecast.at - tick).total_seconds()
    points = issued_at + forecast.step * np.arange(1, len(forecast.mean) + 1)
    found = [np.interp(times, points, np.asarray(path)) for path in forecast.paths]
    return np.asarray(found) if found else np.empty((0, len(times)))


def serves(forecast: Forecast, tick: datetime, policy: Policy) -> bool:
    """Whether enough is left of a previous forecast to plan with it."""
    left = forecast.horizon - (tick - forecast.at).total_seconds()
    return left >= policy.fallback_horizon


def trend(workload: Workload, times: Series, policy: Policy) -> Series:
    """Return the last loop's trend line (records/s), from 0 to what a rate can be.

    Beyond the fallback's horizon its last value holds.
    """
    ahead = np.minimum(times, policy.fallback_horizon)
    level, slope = np.clip((workload.level, workload.slope), -LARGEST, LARGEST)
    return np.asarray(np.clip(level + slope * ahead, 0.0, LARGEST))
