"""How far off a forecaster was, and the bands that this makes."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from daedalus_planner.domain.accuracy import DISTANCES, Accuracy
from daedalus_planner.domain.bands import PATHS, around
from daedalus_shared.events import Forecast
from daedalus_shared.policy import Policy

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
POLICY = Policy()
TIMES = 60.0 * np.arange(1, 41, dtype=np.float64)


def forecast(minute: int, rate: float = 100.0, **changed: object) -> Forecast:
    tick = NOON + timedelta(minutes=minute)
    return Forecast(
        job="j",
        at=tick,
        tick=tick,
        source="forecaster/mine",
        step=60.0,
        horizon=2400.0,
        mean=(rate,) * 40,
        forecaster="mine",
        model="constant",
    ).model_copy(update=changed)


def scored(rate: float, minutes: int = 100) -> Accuracy:
    """Forecast 100/s each minute while `rate` arrives."""
    known = Accuracy()
    for minute in range(minutes):
        known = known.after(forecast(minute), rate, POLICY)
    return known


def test_before_any_error_was_seen_doubt_grows_with_the_square_root_of_time() -> None:
    deviation = Accuracy().deviation(TIMES, POLICY)

    assert deviation[9] == pytest.approx(0.1)
    assert deviation[39] == pytest.approx(0.2)


def test_a_forecaster_that_was_right_is_trusted() -> None:
    deviation = scored(100.0).deviation(TIMES, POLICY)

    assert (deviation < 0.6 * Accuracy().deviation(TIMES, POLICY)).all()


def test_one_that_was_off_by_a_factor_is_not() -> None:
    deviation = scored(200.0).deviation(TIMES, POLICY)

    assert deviation[0] == pytest.approx(np.log(2), rel=0.15)
    assert deviation[39] == pytest.approx(np.log(2), rel=0.2)


def test_errors_are_bounded_where_nothing_arrives() -> None:
    assert scored(0.0).deviation(TIMES, POLICY).max() <= 1.5
    assert scored(1e9).deviation(TIMES, POLICY).max() <= 1.5


def test_errors_are_bounded_where_next_to_nothing_arrives() -> None:
    least, most = scored(5e-324), scored(0.0)

    assert (least.squares, least.weights) == (most.squares, most.weights)


def test_it_keeps_no_more_than_the_longest_distance() -> None:
    known = scored(100.0)

    assert len(known.issued) == DISTANCES[-1]
    assert len(known.model_dump_json()) < 6_000


def test_a_gap_scores_what_it_can() -> None:
    known = Accuracy().after(forecast(0), 100.0, POLICY).after(forecast(10), 110.0, POLICY)

    assert known.weights == (0.0, 0.0, 0.0, 1.0, 0.0, 0.0)


def test_an_unknown_workload_scores_nothing() -> None:
    known = Accuracy().after(forecast(0), 100.0, POLICY).after(forecast(1), None, POLICY)

    assert sum(known.weights) == 0.0


def test_another_forecaster_starts_afresh() -> None:
    known = scored(200.0).after(forecast(100, forecaster="other"), 100.0, POLICY)

    assert (known.forecaster, sum(known.weights), len(known.issued)) == ("other", 0.0, 1)


def test_one_with_paths_needs_none_of_it() -> None:
    with_paths = forecast(100, paths=((100.0,) * 40,))

    assert scored(200.0).after(with_paths, 100.0, POLICY) == Accuracy()


def test_paths_lie_around_the_mean_as_wide_as_the_errors() -> None:
    mean = np.array([100.0, 200.0])

    paths = around(mean, np.array([0.1, 0.2]))

    assert paths.shape == (PATHS, 2)
    assert paths.mean(axis=0) == pytest.approx(mean)
    assert np.log(paths).std(axis=0) == pytest.approx([0.1, 0.2], rel=0.15)
    assert (np.diff(paths, axis=0) > 0).all()
