"""The horizon planner's decisions on hand-made situations, and what it says of them."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daedalus_planner.domain.horizon import MARGIN, plan
from daedalus_planner.domain.situation import Bounds, Plan, Reason, Series, Situation, Verdict
from daedalus_planner.domain.weighing import common_weight, weigh
from daedalus_shared.events import Basis, CapacityPoint, Downtime
from daedalus_shared.policy import Policy, Prices

STEPS = 40


def capacities(most: int = 8, **changed: object) -> dict[int, CapacityPoint]:
    """100 records/s a worker."""
    return {
        q: CapacityPoint(
            scale_out=q, capacity=100.0 * q, basis=Basis.OBSERVED, error=0.0
        ).model_copy(update=changed)
        for q in range(1, most + 1)
    }


def flat(rate: float, paths: int = 1) -> Series:
    return np.full((paths, STEPS), rate)


def rising(start: float, end: float, after: int) -> Series:
    """Return one path that goes from one rate to another in a step."""
    return np.where(np.arange(STEPS) < after, start, end)[np.newaxis, :]


CALM = Situation(
    scale_out=4,
    capacities=capacities(),
    workload=250.0,
    forecast=np.full(900, 250.0),
    step=1.0,
    lag=0.0,
    since=3600.0,
    checkpoint_interval=10.0,
    downtime_up=Downtime(mean=30.0, spread=0.0, seen=3),
    downtime_down=Downtime(mean=20.0, spread=0.0, seen=3),
    bounds=Bounds(least=1, most=8),
    policy=Policy(),
    paths=flat(250.0),
)
"""Four workers of 100/s each and 250/s to do: three would do."""


def with_load(paths: Series, **changed: object) -> Situation:
    return replace(CALM, paths=paths, workload=float(paths[0, 0]), **changed)  # type: ignore[arg-type]


SWIFT = 30 + (30 * 350 + 5 * 350) / 150
"""Seconds in which five workers have caught up after they were added to do 350/s."""


def verdicts(found: Plan) -> dict[int, Verdict]:
    return {option.scale_out: option.verdict for option in found.options}


@pytest.mark.parametrize(
    ("situation", "chosen", "reason"),
    [
        pytest.param(CALM, 3, Reason.SCALE_DOWN, id="fewer are cheaper"),
        pytest.param(with_load(flat(350.0)), 4, Reason.CHEAPEST, id="the present ones are"),
        pytest.param(with_load(flat(450.0)), 5, Reason.SCALE_UP, id="overloaded"),
        pytest.param(
            with_load(rising(350.0, 550.0, 1)), 6, Reason.SCALE_UP, id="soon to be overloaded"
        ),
        pytest.param(
            with_load(rising(350.0, 550.0, 30)), 4, Reason.CHEAPEST, id="half an hour is time yet"
        ),
        pytest.param(
            with_load(rising(250.0, 350.0, 4)), 4, Reason.CHEAPEST, id="down for 4 min never pays"
        ),
        pytest.param(
            with_load(flat(250.0), bounds=Bounds(least=4, most=8)),
            4,
            Reason.CHEAPEST,
            id="no fewer than the spec's min",
        ),
        pytest.param(
            with_load(flat(550.0), bounds=Bounds(least=1, most=8, input_partitions=5)),
            5,
            Reason.SCALE_UP,
            id="no more than partitions, although too few",
        ),
        pytest.param(
            with_load(flat(350.0), lag=300_000.0), 8, Reason.SCALE_UP, id="more to catch up with"
        ),
        pytest.param(with_load(flat(350.0), lag=300.0), 4, Reason.CHEAPEST, id="a little lag"),
        pytest.param(
            with_load(flat(250.0), since=60.0), 3, Reason.SCALE_DOWN, id="no time to settle"
        ),
        pytest.param(
            with_load(flat(0.0)), 1, Reason.SCALE_DOWN, id="nothing to do takes the fewest"
        ),
        pytest.param(
            replace(CALM, capacities=capacities(at_least=True)),
            3,
            Reason.SCALE_DOWN,
            id="a lower bound is enough to scale down by",
        ),
        pytest.param(
            with_load(flat(600.0), capacities=capacities(at_least=True)),
            4,
            Reason.CHEAPEST,
            id="and nothing to scale up by",
        ),
        pytest.param(replace(CALM, capacities={}), 4, Reason.CAPACITY_UNKNOWN, id="unknown"),
        pytest.param(
            replace(CALM, capacities={}, lag=20_000.0),
            6,
            Reason.FALLING_BEHIND,
            id="unknown, and a loop's records wait",
        ),
        pytest.param(
            replace(CALM, capacities={}, lag=20_000.0, since=60.0),
            4,
            Reason.CAPACITY_UNKNOWN,
            id="unknown, but rescaled just now",
        ),
    ],
)
def test_decides(situation: Situation, chosen: int, reason: Reason) -> None:
    found = plan(situation)

    assert (found.chosen, found.reason) == (chosen, reason), found.sentence


def test_without_any_capacity_the_load_is_told_all_the_same() -> None:
    found = plan(with_load(flat(250.0), capacities={}))

    assert {option.highest for option in found.options} == {250.0}


def test_long_restarts_make_it_reluctant() -> None:
    brief = with_load(np.concatenate([flat(250.0)[:, :30], flat(350.0)[:, :10]], axis=1))
    slow = Downtime(mean=90.0, spread=0.0, seen=3)

    assert plan(brief).chosen == 3
    assert plan(replace(brief, downtime_up=slow, downtime_down=slow)).chosen == 4


def test_warm_up_makes_it_scale_up_earlier() -> None:
    """New workers work after three more minutes, so they are called two to three minutes before."""
    soon = with_load(rising(350.0, 550.0, 4))

    assert plan(soon).chosen == 4
    assert plan(replace(soon, warm_up=180.0)).chosen == 6


def test_workers_that_are_warming_are_waited_for() -> None:
    """Four carry the load once the two new ones work, within the minute."""
    warming = with_load(flat(350.0), lag=9_000.0, warm_up=180.0, warming=2, since=120.0)

    assert plan(warming).chosen == 4
    assert plan(replace(warming, warming=0, capacities=capacities())).chosen == 4


def test_the_dial_weighs_lateness_against_workers() -> None:
    rare = np.concatenate([flat(250.0, 14), flat(320.0, 2)])
    chosen = {
        dial: plan(
            with_load(rare, policy=Policy(prices=Prices.model_validate({"dial": dial})))
        ).chosen
        for dial in ("thrift", "balanced", "steady")
    }

    assert chosen["thrift"] <= chosen["balanced"] <= chosen["steady"]


def test_a_price_set_by_itself_counts() -> None:
    dear = Policy(prices=Prices(rescale=20_000.0))

    assert plan(CALM).chosen == 3
    assert plan(replace(CALM, policy=dear)).chosen == 4


def test_an_unsure_capacity_is_counted_on_for_less() -> None:
    close = with_load(flat(280.0))
    unsure = capacities(error=30.0)

    assert plan(close).chosen == 3
    assert plan(replace(close, capacities=unsure)).chosen == 4


def test_a_size_that_is_unknown_counts_like_its_neighbours() -> None:
    known = {q: point for q, point in capacities().items() if q != 3}

    assert plan(replace(CALM, capacities=known)).chosen == 3


def test_a_gain_within_the_margin_moves_nothing() -> None:
    """Fewer workers for a while, just long enough to pay their two rescales and little more."""
    chosen = []
    for minutes in range(5, 40):
        low, high = flat(250.0)[:, :minutes], flat(350.0)[:, minutes:]
        situation = with_load(np.concatenate([low, high], axis=1))
        totals = weigh(situation).totals
        gain = totals[3] - totals[2]
        chosen.append(plan(situation).chosen)
        assert (chosen[-1] == 3) == (gain > MARGIN)
    assert chosen == sorted(chosen, reverse=True)
    assert {3, 4} == set(chosen)


def test_every_candidate_has_its_word_and_its_cost() -> None:
    found = plan(replace(CALM, bounds=Bounds(least=1, most=9, input_partitions=8)))

    assert verdicts(found) == {
        1: Verdict.TOO_FEW,
        2: Verdict.TOO_FEW,
        3: Verdict.CHEAPEST,
        4: Verdict.COSTLIER,
        5: Verdict.COSTLIER,
        6: Verdict.TOO_MANY,
        7: Verdict.TOO_MANY,
        8: Verdict.TOO_MANY,
        9: Verdict.INPUT_PARTITIONS,
    }
    three, four = found.options[2], found.options[3]
    assert three.cost is not None
    assert four.cost is not None
    assert three.cost.workers == 3 * 50 * 60
    assert three.cost.outage > 300
    assert four.cost.total > three.cost.total
    assert three.recovery == pytest.approx(20 + (20 * 250 + 5 * 250) / 45.5, abs=1)
    assert [option.why for option in found.options if not option.why] == []


@pytest.mark.parametrize(
    ("flooded", "recovery", "why"),
    [
        pytest.param(0, SWIFT, "costs", id="on none"),
        pytest.param(1, SWIFT, "would not catch up within 10m in 1 of 16 scenarios", id="on one"),
        pytest.param(7, SWIFT, "would not catch up within 10m in 7 of 16 scenarios", id="on many"),
        pytest.param(8, math.inf, "would not catch up; the target is 10m", id="on half"),
        pytest.param(16, math.inf, "would not catch up; the target is 10m", id="on all"),
    ],
)
def test_a_recovery_is_that_of_the_median_path_where_on_some_it_is_never(
    flooded: int, recovery: float, why: str
) -> None:
    flood = rising(350.0, 900.0, 1).repeat(flooded, axis=0)
    paths = np.concatenate([flat(350.0, 16 - flooded), flood])

    five = plan(with_load(paths)).options[4]

    assert five.recovery == pytest.approx(recovery, rel=0.1)
    assert five.why.startswith(why)


def test_the_sentence_tells_what_is_expected_when_and_how_surely() -> None:
    paths = np.concatenate([rising(350.0, 550.0, 1)] * 14 + [flat(350.0)] * 2)

    found = plan(with_load(paths))

    assert found.chosen == 6
    assert found.sentence.startswith(
        "Scale up from 4 to 6 workers: the load is expected to pass what 4 can surely "
        "process (394/s of a likely 400/s) within 1m in 14 of 16 scenarios; over these 40m 6 cost "
    )
    assert re.search(r"workers less than waiting \dm; caught up after [\dms]+\.$", found.sentence)


@pytest.mark.parametrize("load", [250.0, 600.0])
def test_a_capacity_without_a_limit_is_told_as_unknown_and_never_in_figures(load: float) -> None:
    bounds = Bounds(least=4, most=8)
    found = plan(with_load(flat(load), capacities=capacities(at_least=True), bounds=bounds))

    assert "what 4 can process is unknown, since no limit has shown yet" in found.sentence
    told = [found.sentence, *(option.why for option in found.options)]
    assert not [each for each in told if "00000" in each]
    assert Verdict.TOO_MANY in verdicts(found).values()


def test_the_sentence_of_staying_tells_of_the_next_best() -> None:
    assert plan(with_load(flat(350.0))).sentence.startswith(
        "Stay at 4 workers: the load is expected to stay below what 4 can surely process "
        "(394/s of a likely 400/s) for the next 40m; 5, the next best, would cost "
    )


def for_a_while(start: float, high: float, steps: int) -> Series:
    """Paths that are high after two steps, for so many."""
    path = np.full((11, STEPS), start)
    path[:, 2 : 2 + steps] = high
    return np.concatenate([path, flat(start, 5)])


@pytest.mark.parametrize(
    ("paths", "most", "why"),
    [
        pytest.param(
            for_a_while(350.0, 420.0, 2),
            8,
            "but to spare that delay, worth 0.04 workers, costs more",
            id="brief",
        ),
        pytest.param(
            for_a_while(350.0, 395.0, 1), 8, "but by too little for a move", id="by a breath"
        ),
        pytest.param(
            np.concatenate([rising(350.0, 500.0, 25)] * 11 + [flat(350.0)] * 5),
            8,
            "but to move later, where need be, is cheaper than now",
            id="far off",
        ),
        pytest.param(for_a_while(350.0, 420.0, 9), 4, "but no more are allowed", id="at the most"),
    ],
)
def test_the_sentence_tells_why_it_stays_though_the_load_passes(
    paths: Series, most: int, why: str
) -> None:
    found = plan(with_load(paths, bounds=Bounds(least=1, most=most)))

    assert found.chosen == 4
    assert f" in 11 of 16 scenarios, {why}" in found.sentence


def test_where_more_workers_do_no_more_the_sentence_says_that_they_spare_no_delay() -> None:
    alike = {
        q: point.model_copy(update={"capacity": min(point.capacity, 400.0)})
        for q, point in capacities().items()
    }

    found = plan(with_load(for_a_while(350.0, 420.0, 5), capacities=alike))

    assert found.chosen == 4
    assert "in 11 of 16 scenarios, but more workers would hardly lessen the delay" in found.sentence


@settings(deadline=None, max_examples=25)
@given(
    rates=st.lists(st.floats(0.0, 2000.0), min_size=STEPS, max_size=STEPS),
    lag=st.floats(0.0, 1e6),
    scale_out=st.integers(1, 8),
    error=st.floats(0.0, 500.0),
    warming=st.integers(0, 3),
)
def test_stays_inside_the_bounds_and_speaks_of_each_candidate(
    rates: list[float], lag: float, scale_out: int, error: float, warming: int
) -> None:
    paths = np.array([rates, rates[::-1]])
    situation = with_load(
        paths, lag=lag, scale_out=scale_out, capacities=capacities(error=error), warming=warming
    )

    found = plan(replace(situation, warm_up=60.0))

    assert 1 <= found.chosen <= 8
    assert [option.scale_out for option in found.options] == list(range(1, 9))
    assert all(option.why for option in found.options)
    assert "nan" not in found.sentence
    assert "inf" not in found.sentence
    assert plan(replace(situation, warm_up=60.0)) == found


@pytest.mark.parametrize(
    ("downtime", "warm_up", "expected"),
    [
        pytest.param(6.0, 0.0, 0.5, id="brief"),
        pytest.param(30.0, 0.0, 0.5, id="half a step"),
        pytest.param(60.0, 0.0, 0.625, id="in proportion"),
        pytest.param(200.0, 0.0, 0.75, id="long"),
        pytest.param(6.0, 180.0, 0.75, id="workers that warm up help late too"),
    ],
)
def test_plans_common_to_all_paths_count_for_more_where_new_workers_help_late(
    downtime: float, warm_up: float, expected: float
) -> None:
    up = Downtime(mean=downtime, spread=0.0, seen=3)

    assert common_weight(replace(CALM, downtime_up=up, warm_up=warm_up)) == expected
