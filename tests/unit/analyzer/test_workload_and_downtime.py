"""The workload's line, and the downtime to expect."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daedalus_analyzer.domain.downtime import expected, remember
from daedalus_analyzer.domain.workload import summarise


def test_a_line_worked_by_hand() -> None:
    found = summarise([(0.0, 10.0), (20.0, 30.0), (40.0, 20.0)], end=60.0)

    # slope = (-20·-10 + 0·10 + 20·0)/800 = 0.25; level = 20 + 0.25·40
    assert found is not None
    assert (found.mean, found.minimum, found.maximum) == (20.0, 10.0, 30.0)
    assert found.slope == pytest.approx(0.25)
    assert found.level == pytest.approx(30.0)


def test_one_point_has_no_slope_and_none_no_workload() -> None:
    found = summarise([(5.0, 7.0)], end=60.0)

    assert found is not None
    assert (found.level, found.slope) == (7.0, 0.0)
    assert summarise([], end=60.0) is None


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e15), min_size=1, max_size=20))
def test_a_workload_lies_between_its_extremes_and_is_finite(rates: list[float]) -> None:
    found = summarise([(5.0 * i, rate) for i, rate in enumerate(rates)], end=100.0)

    assert found is not None
    assert found.minimum <= found.mean <= found.maximum
    assert math.isfinite(found.level)


@pytest.mark.parametrize(
    ("seen", "mean", "spread", "count"),
    [
        pytest.param((), 30.0, 0.0, 0, id="the prior before any"),
        pytest.param((12.0,), 12.0, 0.0, 1, id="one: the prior weighs nothing"),
        pytest.param((10.0, 14.0), 12.0, math.sqrt(8.0), 2, id="two have a spread"),
        pytest.param((10.0, 14.0, 18.0), 14.0, 4.0, 3, id="three"),
    ],
)
def test_downtime_expected(seen: tuple[float, ...], mean: float, spread: float, count: int) -> None:
    found = expected(seen, prior=30.0)

    assert found.mean == pytest.approx(mean)
    assert found.spread == pytest.approx(spread)
    assert found.seen == count


def test_the_last_six_downtimes_are_kept() -> None:
    seen: tuple[float, ...] = ()
    for downtime in range(1, 9):
        seen = remember(seen, float(downtime))

    assert seen == (3.0, 4.0, 5.0, 6.0, 7.0, 8.0)
