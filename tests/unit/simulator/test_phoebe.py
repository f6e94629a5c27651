"""The rules of the policy like Phoebe."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daedalus_simulator.domain.job import Look
from daedalus_simulator.policies.phoebe import Phoebe, forecast, recovery

CAPACITIES = {workers: 100.0 * workers for workers in range(1, 19)}


@pytest.mark.parametrize(
    ("capacity", "workload", "expected"),
    [
        # 30 s, then 40 s of 400/s at 200/s
        pytest.param(600.0, 400.0, 110.0, id="catches up"),
        pytest.param(400.0, 400.0, float("inf"), id="never"),
        pytest.param(300.0, 400.0, float("inf"), id="overloaded"),
        pytest.param(300.0, 0.0, 30.0, id="nothing to catch up with"),
    ],
)
def test_recovery_is_the_restart_and_what_it_left(
    capacity: float, workload: float, expected: float
) -> None:
    assert recovery(capacity, workload, restart=30.0) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("scale_out", "workload", "chosen"),
    [
        # Recovery in less than 180 s needs more than 1.267 times the workload.
        pytest.param(4, 400.0, 6, id="up, by as little as will do"),
        pytest.param(12, 900.0, 12, id="just enough"),
        pytest.param(12, 800.0, 12, id="one too many: left"),
        pytest.param(12, 750.0, 12, id="two too many: left"),
        pytest.param(12, 700.0, 9, id="three too many: down"),
        pytest.param(12, 2000.0, 18, id="nothing will do: the most"),
        pytest.param(12, 0.0, 1, id="no load"),
    ],
)
def test_the_fewest_that_recover_in_time(scale_out: int, workload: float, chosen: int) -> None:
    assert Phoebe(CAPACITIES, restart=30.0).chosen(scale_out, workload) == chosen


def test_a_steady_load_is_forecast_as_it_is() -> None:
    assert forecast([100.0] * 60, 10) == pytest.approx([100.0] * 10)


def test_a_trend_is_followed_but_damped() -> None:
    values = forecast([100.0 + 10 * n for n in range(60)], 10)

    assert values == sorted(values)
    assert 730.0 < values[-1] < 790.0


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60))
def test_no_forecast_is_negative(history: list[float]) -> None:
    values = forecast(history, 10)
    assert len(values) == 10
    assert all(value >= 0 for value in values)


@dataclass
class Seen:
    second: int = 0
    outage: float | None = None

    def look(self, interval: int) -> Look:
        return Look(
            second=self.second,
            interval=interval,
            scale_out=12,
            arrivals=400.0,
            lag=0.0,
            cpu=np.full(12, 0.4),
            throughput=np.full(12, 33.0),
            uptime=float(self.second),
        )


def test_it_decides_each_ten_minutes() -> None:
    policy = Phoebe(CAPACITIES, restart=30.0)
    found = {second: policy.decide(Seen(second)) for second in range(60, 1260, 60)}

    assert {second for second, chosen in found.items() if chosen is not None} == {600, 1200}
    assert found[600] == 6
