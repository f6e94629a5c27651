"""The workload of the last eight days in coarse slots, and what it says of the next moments."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from daedalus_forecaster.domain.packed import coarse, pack
from daedalus_forecaster.domain.seasons import (
    DAY,
    KEEP,
    STEP,
    WEEK,
    Seasons,
    periodic,
    similar,
)
from daedalus_shared.events import Sample

START = datetime(2026, 1, 1, tzinfo=UTC)


def seen(seconds: float, workload: float | None) -> Sample:
    return Sample(at=START + timedelta(seconds=seconds), workload=workload)


def known(values: np.ndarray) -> Seasons:
    """Return seasons that end at START."""
    return Seasons(newest=round(START.timestamp() / STEP), codes=pack(coarse(values)))


def after(*seconds: float) -> np.ndarray:
    return START.timestamp() + np.array(seconds)


def test_a_slot_is_the_mean_of_its_samples() -> None:
    seasons = Seasons().add([seen(100, 10.0), seen(200, 20.0)], START.timestamp() + 200)
    seasons = seasons.add([seen(300, 60.0), seen(400, 7.0)], START.timestamp() + 400)

    assert seasons.values == pytest.approx([30.0], rel=1e-3)
    assert (seasons.open_sum, seasons.open_count) == (7.0, 1)


def test_a_silence_is_a_gap() -> None:
    seasons = Seasons().add([seen(300, 10.0)], START.timestamp() + 300)
    seasons = seasons.add([seen(1200, 20.0)], START.timestamp() + 1200)

    assert seasons.values == pytest.approx([10.0, np.nan, np.nan, 20.0], rel=1e-3, nan_ok=True)


def test_a_week_and_a_day_are_kept() -> None:
    seasons = known(np.ones(KEEP)).add([seen(300, 5.0)], START.timestamp() + 300)

    assert seasons.values.size == KEEP
    assert seasons.values[-1] == pytest.approx(5.0, rel=1e-3)


def test_yesterday_at_the_same_moment() -> None:
    day = 1000 + 500 * np.sin(2 * np.pi * np.arange(DAY) / DAY)

    found = periodic(known(np.tile(day, 2)), after(-150, 150, 600), DAY, 6)

    assert found == pytest.approx([day[-1], day[0], (day[1] + day[2]) / 2], rel=1e-3)


@pytest.mark.parametrize(
    ("slots", "period"), [(DAY - 1, DAY), (DAY, DAY), (WEEK, WEEK)], ids=["short", "day", "week"]
)
def test_no_season_before_a_period_and_the_slot_before_it_are_known(
    slots: int, period: int
) -> None:
    assert periodic(known(np.ones(slots)), after(-150, 150), period, 1) is None


def test_a_day_with_a_gap_at_the_moment_does_not_count() -> None:
    two_days = np.concatenate([np.full(DAY, 10.0), np.full(DAY, 30.0)])
    two_days[DAY : DAY + 3] = np.nan

    found = periodic(known(two_days), after(150, 450), DAY, 6)

    assert found == pytest.approx([10.0, 10.0], rel=1e-3)


def test_what_followed_the_most_similar_hour() -> None:
    burst = np.concatenate([np.linspace(100, 900, 12), np.linspace(900, 100, 12)])
    values = np.full(2 * DAY, 100.0)
    for begin in (40, 171, 293, 402, 481):
        values[begin : begin + 24] = burst
    values[-12:] = burst[:12]

    found = similar(known(values), after(-150, 150, 450, 750))

    assert found == pytest.approx([900, *burst[12:15]], rel=0.02)


def test_nothing_is_similar_within_the_first_day() -> None:
    assert similar(known(np.ones(DAY - 1)), after(150)) is None
