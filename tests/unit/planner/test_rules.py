"""The reference's rules, each deciding at least one case (docs/method.md, Plan)."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daedalus_planner.domain.rules import plan
from daedalus_planner.domain.situation import Bounds, Reason, Situation, Verdict
from daedalus_shared.events import Basis, CapacityPoint, Downtime
from daedalus_shared.job_spec import Policy


def capacities(per_worker: float = 100.0, most: int = 6) -> dict[int, CapacityPoint]:
    return {
        q: CapacityPoint(scale_out=q, capacity=q * per_worker, basis=Basis.ESTIMATED)
        for q in range(1, most + 1)
    }


def flat(rate: float) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return np.full(900, rate)


CALM = Situation(
    scale_out=4,
    capacities=capacities(),
    workload=250.0,
    forecast=flat(250.0),
    step=1.0,
    lag=0.0,
    since=3600.0,
    checkpoint_interval=10.0,
    downtime_up=Downtime(mean=30.0, spread=0.0, seen=0),
    downtime_down=Downtime(mean=15.0, spread=0.0, seen=0),
    bounds=Bounds(least=1, most=6),
    policy=Policy(),
)
"""Four workers of 100/s each and 250/s to do: three would last."""


def late_rise(rate: float, after: int) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return np.concatenate([flat(250.0)[:after], flat(rate)[after:]])


@pytest.mark.parametrize(
    ("situation", "chosen", "reason"),
    [
        pytest.param(replace(CALM, since=179.0), 4, Reason.SETTLING, id="1: rescaled just now"),
        pytest.param(
            replace(CALM, since=179.0, forecast=flat(590.0), workload=590.0),
            4,
            Reason.SETTLING,
            id="1: even when overloaded",
        ),
        pytest.param(replace(CALM, capacities={}), 4, Reason.CAPACITY_UNKNOWN, id="1: unknown"),
        pytest.param(replace(CALM, since=180.0), 4, Reason.KEEPS_UP, id="2: keeps up"),
        pytest.param(
            replace(CALM, since=599.0, forecast=late_rise(590.0, 60)),
            4,
            Reason.KEEPS_UP,
            id="2: the rise lies beyond the next minute",
        ),
        pytest.param(
            replace(CALM, since=599.0, forecast=late_rise(500.0, 59)),
            6,
            Reason.SCALE_UP,
            id="2: not when the next minute exceeds it",
        ),
        pytest.param(
            replace(CALM, since=599.0, workload=420.0),
            5,
            Reason.SCALE_UP,
            id="2: not when more arrives than it can process",
        ),
        pytest.param(replace(CALM, since=600.0), 3, Reason.SCALE_DOWN, id="3e: fewer last"),
        pytest.param(replace(CALM, since=None), 3, Reason.SCALE_DOWN, id="3e: no rescale known"),
        pytest.param(
            replace(CALM, scale_out=2), 3, Reason.SCALE_UP, id="3e: the present ones are too few"
        ),
        pytest.param(
            replace(CALM, workload=350.0, forecast=flat(350.0)),
            4,
            Reason.CURRENT_SUFFICES,
            id="3c: none smaller carries the workload",
        ),
        pytest.param(
            replace(CALM, forecast=late_rise(450.0, 600)),
            4,
            Reason.CURRENT_SUFFICES,
            id="3c: before 3e, although a rise will exceed it later",
        ),
        pytest.param(
            replace(CALM, lag=401.0), 4, Reason.CURRENT_SUFFICES, id="3d: a large backlog"
        ),
        pytest.param(
            replace(CALM, lag=400.0), 3, Reason.SCALE_DOWN, id="3d: a second of capacity is none"
        ),
        pytest.param(
            replace(CALM, workload=600.0, forecast=flat(600.0)),
            6,
            Reason.MAX_SCALE_OUT,
            id="4: nothing carries it",
        ),
        pytest.param(
            replace(CALM, scale_out=6, workload=600.0, forecast=flat(600.0)),
            6,
            Reason.MAX_SCALE_OUT,
            id="4: already at the most",
        ),
        pytest.param(
            replace(
                CALM,
                workload=600.0,
                forecast=flat(600.0),
                bounds=Bounds(least=1, most=6, input_partitions=5),
            ),
            5,
            Reason.MAX_SCALE_OUT,
            id="4: no more than input partitions",
        ),
    ],
)
def test_each_rule_decides(situation: Situation, chosen: int, reason: Reason) -> None:
    found = plan(situation)

    assert (found.chosen, found.reason) == (chosen, reason)
    assert str(chosen) in found.sentence


V = Verdict


@pytest.mark.parametrize(
    ("situation", "verdicts"),
    [
        pytest.param(
            CALM,
            [V.BELOW_WORKLOAD, V.BELOW_WORKLOAD, V.CHOSEN, *[V.NOT_NEEDED] * 3],
            id="3 and 3e",
        ),
        pytest.param(
            # 20/s to spare: (2700 + 15 * 270) / 30 = 225 s for three; with a lag of 15000 725 s
            replace(CALM, workload=270.0, forecast=flat(270.0), lag=15_000.0),
            [
                V.BELOW_WORKLOAD,
                V.BELOW_WORKLOAD,
                V.RECOVERY_TOO_SLOW,
                V.CURRENT,
                *[V.NOT_NEEDED] * 2,
            ],
            id="3a: caught up too late",
        ),
        pytest.param(
            replace(CALM, workload=299.0, forecast=flat(299.0)),
            [
                V.BELOW_WORKLOAD,
                V.BELOW_WORKLOAD,
                V.RECOVERY_TOO_SLOW,
                V.CURRENT,
                *[V.NOT_NEEDED] * 2,
            ],
            id="3a: never",
        ),
        pytest.param(
            # three need 15 s + 126 s at 50/s to spare, and the peak falls into it
            replace(CALM, forecast=np.concatenate([flat(250.0)[:100], [310.0], flat(250.0)[:799]])),
            [V.BELOW_WORKLOAD, V.BELOW_WORKLOAD, V.OVERTAKEN, V.CURRENT, *[V.NOT_NEEDED] * 2],
            id="3b: a peak before it has caught up",
        ),
        pytest.param(
            # four are down for 30 s and need 117 s more: the peak rejects them too
            replace(CALM, forecast=np.concatenate([flat(250.0)[:60], [410.0], flat(250.0)[:839]])),
            [V.BELOW_WORKLOAD, V.BELOW_WORKLOAD, V.OVERTAKEN, V.OVERTAKEN, V.CHOSEN, V.NOT_NEEDED],
            id="3b: also of the present scale-out",
        ),
        pytest.param(
            replace(CALM, lag=401.0),
            [V.BELOW_WORKLOAD, V.BELOW_WORKLOAD, V.LARGE_BACKLOG, V.CURRENT, *[V.NOT_NEEDED] * 2],
            id="3d",
        ),
        pytest.param(
            replace(CALM, forecast=late_rise(300.0, 600)),
            [V.BELOW_WORKLOAD, V.BELOW_WORKLOAD, V.DOES_NOT_LAST, V.CURRENT, *[V.NOT_NEEDED] * 2],
            id="3e: as much as its capacity is too much",
        ),
        pytest.param(
            replace(CALM, workload=700.0, forecast=flat(700.0)),
            [*[V.BELOW_WORKLOAD] * 5, V.LAST_RESORT],
            id="4",
        ),
        pytest.param(
            replace(
                CALM,
                workload=700.0,
                forecast=flat(700.0),
                bounds=Bounds(least=1, most=6, input_partitions=5, max_parallelism=4),
            ),
            [*[V.BELOW_WORKLOAD] * 3, V.LAST_RESORT, V.MAX_PARALLELISM, V.INPUT_PARTITIONS],
            id="limits of the platform",
        ),
        pytest.param(
            replace(CALM, capacities={4: capacities()[4]}),
            [*[V.CAPACITY_UNKNOWN] * 3, V.CURRENT, *[V.NOT_NEEDED] * 2],
            id="unknown candidates",
        ),
        pytest.param(replace(CALM, since=10.0), [V.NOT_WEIGHED] * 6, id="1"),
        pytest.param(replace(CALM, since=200.0), [V.NOT_WEIGHED] * 6, id="2"),
    ],
)
def test_every_candidate_says_which_rule_took_or_rejected_it(
    situation: Situation, verdicts: list[Verdict]
) -> None:
    found = plan(situation)

    assert [option.verdict for option in found.options] == verdicts
    assert [option.scale_out for option in found.options] == [1, 2, 3, 4, 5, 6]
    assert all(option.why for option in found.options if option.verdict is not V.NOT_WEIGHED)


def test_the_table_is_filled_even_where_no_candidate_had_to_be_weighed() -> None:
    three = plan(replace(CALM, since=10.0)).options[2]

    assert three.point == capacities()[3]
    # 2500 replayed + 15 s of 250/s = 6250; 50/s to spare: the 126th second
    assert three.recovery == 15.0 + 126.0
    assert three.highest == 250.0


def test_the_most_allowed_is_named_as_the_limit() -> None:
    overload = replace(CALM, workload=700.0, forecast=flat(700.0))

    assert plan(overload).limits == ("max",)
    assert plan(replace(overload, bounds=Bounds(least=1, most=6, max_parallelism=5))).limits == (
        "max_parallelism",
    )


def test_it_jumps_several_steps_at_once() -> None:
    assert plan(replace(CALM, scale_out=1, forecast=flat(500.0))).chosen == 6


situations = st.builds(
    lambda p, workload, ahead, lag, since, bounds, per_worker: replace(
        CALM,
        scale_out=p,
        workload=workload,
        forecast=np.repeat(ahead, 90),
        lag=lag,
        since=since,
        bounds=bounds,
        capacities=capacities(per_worker, most=8),
    ),
    p=st.integers(1, 8),
    workload=st.floats(0, 1000),
    ahead=st.lists(st.floats(0, 1000), min_size=10, max_size=10),
    lag=st.floats(0, 1e5),
    since=st.none() | st.floats(0, 5000),
    bounds=st.builds(
        lambda least, more, partitions: Bounds(
            least=least, most=min(8, least + more), input_partitions=partitions
        ),
        least=st.integers(1, 8),
        more=st.integers(0, 7),
        partitions=st.none() | st.integers(1, 8),
    ),
    per_worker=st.floats(1, 500),
)


@given(situation=situations)
def test_it_never_leaves_the_bounds_except_to_stay(situation: Situation) -> None:
    found = plan(situation)

    inside = situation.bounds.lowest <= found.chosen <= situation.bounds.highest
    assert inside or found.chosen == situation.scale_out
    scale_outs = [option.scale_out for option in found.options]
    assert scale_outs == list(range(situation.bounds.lowest, situation.bounds.most + 1))


@given(situation=situations, factor=st.floats(1, 3), more_lag=st.floats(0, 1e5))
def test_more_to_do_never_means_fewer_workers(
    situation: Situation, factor: float, more_lag: float
) -> None:
    bounds = situation.bounds
    p = min(max(situation.scale_out, bounds.lowest), bounds.highest)
    calm = replace(situation, since=None, scale_out=p)
    busy = replace(
        calm,
        workload=calm.workload * factor,
        forecast=calm.forecast * factor,
        lag=calm.lag + more_lag,
    )

    assert plan(busy).chosen >= plan(calm).chosen
