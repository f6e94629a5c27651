"""Courtesies, each by itself: what it makes of a wish, and what it says."""

import math
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daedalus_planner.domain.courtesies import (
    delays,
    floors,
    holds,
    overload,
    steps,
    windows,
)
from daedalus_planner.domain.courtesies.memory import PastWish
from daedalus_planner.domain.situation import Bounds, Reason, Situation
from daedalus_planner.domain.wish import Wish
from daedalus_shared.courtesies import (
    Blackout,
    Budget,
    Courtesies,
    Down,
    Fallback,
    Floor,
    Way,
    Window,
)
from daedalus_shared.events import (
    Basis,
    CapacityPoint,
    Downtime,
)
from daedalus_shared.policy import Policy
from harness.wishes import CURRENT, NOON, after, told, wish

# -- steps ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("up", "down", "wanted", "expected"),
    [
        pytest.param(Way(), Down(), 12, (12, ()), id="any number up"),
        pytest.param(Way(), Down(), 1, (1, ()), id="any number down"),
        pytest.param(Way(workers=2), Down(), 12, (6, ("step_up",)), id="two up"),
        pytest.param(Way(workers=2), Down(), 6, (6, ()), id="exactly two up"),
        pytest.param(Way(workers=2), Down(), 1, (1, ()), id="down is another matter"),
        pytest.param(Way(), Down(workers=1), 1, (3, ("step_down",)), id="one down"),
        pytest.param(Way(percent=50), Down(), 12, (6, ("step_up",)), id="half as many"),
        pytest.param(Way(percent=30), Down(), 12, (6, ("step_up",)), id="rounded up"),
        pytest.param(Way(), Down(percent=1), 1, (3, ("step_down",)), id="at least one"),
        pytest.param(
            Way(workers=1, percent=100),
            Down(),
            12,
            (8, ("step_up",)),
            id="what allows more",
        ),
        pytest.param(Way(workers=1), Down(workers=1), 4, (4, ()), id="no step"),
    ],
)
def test_a_rescale_goes_no_further_than_its_step(
    up: Way, down: Down, wanted: int, expected: tuple[int, tuple[str, ...]]
) -> None:
    found = steps.stepped(wish(wanted), CURRENT, Courtesies(up=up, down=down))

    assert told(found) == expected
    assert (found.reason is Reason.STEP) == bool(found.limits)


def test_a_step_says_what_it_allows() -> None:
    found = steps.stepped(wish(9), CURRENT, Courtesies(up=Way(workers=2)))

    assert found.clauses == ("at most 2 workers more in one rescale",)


@given(wanted=st.integers(0, 50), current=st.integers(1, 50), percent=st.floats(0.1, 300.0))
def test_a_step_is_between_the_present_and_the_wish(
    wanted: int, current: int, percent: float
) -> None:
    way = Down(percent=percent)

    found = steps.stepped(
        Wish(wanted, Reason.SCALE_UP), current, Courtesies(up=Way(percent=percent), down=way)
    )

    assert min(wanted, current) <= found.chosen <= max(wanted, current)
    assert wanted == current or found.chosen != current


# -- delayed scale-down ---------------------------------------------------------------------------


def wanted_before(*pairs: tuple[float, int]) -> list[PastWish]:
    return [PastWish(tick=after(-age), decision="d", scale_out=q) for age, q in pairs]


@pytest.mark.parametrize(
    ("wanted", "past", "expected"),
    [
        pytest.param(2, [], (2, ()), id="nothing is remembered"),
        pytest.param(2, [(60, 2), (240, 1)], (2, ()), id="all wanted as few"),
        pytest.param(2, [(60, 3)], (3, ("delay_down",)), id="the highest wish wins"),
        pytest.param(2, [(60, 3), (240, 4)], (4, ("delay_down",)), id="the present was wanted"),
        pytest.param(2, [(60, 9)], (4, ("delay_down",)), id="never above the present"),
        pytest.param(2, [(300, 4), (60, 2)], (2, ()), id="just out of the window"),
        pytest.param(2, [(299, 4)], (4, ("delay_down",)), id="just within the window"),
        pytest.param(4, [(60, 9)], (4, ()), id="stay"),
        pytest.param(6, [(60, 9)], (6, ()), id="a scale-up does not wait"),
    ],
)
def test_a_scale_down_waits_until_all_wanted_it(
    wanted: int, past: list[tuple[float, int]], expected: tuple[int, tuple[str, ...]]
) -> None:
    found = delays.delayed(wish(wanted), CURRENT, wanted_before(*past), NOON, Down(delay=300.0))

    assert told(found) == expected
    assert (found.reason is Reason.DELAYED) == bool(found.limits)


def test_a_delay_says_what_was_wanted_when() -> None:
    found = delays.delayed(wish(2), CURRENT, wanted_before((60, 3)), NOON, Down(delay=300.0))

    assert found.clauses == ("3 workers were wanted at 11:59:00 UTC, within the last 5m",)


@given(wishes=st.lists(st.integers(0, 9), min_size=1, max_size=30), delay=st.integers(0, 10))
def test_what_is_remembered_of_wishes_is_enough_for_the_highest(
    wishes: list[int], delay: int
) -> None:
    down, kept = Down(delay=delay * 60.0), tuple[PastWish, ...]()

    for k, wanted in enumerate(wishes):
        found = delays.delayed(Wish(wanted, Reason.SCALE_DOWN), 10, kept, after(60 * k), down)
        assert found.chosen == max(wishes[max(0, k + 1 - max(1, delay)) : k + 1])
        newest = PastWish(tick=after(60 * k), decision="d", scale_out=wanted)
        kept = delays.remembered(kept, newest, down)
        assert len(kept) <= min(delay, 10)
        assert [past.scale_out for past in kept] == sorted({p.scale_out for p in kept})[::-1]


# -- windows --------------------------------------------------------------------------------------

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("cron", "hours", "zone", "at", "end"),
    [
        pytest.param("0 9 * * *", 8, "UTC", "2026-01-05T12:00+00:00", "17:00", id="within"),
        pytest.param("0 9 * * *", 8, "UTC", "2026-01-05T09:00+00:00", "17:00", id="begins"),
        pytest.param("0 9 * * *", 8, "UTC", "2026-01-05T17:00+00:00", None, id="has ended"),
        pytest.param("0 9 * * *", 8, "UTC", "2026-01-05T08:59+00:00", None, id="not yet"),
        pytest.param("0 9 * * *", 8, BERLIN, "2026-01-05T08:00+00:00", "16:00", id="in winter"),
        pytest.param("0 9 * * *", 8, BERLIN, "2026-07-06T07:00+00:00", "15:00", id="in summer"),
        pytest.param("0 22 * * *", 8, "UTC", "2026-01-05T03:00+00:00", "06:00", id="over midnight"),
        pytest.param("0 9 * * MON", 8, "UTC", "2026-01-06T12:00+00:00", None, id="another day"),
        pytest.param("0 * * * *", 3, "UTC", "2026-01-05T12:30+00:00", "15:00", id="overlapping"),
        pytest.param(
            "0 1 * * *", 4, BERLIN, "2026-03-29T00:30+00:00", "04:00", id="clocks go forward"
        ),
        pytest.param("0 1 * * *", 4, BERLIN, "2026-10-25T02:30+00:00", "03:00", id="and back"),
        pytest.param(
            "30 2 * * *", 1, BERLIN, "2026-03-29T01:30+00:00", "02:00", id="at a time that is not"
        ),
    ],
)
def test_a_window_holds_from_its_begin_to_its_end(
    cron: str, hours: float, zone: str, at: str, end: str | None
) -> None:
    window = Window(cron=cron, duration=hours * 3600, zone=zone)

    found = windows.until(window, datetime.fromisoformat(at))

    assert (found and f"{found:%H:%M}") == end


# -- holds ----------------------------------------------------------------------------------------

DAY: dict[str, Any] = {"cron": "0 10 * * *", "duration": "4h"}
NIGHT: dict[str, Any] = {"cron": "0 22 * * *", "duration": "4h"}


@pytest.mark.parametrize(
    ("blackouts", "wanted", "expected"),
    [
        pytest.param([Blackout(**DAY)], 6, (4, ("blackout",)), id="no scale-up"),
        pytest.param([Blackout(**DAY)], 2, (4, ("blackout",)), id="no scale-down"),
        pytest.param([Blackout(**DAY)], 4, (4, ()), id="nothing to forbid"),
        pytest.param([Blackout(**NIGHT)], 6, (6, ()), id="another time"),
        pytest.param([Blackout(**DAY, direction="down")], 6, (6, ()), id="up is allowed"),
        pytest.param(
            [Blackout(**NIGHT), Blackout(**DAY, direction="down")],
            2,
            (4, ("blackout_down",)),
            id="down is not",
        ),
    ],
)
def test_a_blackout_forbids_rescales(
    blackouts: list[Blackout], wanted: int, expected: tuple[int, tuple[str, ...]]
) -> None:
    found = holds.blacked_out(wish(wanted), CURRENT, blackouts, NOON)

    assert told(found) == expected
    assert (found.reason is Reason.BLACKOUT) == bool(found.limits)


def test_a_blackout_says_until_when_and_why() -> None:
    down = Blackout(**DAY, direction="down", why="month's end")

    assert holds.blacked_out(wish(2), CURRENT, [down], NOON).clauses == (
        "no scale-down until 2026-01-01 14:00:00 UTC (month's end)",
    )
    assert holds.blacked_out(wish(2), CURRENT, [Blackout(**DAY)], NOON).clauses == (
        "no rescale until 2026-01-01 14:00:00 UTC",
    )


@pytest.mark.parametrize(
    ("budget", "ages", "wanted", "averts", "expected"),
    [
        pytest.param(None, [60] * 50, 6, False, (6, ()), id="no budget"),
        pytest.param({"rescales": 2}, [60], 6, False, (6, ()), id="one is left"),
        pytest.param({"rescales": 2}, [60, 7200], 6, False, (4, ("budget",)), id="none is left"),
        pytest.param({"rescales": 2}, [60, 7200], 2, False, (4, ("budget",)), id="for down too"),
        pytest.param({"rescales": 2}, [60, 7200], 4, False, (4, ()), id="nothing to count"),
        pytest.param({"rescales": 2}, [60, 86400], 6, False, (6, ()), id="a day ago"),
        pytest.param({"rescales": 2}, [60, 86399], 6, False, (4, ("budget",)), id="a bit less"),
        pytest.param({"rescales": 1, "per": "1h"}, [3600], 6, False, (6, ()), id="another time"),
        pytest.param({"rescales": 1}, [60], 6, True, (6, ()), id="averts an overload"),
        pytest.param({"rescales": 1}, [60], 2, True, (4, ("budget",)), id="but not downwards"),
        pytest.param(
            {"rescales": 1, "spare_overload": False}, [60], 6, True, (4, ("budget",)), id="strict"
        ),
    ],
)
def test_a_budget_bounds_the_rescales_of_a_day(
    budget: dict[str, Any] | None,
    ages: list[float],
    wanted: int,
    averts: bool,
    expected: tuple[int, tuple[str, ...]],
) -> None:
    found = holds.budgeted(
        wish(wanted),
        CURRENT,
        [after(-age) for age in ages],
        NOON,
        None if budget is None else Budget(**budget),
        averts_overload=averts,
    )

    assert told(found) == expected
    assert (found.reason is Reason.BUDGET) == bool(found.limits)


def test_a_budget_says_what_was_spent() -> None:
    found = holds.budgeted(
        wish(6), CURRENT, [NOON] * 3, NOON, Budget(rescales=2), averts_overload=False
    )

    assert found.clauses == ("2 rescales within 1d are the most allowed, and 3 began",)


@pytest.mark.parametrize(
    ("since", "wanted", "expected"),
    [
        pytest.param(None, 6, (6, ()), id="never rescaled"),
        pytest.param(60, 6, (4, ("cooldown_up",)), id="too soon up"),
        pytest.param(180, 6, (6, ()), id="up again"),
        pytest.param(180, 2, (4, ("cooldown_down",)), id="too soon down"),
        pytest.param(600, 2, (2, ()), id="down again"),
        pytest.param(60, 4, (4, ()), id="nothing to cool"),
    ],
)
def test_a_cooldown_forbids_rescales_after_another(
    since: float | None, wanted: int, expected: tuple[int, tuple[str, ...]]
) -> None:
    courtesies = Courtesies(up=Way(cooldown=180.0), down=Down(cooldown=600.0))

    found = holds.cooled(wish(wanted), CURRENT, since, courtesies)

    assert told(found) == expected
    assert (found.reason is Reason.COOLDOWN) == bool(found.limits)


def test_a_cooldown_says_how_long() -> None:
    found = holds.cooled(wish(2), CURRENT, 75.0, Courtesies(down=Down(cooldown=600.0)))

    assert found.clauses == ("the last rescale was 1m15s ago, and no scale-down follows in 10m",)


# -- floors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedule", "wanted", "expected"),
    [
        pytest.param([(DAY, 6)], 3, (6, ("scheduled_floor",)), id="raised"),
        pytest.param([(DAY, 6)], 6, (6, ()), id="as many already"),
        pytest.param([(NIGHT, 6)], 3, (3, ()), id="another time"),
        pytest.param([(DAY, 5), (DAY, 6)], 3, (6, ("scheduled_floor",)), id="the highest counts"),
        pytest.param([], 3, (3, ()), id="none"),
    ],
)
def test_a_scheduled_floor_raises_the_wish(
    schedule: list[tuple[dict[str, Any], int]], wanted: int, expected: tuple[int, tuple[str, ...]]
) -> None:
    asked = [Floor(**window, scale_out=q) for window, q in schedule]

    found = floors.scheduled(wish(wanted), asked, NOON)

    assert told(found) == expected
    assert (found.reason is Reason.SCHEDULED_FLOOR) == bool(found.limits)


def test_a_scheduled_floor_says_until_when_and_why() -> None:
    found = floors.scheduled(wish(3), [Floor(**DAY, scale_out=6, why="lunch")], NOON)

    assert found.clauses == (
        "at least 6 workers by schedule until 2026-01-01 14:00:00 UTC (lunch)",
    )


@pytest.mark.parametrize(
    ("unknown", "wanted", "expected"),
    [
        pytest.param(0, 4, (4, ()), id="all is known"),
        pytest.param(2, 4, (4, ()), id="not for long"),
        pytest.param(3, 4, (6, ("fallback",)), id="for three ticks"),
        pytest.param(30, 8, (8, ()), id="more already"),
    ],
)
def test_too_little_known_for_long_falls_back(
    unknown: int, wanted: int, expected: tuple[int, tuple[str, ...]]
) -> None:
    found = floors.fallen_back(wish(wanted), unknown, Fallback(scale_out=6, after=3))

    assert told(found) == expected
    assert floors.fallen_back(wish(wanted), unknown, None) == wish(wanted)


# -- overload -------------------------------------------------------------------------------------


def situation(forecast: list[float], lag: float = 0.0, capacity: float | None = 100.0) -> Situation:
    prior = Downtime(mean=30.0, spread=0.0, seen=0)
    capacities = {}
    if capacity is not None:
        capacities[CURRENT] = CapacityPoint(
            scale_out=CURRENT, capacity=capacity, basis=Basis.OBSERVED
        )
    return Situation(
        scale_out=CURRENT,
        capacities=capacities,
        workload=forecast[0],
        forecast=np.array(forecast),
        step=10.0,
        lag=lag,
        since=None,
        checkpoint_interval=10.0,
        downtime_up=prior,
        downtime_down=prior,
        bounds=Bounds(least=1, most=8),
        policy=Policy(),
    )


@pytest.mark.parametrize(
    ("forecast", "lag", "capacity", "seconds"),
    [
        pytest.param([50.0] * 9, 0.0, 100.0, 0.0, id="never behind"),
        # 950 wait, 50/s to spare: 450, then none
        pytest.param([50.0] * 9, 950.0, 100.0, 10.0, id="a backlog that is caught up with"),
        # 200, 400, 600, 400, 200, 0
        pytest.param([120.0] * 3 + [80.0] * 6, 0.0, 100.0, 50.0, id="a swell that passes"),
        pytest.param([80.0] * 4 + [120.0] * 5, 0.0, 100.0, 50.0, id="one that does not"),
        pytest.param(
            [120.0, 80.0, 80.0, 120.0, 120.0, 80.0], 0.0, 100.0, 30.0, id="the longest counts"
        ),
        pytest.param([500.0] * 9, 0.0, None, 0.0, id="an unknown capacity is no overload"),
    ],
)
def test_an_overload_lasts_as_long_as_more_than_a_second_of_capacity_waits(
    forecast: list[float], lag: float, capacity: float | None, seconds: float
) -> None:
    assert overload.lasts(situation(forecast, lag, capacity)) == pytest.approx(seconds)


def test_the_step_of_no_limit_is_infinite() -> None:
    assert steps.most(Way(), 4) == math.inf
