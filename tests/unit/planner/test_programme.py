"""The dynamic programme on hand-worked jobs of 100 records/s a worker."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daedalus_planner.domain.programme import (
    LATENESS,
    NEVER,
    OUTAGE,
    WORKERS,
    Move,
    Present,
    Terms,
    best,
    run,
    weigh,
)

TERMS = Terms(
    step=60.0,
    down_up=30.0,
    down_down=20.0,
    warm_up=0.0,
    replay=5.0,
    rescale=300.0,
    delay=0.001,
    late=0.0,
    tolerated=0.0,
    target=600.0,
    waits=6,
)
"""A record that waits a second costs a thousandth of a worker-second."""

SIZES = np.array([1.0, 2.0, 3.0, 4.0])
CAPACITIES = 100.0 * SIZES
ALL = (0, 3)


def steady(rate: float, steps: int = 40) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return np.full(steps, rate)


def resting(size: int, lag: float = 0.0) -> Present:
    return Present(size - 1, lag, 100.0 * size, 0.0)


def test_an_outage_costs_what_waits_over_time() -> None:
    # 30 s of 100/s pile up 3,000 records, which 100/s to spare work off in 30 s: a triangle.
    move = Move(down=30.0, warm=0.0, replayed=0.0, before=200.0, after=200.0)

    price, end, lag, caught = run(steady(100.0), TERMS, move, (0, 1, 40), 0.0)

    assert price == pytest.approx(0.001 * 0.5 * 3_000 * 60)
    assert (end, lag, caught) == (1, 0.0, pytest.approx(60.0))


def test_replayed_records_wait_in_front() -> None:
    move = Move(down=30.0, warm=0.0, replayed=1_500.0, before=200.0, after=200.0)

    _, end, _, caught = run(steady(100.0), TERMS, move, (0, 1, 40), 0.0)

    assert (end, caught) == (2, pytest.approx(30.0 + 45.0))


def test_delay_that_is_tolerated_costs_nothing() -> None:
    terms = TERMS._replace(tolerated=10.0)
    # Of 3,000 waiting at most, those of the last 10 s do not count: a triangle of 2,000 and 40 s.
    move = Move(down=30.0, warm=0.0, replayed=0.0, before=200.0, after=200.0)

    price, *_ = run(steady(100.0), terms, move, (0, 1, 40), 0.0)

    assert price == pytest.approx(0.001 * 0.5 * 2_000 * 40)


def test_late_records_are_charged_once_each() -> None:
    terms = TERMS._replace(tolerated=10.0, delay=0.0, late=1.0)
    move = Move(down=30.0, warm=0.0, replayed=0.0, before=200.0, after=200.0)

    price, *_ = run(steady(100.0), terms, move, (0, 1, 40), 0.0)

    assert price == pytest.approx(100.0 * 40)


def test_new_workers_do_not_work_before_they_are_warm() -> None:
    move = Move(down=0.0, warm=60.0, replayed=0.0, before=100.0, after=300.0)

    _, end, lag, caught = run(steady(200.0), TERMS, move, (0, 1, 40), 0.0)

    assert (end, lag, caught) == (2, 0.0, pytest.approx(120.0))


def test_an_overload_that_never_ends_is_never_caught_up_with() -> None:
    move = Move(down=0.0, warm=0.0, replayed=0.0, before=100.0, after=100.0)

    _, end, lag, caught = run(steady(150.0), TERMS, move, (0, 1, 40), 0.0)

    assert (end, lag, caught) == (40, pytest.approx(50.0 * 40 * 60), NEVER)


def test_the_best_course_of_a_steady_load_moves_once_where_that_pays() -> None:
    value = best(steady(150.0), SIZES, CAPACITIES, (*ALL, 3), TERMS)

    assert value[0, 1].sum() == pytest.approx(2 * 40 * 60), "two workers stay"
    assert value[0, 3, WORKERS] == pytest.approx(2 * 40 * 60), "four become two at once"
    assert value[0, 3, OUTAGE] > 300.0
    assert value[39, 3].sum() == pytest.approx(4 * 60), "for one step a move does not pay"


def test_scaling_up_is_put_off_until_the_load_comes() -> None:
    load = np.concatenate([steady(150.0, 20), steady(250.0, 20)])

    value = best(load, SIZES, CAPACITIES, (*ALL, 3), TERMS)

    workers = value[0, 1, WORKERS] / 60
    assert 2 * 19 + 3 * 21 <= workers <= 2 * 18 + 3 * 22
    assert value[0, 1, LATENESS] == 0.0


def test_waiting_for_what_all_paths_know_is_no_better_than_it_is() -> None:
    paths = np.stack([steady(150.0), steady(250.0)])

    own, common, _ = weigh(paths, SIZES, CAPACITIES, ALL, TERMS, resting(2))

    assert own.sum(axis=2)[0, 1] < own.sum(axis=2)[0, 2], "the low path stays"
    assert own.sum(axis=2)[1, 1] > own.sum(axis=2)[1, 2], "the high path moves"
    mean = common.mean(axis=0).sum(axis=2)
    assert mean[0, 2] < mean[0, 1], "not knowing which, it is better to move now"
    assert mean[0, 2] < mean[1:, 2].min()


def test_a_backlog_is_charged_until_it_is_worked_off() -> None:
    own, _, caught = weigh(
        steady(150.0)[np.newaxis], SIZES, CAPACITIES, ALL, TERMS, resting(2, lag=6_000.0)
    )

    assert caught[0, 1] == pytest.approx(120.0)
    assert own[0, 1, LATENESS] == pytest.approx(0.001 * 0.5 * 6_000 * 120)


def test_too_slow_a_recovery_is_shunned() -> None:
    load = steady(195.0)[np.newaxis]

    own, _, caught = weigh(load, SIZES, CAPACITIES, ALL, TERMS, resting(1))

    assert caught[0, 1] > TERMS.target
    assert own[0, 1].sum() > own[0, 2].sum(), "three, although two carry the load"


@settings(deadline=None, max_examples=40)
@given(
    load=st.lists(st.floats(0.0, 500.0), min_size=6, max_size=30),
    lag=st.floats(0.0, 1e5),
    warm_up=st.sampled_from([0.0, 90.0]),
    size=st.integers(1, 4),
)
def test_costs_are_finite_and_at_least_the_cheapest_workers(
    load: list[float], lag: float, warm_up: float, size: int
) -> None:
    terms = TERMS._replace(warm_up=warm_up)

    own, common, caught = weigh(np.array([load]), SIZES, CAPACITIES, ALL, terms, resting(size, lag))

    assert np.isfinite(own).all()
    assert np.isfinite(common[:, 0]).all()
    assert (own >= 0).all()
    assert (caught >= 0).all()
    assert (own[..., WORKERS] >= 60.0 * len(load) - 1e-6).all()
    assert (own.sum(axis=2) <= common[:, 0].sum(axis=2) + 1e-6).all(), "holding is one of its ways"
