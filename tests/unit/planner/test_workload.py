"""The expected workload: read between steps, beyond the end, shifted, or as a line."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from daedalus_planner.domain.workload import grid, read, serves, trend
from daedalus_shared.events import Forecast, Workload
from daedalus_shared.events.base import LARGEST
from daedalus_shared.job_spec import Policy

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def forecast(at: datetime, mean: tuple[float, ...], step: float = 60.0) -> Forecast:
    return Forecast(
        job="j",
        at=at,
        tick=at,
        source="forecaster/daedalus",
        step=step,
        horizon=step * len(mean),
        mean=mean,
        forecaster="daedalus",
        model="line",
    )


def test_the_grid_is_seconds_and_finer_where_time_is_compressed() -> None:
    policy = Policy()

    assert grid(policy)[[0, -1]].tolist() == [1.0, 900.0]
    assert grid(policy.compressed(10))[[0, -1]] == pytest.approx([0.1, 90.0])
    assert grid(policy.model_copy(update={"horizon": 2400.0}))[-1] == 900.0


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        pytest.param(1.0, 100.0, id="before the first step its value holds"),
        pytest.param(60.0, 100.0, id="on a step"),
        pytest.param(90.0, 150.0, id="between two"),
        pytest.param(120.0, 200.0, id="on the next"),
        pytest.param(900.0, 300.0, id="beyond the last its value holds"),
    ],
)
def test_a_forecast_is_read_between_its_steps(seconds: float, expected: float) -> None:
    found = read(forecast(NOON, (100.0, 200.0, 300.0)), NOON, np.array([seconds]))

    assert found.tolist() == [expected]


def test_a_previous_forecast_is_read_from_where_time_has_come_to() -> None:
    previous = forecast(NOON - timedelta(seconds=60), (100.0, 200.0, 300.0))

    assert read(previous, NOON, np.array([30.0, 60.0])).tolist() == [150.0, 200.0]


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        pytest.param(60, True, id="14 minutes left"),
        pytest.param(300, True, id="just 10 left"),
        pytest.param(301, False, id="less"),
    ],
)
def test_a_previous_forecast_serves_while_enough_of_it_is_left(age: int, expected: bool) -> None:
    previous = forecast(NOON - timedelta(seconds=age), (1.0,) * 15)

    assert serves(previous, NOON, Policy()) is expected


def test_the_trend_line_holds_after_ten_minutes_and_never_falls_below_zero() -> None:
    rising = Workload(mean=90.0, minimum=80.0, maximum=100.0, level=100.0, slope=0.5)
    falling = rising.model_copy(update={"slope": -0.5})
    times = np.array([1.0, 100.0, 600.0, 900.0])

    assert trend(rising, times, Policy()).tolist() == [100.5, 150.0, 400.0, 400.0]
    assert trend(falling, times, Policy()).tolist() == [99.5, 50.0, 0.0, 0.0]


@pytest.mark.parametrize("level", [-1e308, 0.0, 1e308])
@pytest.mark.parametrize("slope", [-1e308, 0.0, 1e308])
def test_an_absurd_trend_line_stays_within_what_a_rate_can_be(level: float, slope: float) -> None:
    line = Workload(mean=1.0, minimum=1.0, maximum=1.0, level=level, slope=slope)

    found = trend(line, grid(Policy()), Policy())

    assert 0.0 <= found.min() <= found.max() <= LARGEST
