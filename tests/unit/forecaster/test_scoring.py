"""Scores by hand-worked numbers: each value of a forecast against its own instant."""

from datetime import UTC, datetime

import pytest

from daedalus_forecaster.domain.history import Grid, History
from daedalus_forecaster.domain.scoring import DISCOUNT, Due, Path, Rolling, Track, ratio

GRID = Grid(step=15.0, shift=0.0)
TICK = 1000
"""The position at which the forecasts below are issued."""


def seen(*values: float | None) -> History:
    """Return a history whose first value is that of the first slot after TICK."""
    return History(grid=GRID, newest=TICK + len(values), values=values)


def issued(*values: float, position: float = TICK, aheads: tuple[float, ...] = ()) -> Track:
    return Track().issue(Path(position=position, values=values), aheads, GRID.step)


@pytest.mark.parametrize(
    ("forecast", "actual", "expected"),
    [
        pytest.param((100.0, 200.0), (100.0, 200.0), 0.0, id="exact"),
        pytest.param((110.0, 180.0, 999.0), (100.0, 200.0), 0.1, id="30 of 300"),
        pytest.param((200.0, 100.0), (100.0, 200.0), 2 / 3, id="one step off is an error"),
        pytest.param((110.0, 5.0, 180.0), (100.0, None, 200.0), 0.1, id="a gap does not count"),
        pytest.param((1.0, 1.0), (None, None), None, id="nothing known"),
        pytest.param((0.0, 0.0), (0.0, 0.0), 0.0, id="nothing came, as expected"),
        pytest.param((5.0, 0.0), (0.0, 0.0), 1.0, id="nothing came"),
        pytest.param((100.0,), (100.0, 7.0), 0.0, id="beyond the forecast's end"),
    ],
)
def test_wape_of_the_previous_forecast(
    forecast: tuple[float, ...], actual: tuple[float | None, ...], expected: float | None
) -> None:
    history = seen(*actual)

    assert issued(*forecast).score(history, history.newest).wape == pytest.approx(expected)


def test_slots_after_the_tick_wait_for_the_next() -> None:
    assert issued(100.0, 1.0).score(seen(100.0, 999.0), until=TICK + 1).wape == 0.0


def test_a_tick_between_two_slots_is_scored_between_two_values() -> None:
    # Values hold at 1001.5 and 1002.5: slot 1002 lies half way, slot 1001 before the first.
    track = issued(100.0, 200.0, position=TICK + 0.5)

    assert track.score(seen(7.0, 150.0), TICK + 2).wape == 0.0


def test_a_forecast_is_scored_once() -> None:
    once = issued(100.0).score(seen(50.0), TICK + 1)

    assert once.wape == 1.0
    assert once.score(seen(50.0, 50.0), TICK + 2).wape is None


def test_the_error_at_a_horizon_is_that_of_its_value_alone() -> None:
    track = issued(100.0, 100.0, 100.0, 100.0, aheads=(15.0, 60.0))
    assert track.due == (Due(TICK + 1, 15.0, 100.0), Due(TICK + 4, 60.0, 100.0))

    near = track.score(seen(80.0), TICK + 1)
    assert near.rolling == (Rolling(15.0, 20.0, 80.0),)

    far = near.score(seen(80.0, 1.0, 2.0, 200.0), TICK + 4)
    assert far.rolling == (Rolling(15.0, 20.0, 80.0), Rolling(60.0, 100.0, 200.0))
    assert [(error.horizon, error.wape) for error in far.errors] == [(15.0, 0.25), (60.0, 0.5)]
    assert far.due == ()


def test_a_horizon_beyond_the_forecast_is_not_scored() -> None:
    assert issued(1.0, 2.0, aheads=(45.0,)).due == ()


def test_what_fell_due_in_a_gap_is_dropped() -> None:
    track = issued(100.0, aheads=(15.0,)).score(seen(None), TICK + 1)

    assert track.due == ()
    assert track.rolling == ()


def test_older_errors_count_less() -> None:
    track = issued(90.0, aheads=(15.0,)).score(seen(100.0), TICK + 1)
    track = track.issue(Path(position=TICK + 1, values=(100.0,)), (15.0,), GRID.step)

    (error,) = track.score(seen(100.0, 100.0), TICK + 2).errors

    assert error.wape == pytest.approx(DISCOUNT * 10 / (DISCOUNT * 100 + 100))


def test_errors_of_next_to_nothing_stay_finite() -> None:
    assert ratio(1e15, 1e-300) == 1000.0


def test_positions_of_instants_are_those_of_the_scores() -> None:
    at = datetime.fromtimestamp(TICK * 15.0, UTC)

    assert GRID.position(at) == TICK
