"""The linear model with Gaussian errors."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daedalus_analyzer.domain.gaussian import Information, Own, Reading, inverse


@settings(deadline=None)
@given(
    st.lists(st.lists(st.floats(-10, 10), min_size=4, max_size=4), min_size=4, max_size=4),
    st.floats(0.1, 10),
)
def test_an_inverse_times_its_matrix_is_one(rows: list[list[float]], least: float) -> None:
    size = range(4)
    matrix = [
        [sum(a * b for a, b in zip(rows[i], rows[k], strict=True)) + least * (i == k) for k in size]
        for i in size
    ]
    found = inverse([matrix[i][: i + 1] for i in size])

    for i in size:
        for k in size:
            one = sum(matrix[i][j] * found[j][k] for j in size)
            assert one == pytest.approx(float(i == k), abs=1e-6)


def test_one_group_alone_is_the_precision_weighted_mean() -> None:
    information = Information([0.0], [2.0])
    own = information.add([Reading(5.0, 1.0, (1.0,))], spread=1.0)
    found = information.posterior()

    # shared: variance 4 against 1 + 1
    assert found.mean[0] == pytest.approx(5 * 4 / 6)
    assert found.covariance[0][0] == pytest.approx(1 / (1 / 4 + 1 / 2))
    # shared + own: variance 4 + 1 against 1
    level, variance = found.at((1.0,), own)
    assert level == pytest.approx(5 * 5 / 6)
    assert variance == pytest.approx(5 / 6)


def test_what_is_a_group_s_own_does_not_move_the_others() -> None:
    information = Information([0.0], [1.0])
    own = information.add([Reading(1.0, 1e-6, (1.0,))] * 2, spread=10.0)
    found = information.posterior()

    assert found.at((1.0,), own)[0] == pytest.approx(1.0, abs=1e-4)
    level, variance = found.at((1.0,), Own(100.0, 0.0, (0.0,)))
    assert level == pytest.approx(0.01, abs=0.001)
    assert variance == pytest.approx(101.0, abs=0.1)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(-5, 5), st.floats(0.01, 10), st.floats(-3, 3)), min_size=1, max_size=9
    )
)
def test_more_readings_never_make_it_less_sure(readings: list[tuple[float, float, float]]) -> None:
    information = Information([0.0, 0.0], [3.0, 3.0])
    before = math.inf
    for value, variance, part in readings:
        information.add([Reading(value, variance, (1.0, part))], spread=0.5)
        now = information.posterior().covariance[0][0]
        assert 0 < now <= before + 1e-9
        before = now
