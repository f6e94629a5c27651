"""The fallback's values, worked by hand."""

import pytest

from daedalus_forecaster.domain.history import Grid, History
from daedalus_forecaster.domain.line import extrapolate
from daedalus_shared.job_spec import Policy

TICK = 1000
POLICY = Policy(fallback_horizon=60.0)


def until_tick(*values: float | None) -> History:
    return History(grid=Grid(step=15.0, shift=0.0), newest=TICK, values=values)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param((10.0, 20.0, 30.0, 40.0), (50, 60, 70, 80, 80, 80), id="then it holds"),
        pytest.param((99.0, 10.0, 20.0, 30.0, 40.0), (50, 60, 70, 80, 80, 80), id="last loop only"),
        pytest.param((10.0, None, None, 40.0), (50, 60, 70, 80, 80, 80), id="over a gap"),
        # mean 35, slope Σ(x - x̄)(y - ȳ) / Σ(x - x̄)² = 60 / 5 = 12, at the tick 53
        pytest.param((10.0, 40.0, 40.0, 50.0), (65, 77, 89, 101, 101, 101), id="least squares"),
        pytest.param((7.0, None, 5.0, None, None, None), (5,) * 6, id="one known: it holds"),
        pytest.param((7.0, None, None, None, None), (7,) * 6, id="none in the loop: older holds"),
        pytest.param((40.0, 30.0, 20.0, 10.0), (0, -10, -20, -30, -30, -30), id="down"),
    ],
)
def test_the_line(values: tuple[float | None, ...], expected: tuple[float, ...]) -> None:
    assert extrapolate(until_tick(*values), TICK, POLICY, 6) == pytest.approx(expected)


def test_there_is_no_line_through_what_is_older_than_it_would_reach() -> None:
    assert extrapolate(until_tick(7.0, *[None] * 6), TICK, POLICY, 6) is None
    assert extrapolate(until_tick(), TICK, POLICY, 6) is None


def test_between_two_slots_the_line_counts_from_the_tick() -> None:
    history = until_tick(10.0, 20.0, 30.0, 40.0)

    values = extrapolate(history, TICK + 0.5, POLICY, 2)

    assert values == pytest.approx((55.0, 65.0))
