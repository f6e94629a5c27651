"""The rules of the Flink operator's autoscaler, one table each."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from daedalus_simulator.domain.job import Look
from daedalus_simulator.policies.flink_operator import (
    DEFAULT,
    TUNED,
    FlinkOperator,
    Metrics,
    Options,
    capacity_wanted,
    evaluated,
    wanted,
    within_bounds,
)

CAPACITY = 100.0
"""Records/s of a worker."""


def metrics(
    rate: float = 700.0, lag: float = 0.0, true_rate: float = 1000.0, scale_out: int = 10
) -> Metrics:
    return Metrics(scale_out=scale_out, rate=rate, lag=lag, true_rate=true_rate)


@pytest.mark.parametrize(
    ("options", "lag", "expected"),
    [
        # 700 / 0.7 + 700 * 300 / 1800
        pytest.param(DEFAULT, 0.0, 1000 + 116.667, id="default"),
        pytest.param(DEFAULT, 180_000.0, 1000 + 116.667 + 100, id="default, with a backlog"),
        # 700 / 0.8 + 700 * 60 / 300
        pytest.param(TUNED, 0.0, 875 + 140, id="tuned"),
    ],
)
def test_capacity_is_for_the_backlog_the_restart_and_the_input(
    options: Options, lag: float, expected: float
) -> None:
    found = capacity_wanted(metrics(lag=lag), options, options.utilisation, options.restart)
    assert found == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("rate", "true_rate", "lag", "within"),
    [
        pytest.param(1000.0, 1001.0, 0.0, True, id="up to 100 % busy"),
        pytest.param(1000.0, 999.0, 0.0, False, id="more than it can"),
        # 1000 / 0.4 + 1000 / 6
        pytest.param(1000.0, 2660.0, 0.0, True, id="down to 40 % busy, the restart paid"),
        pytest.param(1000.0, 2670.0, 0.0, False, id="less than that"),
        pytest.param(1000.0, 9000.0, 301_000.0, True, id="a backlog is not scaled down from"),
        # 1000/s and the backlog in 30 min are 1167/s.
        pytest.param(1000.0, 1160.0, 301_000.0, False, id="a backlog that takes too long"),
    ],
)
def test_nothing_is_done_within_the_bounds(
    rate: float, true_rate: float, lag: float, within: bool
) -> None:
    assert within_bounds(metrics(rate=rate, true_rate=true_rate, lag=lag), DEFAULT) == within


@pytest.mark.parametrize(
    ("rate", "chosen"),
    [
        # 10 workers, by 1.5952 times the rate over 1000/s.
        pytest.param(1000.0, 16, id="up, rounded up"),
        pytest.param(600.0, 10, id="as it is"),
        pytest.param(300.0, 5, id="down"),
        pytest.param(1.0, 4, id="down by 60 % at most"),
        pytest.param(5000.0, 18, id="the most"),
    ],
)
def test_the_scale_out_is_for_the_target_utilisation(rate: float, chosen: int) -> None:
    assert wanted(metrics(rate=rate), DEFAULT, 18) == chosen


def look(second: int, scale_out: int, rate: float, lag: float = 0.0, uptime: float = 1e5) -> Look:
    """A job of even workers of 100/s each."""
    load = rate / (scale_out * CAPACITY)
    return Look(
        second=second,
        interval=60,
        scale_out=scale_out,
        arrivals=rate,
        lag=lag,
        cpu=np.full(scale_out, 0.09 + 0.91 * load),
        throughput=np.full(scale_out, rate / scale_out),
        uptime=uptime,
    )


def test_the_true_rate_is_what_busy_workers_would_do() -> None:
    found = evaluated([look(60 * n, 10, 500.0) for n in range(3)])
    assert found is not None
    assert (found.scale_out, found.rate, found.lag) == (10, 500.0, 0.0)
    assert found.true_rate == pytest.approx(1000.0)


def test_the_rate_that_arrives_is_what_is_processed_and_the_growth_of_the_lag() -> None:
    found = evaluated([look(60 * n, 10, 1000.0, lag=6000.0 * n) for n in range(3)])
    assert found is not None
    assert found.rate == pytest.approx(1100.0)


def test_the_rate_seen_under_a_lag_counts_where_busy_time_promises_more() -> None:
    looks = [look(60 * n, 10, 500.0, lag=16_000.0) for n in range(3)]
    found = evaluated(looks)
    assert found is not None
    assert found.true_rate == pytest.approx(500.0)


def test_a_job_without_records_tells_nothing() -> None:
    assert evaluated([look(0, 10, 0.0), look(60, 10, 0.0)]) is None


@dataclass
class Seen:
    """A job that does what it is told, with outages of no length."""

    scale_out: int = 12
    rate: float = 600.0
    second: int = 0
    began: int = 0
    outage: float | None = None
    moves: list[tuple[int, int]] = field(default_factory=list)

    def look(self, interval: int) -> Look:
        assert interval == 60
        return look(self.second, self.scale_out, self.rate, uptime=self.second - self.began)

    def play(self, policy: FlinkOperator, until: int) -> None:
        while self.second < until:
            self.second += policy.interval
            chosen = policy.decide(self)
            if chosen is not None and chosen != self.scale_out:
                self.moves.append((self.second, chosen))
                self.scale_out, self.began = chosen, self.second


def test_a_scale_up_waits_for_stable_metrics_of_a_whole_window() -> None:
    job = Seen(scale_out=5, rate=505.0)
    job.play(FlinkOperator(DEFAULT), 7200)

    # 300 s of stabilisation, 900 s of window; 5 * 1.5952 * 505 / 500 = 8.06, within bounds then.
    assert job.moves == [(1200, 9)]


def test_a_scale_down_is_wanted_for_an_hour_first() -> None:
    job = Seen(scale_out=12, rate=300.0)
    job.play(FlinkOperator(DEFAULT), 9000)

    # First wished when the window is full; 12 * 1.5952 * 300 / 1200 = 4.8.
    assert job.moves == [(1200 + 3600, 5)]


def test_of_the_wishes_of_an_hour_the_largest_is_obeyed() -> None:
    policy = FlinkOperator(DEFAULT)
    job = Seen(scale_out=12, rate=200.0)
    job.play(policy, 2400)
    job.rate = 400.0
    job.play(policy, 3600)
    job.rate = 200.0
    job.play(policy, 4860)

    # 12 * 1.5952 * 400 / 1200 = 6.4, although less is wished by now.
    assert job.moves == [(4800, 7)]


def test_a_largest_wish_within_the_bounds_changes_nothing() -> None:
    policy = FlinkOperator(DEFAULT)
    job = Seen(scale_out=12, rate=200.0)
    job.play(policy, 2400)
    job.rate = 530.0
    job.play(policy, 3600)
    job.rate = 200.0
    job.play(policy, 4860)

    assert job.moves == []


def test_a_wish_to_stay_ends_the_wait() -> None:
    policy = FlinkOperator(TUNED)
    job = Seen(scale_out=12, rate=300.0)
    job.play(policy, 600)
    job.rate = 800.0
    job.play(policy, 720)
    job.rate = 300.0
    job.play(policy, 1500)

    # Wished again from 780 s on, with 550/s in the mean at first: 12 * 1.45 * 550 / 1200 = 7.98.
    assert job.moves == [(780 + 600, 8)]


def test_tuned_scales_down_after_ten_minutes() -> None:
    job = Seen(scale_out=12, rate=300.0)
    job.play(FlinkOperator(TUNED), 1200)

    # Window full at 180 s; 12 * 1.45 * 300 / 1200 = 4.35; the wish holds from 180 to 780 s.
    assert job.moves == [(780, 5)]


def test_an_outage_empties_the_window() -> None:
    policy = FlinkOperator(TUNED)
    job = Seen(scale_out=5, rate=505.0)
    job.play(policy, 120)
    job.began = 180
    job.play(policy, 300)
    assert job.moves == []

    # Stable from 240 s on, and the window is full 120 s later: 5 * 1.45 * 505 / 500 = 7.3.
    job.play(policy, 360)
    assert job.moves == [(360, 8)]
