"""The workload on its grid: means, gaps, and what moves from one grid to another."""

import doctest
import math
from datetime import UTC, datetime, timedelta
from types import ModuleType

import pytest

from daedalus_forecaster.domain import arma, history, record, scoring
from daedalus_forecaster.domain.history import Grid, History
from daedalus_shared.events import Sample
from daedalus_shared.job_spec import Policy
from daedalus_shared.ticks import next_end, offset

START = datetime(2026, 1, 1, tzinfo=UTC)
GRID = Grid(step=15.0, shift=0.0)


def samples(*found: tuple[float, float | None]) -> list[Sample]:
    """Return samples at seconds after START."""
    return [
        Sample(at=START + timedelta(seconds=after), workload=workload) for after, workload in found
    ]


def history_until(seconds: float, *found: tuple[float, float | None], keep: int = 10) -> History:
    until = START + timedelta(seconds=seconds)
    empty = History.start(GRID, samples((5.0, None)), START)
    return empty.add(samples(*found), until, keep)


@pytest.mark.parametrize(
    "module", [arma, history, record, scoring], ids=lambda module: module.__name__
)
def test_the_examples_in_the_docstrings_hold(module: ModuleType) -> None:
    found = doctest.testmod(module)

    assert found.attempted > 0
    assert found.failed == 0


def test_a_slot_holds_the_mean_of_its_known_samples() -> None:
    kept = history_until(30, (5, 10.0), (10, None), (15, 20.0), (20, 1.0), (25, 2.0), (30, 3.0))

    assert kept.values == (15.0, 2.0)


def test_a_slot_without_a_known_sample_is_a_gap_and_not_zero() -> None:
    assert history_until(45, (5, 10.0), (20, None), (45, 0.0)).values == (10.0, None, 0.0)


def test_a_slot_that_two_reports_share_is_one_mean() -> None:
    first = history_until(20, (5, 10.0), (15, 20.0), (20, 1.0))
    assert first.values == (15.0,)

    both = first.add(samples((25, 2.0), (30, 6.0)), START + timedelta(seconds=30), keep=10)

    assert both.values == (15.0, 3.0)


def test_only_the_newest_slots_are_kept() -> None:
    found = [(15.0 * slot, float(slot)) for slot in range(1, 6)]

    assert history_until(75, *found, keep=3).values == (3.0, 4.0, 5.0)


def test_a_silence_longer_than_the_history_leaves_gaps_alone() -> None:
    before = history_until(30, (15, 1.0), (30, 2.0), keep=4)

    after = before.add(samples((3600, 7.0)), START + timedelta(hours=1), keep=4)

    assert after.values == (None, None, None, 7.0)


def test_what_is_not_kept_is_unknown() -> None:
    kept = history_until(30, (15, 1.0), (30, 2.0))

    found = kept.between(kept.oldest - 1, kept.newest + 1).tolist()

    assert found[1:-1] == [1.0, 2.0]
    assert math.isnan(found[0])
    assert math.isnan(found[-1])


@pytest.mark.parametrize(
    ("loop", "report"),
    [(60.0, 15.0), (6.0, 1.5), (7.5, 1.875), (90.0, 30.0)],
    ids=["default", "played at ten times", "played at eight times", "slow"],
)
def test_ticks_end_slots(loop: float, report: float) -> None:
    grid = Grid.of("some-job", Policy(loop=loop, report=report, sample=1.0), report)
    tick = START
    for _ in range(20):
        tick = next_end("some-job", loop, tick)
        assert grid.position(tick) == round(grid.position(tick))


def test_a_grid_is_that_of_the_jobs_ticks() -> None:
    assert Grid.of("ysb", Policy(), 15.0).shift == pytest.approx(offset("ysb", 60.0) % 15.0)


def test_on_another_grid_values_lie_between_their_neighbours() -> None:
    kept = history_until(60, (15, 0.0), (30, 15.0), (45, 30.0), (60, 45.0))

    moved = kept.onto(Grid(step=10.0, shift=0.0))

    # Slot ends 20, 30, 40, 50, 60 s; the line is 1/s per second from 15 s on.
    assert moved.between(moved.newest - 4, moved.newest).tolist() == pytest.approx(
        [5.0, 15.0, 25.0, 35.0, 45.0]
    )
    assert moved.grid.end(moved.newest) == START.timestamp() + 60
