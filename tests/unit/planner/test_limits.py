"""What people and the platform make of a wish: each limit, and how they rank."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daedalus_planner.domain.limits import limit
from daedalus_planner.domain.situation import Bounds, Reason
from daedalus_planner.domain.wish import Wish
from daedalus_shared.events import Direction, Override, OverrideKind

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
BOUNDS = Bounds(least=2, most=10)
CURRENT = 4


def override(
    kind: OverrideKind, scale_out: int | None = None, direction: Direction = Direction.BOTH
) -> Override:
    return Override(
        job="j",
        at=NOON,
        source="console/cli",
        kind=kind,
        direction=direction,
        scale_out=scale_out,
        until=NOON.replace(hour=18),
        author="ada",
        why="the sale",
    )


def pause(direction: Direction = Direction.BOTH) -> Override:
    return override(OverrideKind.PAUSE, direction=direction)


def floor(scale_out: int) -> Override:
    return override(OverrideKind.FLOOR, scale_out)


def ceiling(scale_out: int) -> Override:
    return override(OverrideKind.CEILING, scale_out)


def quota(scale_out: int) -> Override:
    return override(OverrideKind.CEILING, scale_out, Direction.UP)


def pin(scale_out: int) -> Override:
    return override(OverrideKind.PIN, scale_out)


def wish(chosen: int) -> Wish:
    reason = Reason.CURRENT_SUFFICES
    if chosen != CURRENT:
        reason = Reason.SCALE_UP if chosen > CURRENT else Reason.SCALE_DOWN
    return Wish(chosen, reason, "The planner's sentence.")


R, D = Reason, Direction


@pytest.mark.parametrize(
    ("wanted", "overrides", "chosen", "reason", "limits"),
    [
        pytest.param(6, [], 6, R.SCALE_UP, (), id="nothing limits"),
        pytest.param(12, [], 10, R.BOUNDS, ("max",), id="above max"),
        pytest.param(1, [], 2, R.BOUNDS, ("min",), id="below min"),
        pytest.param(6, [pause()], 4, R.PAUSED, ("pause",), id="paused"),
        pytest.param(6, [pause(D.UP)], 4, R.PAUSED, ("pause_up",), id="no scale-up"),
        pytest.param(3, [pause(D.UP)], 3, R.SCALE_DOWN, (), id="but a scale-down"),
        pytest.param(3, [pause(D.DOWN)], 4, R.PAUSED, ("pause_down",), id="no scale-down"),
        pytest.param(6, [pause(D.DOWN)], 6, R.SCALE_UP, (), id="but a scale-up"),
        pytest.param(4, [pause()], 4, R.CURRENT_SUFFICES, (), id="a pause of nothing"),
        pytest.param(6, [floor(8)], 8, R.FLOOR, ("floor",), id="floor"),
        pytest.param(9, [floor(8)], 9, R.SCALE_UP, (), id="already above the floor"),
        pytest.param(6, [ceiling(5)], 5, R.CEILING, ("ceiling",), id="ceiling"),
        pytest.param(3, [ceiling(5)], 3, R.SCALE_DOWN, (), id="already below the ceiling"),
        pytest.param(6, [quota(5)], 5, R.QUOTA, ("quota",), id="quota"),
        pytest.param(8, [ceiling(6), quota(5)], 5, R.QUOTA, ("ceiling", "quota"), id="the lower"),
        pytest.param(6, [pin(8), quota(5)], 8, R.PINNED, ("pin",), id="a pin beats a quota"),
        pytest.param(
            6, [pin(8), ceiling(7), quota(5)], 7, R.CEILING, ("pin", "ceiling"), id="not a ceiling"
        ),
        pytest.param(8, [quota(5), floor(6)], 6, R.FLOOR, ("quota", "floor"), id="floor over it"),
        pytest.param(
            6, [ceiling(5), floor(7)], 7, R.FLOOR, ("ceiling", "floor"), id="floor beats ceiling"
        ),
        pytest.param(6, [floor(15)], 10, R.BOUNDS, ("floor", "max"), id="max beats floor"),
        pytest.param(6, [ceiling(1)], 2, R.BOUNDS, ("ceiling", "min"), id="min beats ceiling"),
        pytest.param(6, [pin(3)], 3, R.PINNED, ("pin",), id="a pin beats the planner"),
        pytest.param(4, [pin(4)], 4, R.PINNED, ("pin",), id="a pin on what is"),
        pytest.param(6, [pin(12)], 10, R.BOUNDS, ("pin", "max"), id="max beats pin"),
        pytest.param(6, [pin(8), pause()], 4, R.PAUSED, ("pin", "pause"), id="a pause beats all"),
        pytest.param(
            6, [floor(8), pause(D.UP)], 4, R.PAUSED, ("floor", "pause_up"), id="also a floor"
        ),
    ],
)
def test_limits_stack(
    wanted: int, overrides: list[Override], chosen: int, reason: Reason, limits: tuple[str, ...]
) -> None:
    found = limit(wish(wanted), CURRENT, BOUNDS, overrides)

    assert (found.chosen, found.reason, found.limits) == (chosen, reason, limits)
    assert len(found.clauses) == len(limits)


def test_a_limit_says_who_until_when_and_why() -> None:
    found = limit(wish(6), CURRENT, BOUNDS, [floor(15)])

    assert found.clauses == (
        "at least 15 workers by ada until 2026-01-01 18:00:00 UTC (the sale)",
        "10 is the most allowed (max)",
    )


@pytest.mark.parametrize(
    ("bounds", "limits"),
    [
        pytest.param(Bounds(least=2, most=10, input_partitions=6), ("input_partitions",), id="in"),
        pytest.param(
            Bounds(least=2, most=10, max_parallelism=6), ("max_parallelism",), id="engine"
        ),
        pytest.param(Bounds(least=8, most=10, input_partitions=6), ("input_partitions",), id="min"),
    ],
)
def test_more_workers_than_the_platform_can_use_are_not_wanted(
    bounds: Bounds, limits: tuple[str, ...]
) -> None:
    found = limit(wish(9), CURRENT, bounds, [])

    assert (found.chosen, found.limits) == (6, limits)


scale_outs = st.integers(0, 20)


@given(
    wanted=scale_outs,
    current=scale_outs,
    overrides=st.lists(
        st.one_of(
            scale_outs.map(floor),
            scale_outs.map(ceiling),
            scale_outs.map(pin),
            st.sampled_from(Direction).map(pause),
        ),
        max_size=6,
    ),
    least=st.integers(1, 20),
    more=st.integers(0, 20),
)
def test_the_choice_is_inside_the_bounds_or_the_present(
    wanted: int, current: int, overrides: list[Override], least: int, more: int
) -> None:
    bounds = Bounds(least=least, most=least + more)

    found = limit(Wish(wanted, Reason.SCALE_UP), current, bounds, overrides)

    assert found.chosen == current or bounds.lowest <= found.chosen <= bounds.highest
