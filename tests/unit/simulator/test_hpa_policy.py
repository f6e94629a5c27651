"""The HPA's rules, and KEDA's on top of them, one table each."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daedalus_shared.hpa import Behavior, desired
from daedalus_simulator.domain.job import Look
from daedalus_simulator.policies.hpa import Hpa
from daedalus_simulator.policies.keda import KedaLag
from daedalus_simulator.policies.keda import desired as desired_by_lag


@dataclass
class Seen:
    """A job at one moment, as told."""

    second: int
    scale_out: int
    cpu: float = 0.5
    arrivals: float = 0.0
    lag: float = 0.0
    outage: float | None = None
    windows: list[int] = field(default_factory=list)

    def look(self, interval: int) -> Look:
        self.windows.append(interval)
        return Look(
            second=self.second,
            interval=interval,
            scale_out=self.scale_out,
            arrivals=self.arrivals,
            lag=self.lag,
            cpu=np.full(self.scale_out, self.cpu),
            throughput=np.full(self.scale_out, 10.0),
            uptime=float(self.second),
        )


@pytest.mark.parametrize(
    ("pods", "cpu", "target", "wanted"),
    [
        pytest.param(12, 0.80, 0.80, 12, id="on target"),
        pytest.param(12, 0.88, 0.80, 12, id="a tenth above: tolerated"),
        pytest.param(12, 0.89, 0.80, 14, id="more: 12 * 89/80 = 13.35, up"),
        pytest.param(12, 0.889, 0.80, 12, id="cut to whole percents: 88"),
        pytest.param(12, 0.72, 0.80, 12, id="a tenth below: tolerated"),
        pytest.param(12, 0.71, 0.80, 11, id="less: 12 * 71/80 = 10.65, up"),
        pytest.param(12, 0.40, 0.80, 6, id="half: exactly half"),
        pytest.param(3, 1.00, 0.60, 5, id="3 * 100/60 = 5, no more for its float"),
        pytest.param(12, 0.0, 0.80, 0, id="idle"),
        pytest.param(10, 0.29, 0.29, 10, id="29 % is not cut to 28"),
    ],
)
def test_pods_are_wanted_in_proportion_to_cpu(
    pods: int, cpu: float, target: float, wanted: int
) -> None:
    assert desired(pods, cpu, target) == wanted


@pytest.mark.parametrize(
    ("up", "recommended", "obeyed"),
    [
        pytest.param(0, [12, 14], [12, 14], id="up at once"),
        pytest.param(300, [12, *[14] * 20], [*[12] * 20, 14], id="up when 300 s agreed"),
        pytest.param(300, [12, *[14] * 10, 13, *[15] * 20], [*[12] * 20, *[13] * 11, 15],
                     id="up to the lowest of 300 s"),
        pytest.param(0, [12, *[6] * 20], [*[12] * 20, 6], id="down when 300 s agreed"),
        pytest.param(0, [12, *[6] * 10, 8, *[6] * 20], [*[12] * 20, *[8] * 11, 6],
                     id="down to the highest of 300 s"),
        pytest.param(0, [12, 13, *[6] * 20], [12, *[13] * 20, 6], id="a peak is kept for 300 s"),
    ],
)  # fmt: skip
def test_recommendations_are_stabilised(
    up: int, recommended: Sequence[int], obeyed: Sequence[int]
) -> None:
    behavior = Behavior(up=up)
    pods, found = 12, []
    for number, wanted in enumerate(recommended):
        pods = behavior.obey(15 * number, pods, wanted)
        found.append(pods)

    assert found == list(obeyed)


@pytest.mark.parametrize(
    ("pods", "recommended", "obeyed"),
    [
        pytest.param(2, 18, 6, id="4 more where that is more"),
        pytest.param(5, 18, 10, id="twice as many where that is more"),
        pytest.param(12, 40, 18, id="the most"),
        pytest.param(5, 0, 1, id="the least"),
    ],
)
def test_steps_and_bounds(pods: int, recommended: int, obeyed: int) -> None:
    assert Behavior(down=0, most=18).obey(15, pods, recommended) == obeyed


def test_what_runs_at_first_is_kept_for_300_s() -> None:
    behavior = Behavior()
    found = [behavior.obey(15 * number, 12, 6) for number in range(1, 22)]

    assert found == [*[12] * 20, 6]


@given(st.lists(st.integers(0, 40), min_size=1, max_size=60), st.sampled_from([0, 300]))
def test_what_is_obeyed_is_within_bounds_and_what_was_recommended(
    recommended: list[int], up: int
) -> None:
    behavior = Behavior(up=up, least=2, most=9)
    pods = 5
    for number, wanted in enumerate(recommended):
        before, pods = pods, behavior.obey(15 * number, pods, wanted)
        assert 2 <= pods <= 9
        assert pods <= max(before, *recommended[: number + 1], 2)


def test_the_hpa_looks_at_a_minute_of_cpu() -> None:
    job = Seen(second=15, scale_out=12, cpu=0.95)
    assert Hpa(0.80).decide(job) == 15
    assert job.windows == [60]


def test_the_name_says_the_target_and_the_window() -> None:
    assert Hpa(0.80).name == "hpa-80"
    assert Hpa(0.85, up=300).name == "hpa-85-300"


@pytest.mark.parametrize(
    ("pods", "lag", "wanted"),
    [
        pytest.param(4, 400.0, 4, id="at the threshold"),
        pytest.param(4, 440.0, 4, id="a tenth above: tolerated"),
        pytest.param(4, 441.0, 5, id="more"),
        pytest.param(4, 359.0, 4, id="less, but rounded up"),
        pytest.param(4, 290.0, 3, id="three are enough"),
        pytest.param(4, 0.0, 0, id="nothing waits"),
    ],
)
def test_pods_are_wanted_in_proportion_to_the_lag(pods: int, lag: float, wanted: int) -> None:
    assert desired_by_lag(pods, lag, threshold=100.0) == wanted


def test_half_a_second_of_arrivals_is_lag_at_least() -> None:
    policy = KedaLag(threshold=100.0)
    assert policy.decide(Seen(second=15, scale_out=4, arrivals=1000.0, lag=0.0)) == 5


def test_lag_counts_up_to_what_keeps_all_partitions_busy() -> None:
    policy = KedaLag(threshold=100.0, most=6)
    # 6 partitions' worth of lag over 5.5 pods would be tolerated; over 5 it is not.
    assert policy.decide(Seen(second=15, scale_out=5, lag=1e9)) == 6


def test_the_lag_is_read_each_30_s() -> None:
    policy = KedaLag(threshold=100.0)
    assert policy.decide(Seen(second=30, scale_out=4, lag=600.0)) == 6
    assert policy.decide(Seen(second=45, scale_out=6, lag=1200.0)) == 6
    assert policy.decide(Seen(second=60, scale_out=6, lag=1200.0)) == 12
