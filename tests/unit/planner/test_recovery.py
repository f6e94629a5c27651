"""Recovery time and backlog against numbers worked by hand."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daedalus_planner.domain.recovery import NEVER, backlog, recovery_times
from daedalus_planner.domain.situation import Bounds, Situation
from daedalus_shared.events import Basis, CapacityPoint, Downtime
from daedalus_shared.job_spec import Policy


def situation(
    forecast: Sequence[float],
    *,
    lag: float = 0.0,
    workload: float = 100.0,
    checkpoint_interval: float = 10.0,
    step: float = 1.0,
) -> Situation:
    return Situation(
        scale_out=2,
        capacities={2: CapacityPoint(scale_out=2, capacity=150.0, basis=Basis.OBSERVED)},
        workload=workload,
        forecast=np.asarray(forecast, dtype=np.float64),
        step=step,
        lag=lag,
        since=None,
        checkpoint_interval=checkpoint_interval,
        downtime_up=Downtime(mean=30.0, spread=0.0, seen=0),
        downtime_down=Downtime(mean=15.0, spread=0.0, seen=0),
        bounds=Bounds(least=1, most=4),
        policy=Policy(),
    )


def recovery(found: Situation, capacity: float, downtime: float) -> float:
    return float(recovery_times(found, np.array([capacity]), downtime)[0])


FLAT = [100.0] * 900
RISE = [100.0] * 60 + [140.0] * 840


@pytest.mark.parametrize(
    ("given_", "capacity", "downtime", "expected"),
    [
        # 1000 replayed + 3000 arrived = 4000; 50/s to spare: the 81st second exceeds it
        pytest.param(situation(FLAT), 150.0, 30.0, 111.0, id="a scale-up"),
        # 1000 + 1500 = 2500; 50/s: the 51st second exceeds it
        pytest.param(situation(FLAT), 150.0, 15.0, 66.0, id="a scale-down"),
        # 4000 + 600 waiting before: 93rd second
        pytest.param(situation(FLAT, lag=600.0), 150.0, 30.0, 123.0, id="with a lag"),
        # 2000 + 3000: 101st second
        pytest.param(
            situation(FLAT, checkpoint_interval=20.0), 150.0, 30.0, 131.0, id="rare checkpoints"
        ),
        # 4000; 50/s for 30 s until second 60, then 10/s for the other 2500: 251st second
        pytest.param(situation(RISE), 150.0, 30.0, 311.0, id="into a rise"),
        # below the forecast nothing is caught up, and nothing is lost either
        pytest.param(
            situation([100.0] * 60 + [200.0] * 100 + [100.0] * 740),
            150.0,
            30.0,
            30.0 + 30 + 100 + 51,
            id="through a peak",
        ),
        pytest.param(situation(FLAT), 100.0, 30.0, NEVER, id="nothing to spare"),
        pytest.param(situation(FLAT), 104.0, 30.0, NEVER, id="the horizon ends first"),
        pytest.param(situation(FLAT), 500.0, 900.0, NEVER, id="down beyond the horizon"),
        pytest.param(
            situation([0.0] * 900, workload=0.0), 150.0, 0.0, 1.0, id="nothing to do takes a step"
        ),
        # the same job ten times as fast: every duration a tenth
        pytest.param(
            situation(FLAT, checkpoint_interval=1.0, step=0.1), 150.0, 3.0, 11.1, id="compressed"
        ),
    ],
)
def test_recovery_time_is_as_worked_by_hand(
    given_: Situation, capacity: float, downtime: float, expected: float
) -> None:
    assert recovery(given_, capacity, downtime) == pytest.approx(expected)


def test_the_backlog_is_what_is_replayed_what_arrives_meanwhile_and_what_waited() -> None:
    assert backlog(situation(RISE, lag=7.0), 90.0) == 1000.0 + 6000.0 + 30 * 140.0 + 7.0


rates = st.floats(0, 1e6)


@given(
    forecast=st.lists(rates, min_size=40, max_size=40),
    capacity=rates,
    more=rates,
    lag=rates,
    more_lag=rates,
)
def test_more_capacity_is_never_slower_and_more_lag_never_faster(
    forecast: list[float], capacity: float, more: float, lag: float, more_lag: float
) -> None:
    calm, behind = situation(forecast, lag=lag), situation(forecast, lag=lag + more_lag)

    assert recovery(calm, capacity + more, 30.0) <= recovery(calm, capacity, 30.0)
    assert recovery(behind, capacity, 30.0) >= recovery(calm, capacity, 30.0)
    assert not math.isnan(recovery(calm, capacity, 30.0))
