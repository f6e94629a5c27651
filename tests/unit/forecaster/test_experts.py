"""The experts: each on what it is good at, and all within bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daedalus_forecaster.domain.experts import EXPERTS, Past, predict


def of(name: str, past: Past, slots: int = 80) -> np.ndarray:
    found: np.ndarray = predict(past, slots)[EXPERTS.index(name)]
    return found


def past(values: np.ndarray) -> Past:
    return Past(values, float(values.max()))


def test_without_a_past_all_repeat_the_last_value() -> None:
    assert np.all(predict(past(np.array([42.0])), 10) == 42.0)


def test_means_are_of_the_newest_slots() -> None:
    values = np.concatenate([np.full(120, 100.0), np.full(20, 10.0)])

    assert of("mean20", past(values))[0] == 10.0
    assert of("mean120", past(values))[-1] == pytest.approx(85.0)


def test_a_trend_goes_on_and_dies_out() -> None:
    found = of("trend10", past(np.arange(100.0, 200.0)), 81)

    assert found[0] == pytest.approx(199 + 0.95)
    assert found[-1] == pytest.approx(199 + 19, abs=0.5)


@pytest.mark.parametrize("name", ["ar20", "level20", "coarse-level20"])
def test_regressions_carry_a_sine_on(name: str) -> None:
    t = np.arange(480 + 80)
    sine = 1000 + 500 * np.sin(2 * np.pi * t / 240)

    found = of(name, past(sine[:480]))

    assert found == pytest.approx(sine[480:], abs=100)


def test_a_season_is_moved_to_todays_level_and_left_in_half_an_hour() -> None:
    season = np.linspace(100.0, 200.0, 81)
    known = Past(np.full(10, 150.0), 300.0, (season, None, None))

    day = of("day", known)

    assert day[0] == pytest.approx(season[1] + 50, abs=1)
    assert day[59] == pytest.approx(season[60] + 25)
    assert np.all(of("week", known) == 150.0)


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e15), min_size=1, max_size=90), st.integers(1, 90))
def test_no_expert_leaves_the_bounds(values: list[float], slots: int) -> None:
    known = past(np.array(values))

    found = predict(known, slots)

    assert found.shape == (len(EXPERTS), slots)
    assert np.all(found >= 0)
    assert np.all(found <= max(1.8 * values[-1], 1.2 * max(values)))
