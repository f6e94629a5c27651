"""What follows from past errors: weights, spread, quantiles; and the record that keeps them."""

from dataclasses import replace

import numpy as np
import pytest

from daedalus_forecaster.domain import combination
from daedalus_forecaster.domain.experts import EXPERTS
from daedalus_forecaster.domain.history import Grid, History
from daedalus_forecaster.domain.record import DISCOUNT, NODES, Book, Issue, Record

EMPTY = Book.of(Record(), 40)


def issue(slot: int, mean: float, *, last: float = 100.0) -> Issue:
    """Return a forecast of `mean` at every node, as all experts but the first said; it said
    `last`.
    """
    size = len(NODES)
    experts = np.full((len(EXPERTS), size), mean)
    experts[0] = last
    return Issue(
        due=slot + 2 * np.array(NODES),
        experts=experts,
        mean=np.full(size, mean),
        scale=np.full(size, 50.0),
        spread=np.full(size, 20.0),
        low=np.full(size, mean - 25),
        high=np.full(size, mean + 25),
    )


def history(newest: int, value: float | None) -> History:
    return History(grid=Grid(step=30.0, shift=0.0), newest=newest, values=(value,) * (newest + 1))


# -- record ----------------------------------------------------------------------------------------


def test_a_forecast_is_scored_when_its_slot_is_known() -> None:
    book = EMPTY.issued(issue(0, 120.0), 100.0, 1000.0)

    early = book.scored(history(1, 110.0))
    assert (early.latest, early.entries.size) == (None, len(NODES))

    found = early.scored(history(2, 110.0))
    assert found.entries.size == len(NODES) - 1
    assert found.latest == pytest.approx(10 / 110, rel=0.01)
    assert found.total[:2].tolist() == [1.0, 0.0]
    assert found.missed[:, 0] == pytest.approx(10.0, rel=0.01)
    assert found.spreads[:, 0] == pytest.approx([10.0, 50.0], rel=0.01)
    assert found.pool[0, -1] == pytest.approx(-0.5, rel=0.01)


def test_an_unknown_workload_scores_nothing() -> None:
    book = EMPTY.issued(issue(0, 120.0), 100.0, 1000.0)

    found = book.scored(history(2, None))

    assert (found.entries.size, found.total[0], found.latest) == (len(NODES) - 1, 0.0, None)


def test_errors_are_those_of_what_was_published() -> None:
    book = EMPTY
    for slot, mean in ((0, 120.0), (2, 150.0)):
        book = book.issued(issue(slot, mean), 100.0, 1000.0).scored(history(slot + 2, 110.0))

    near, next_ = book.errors(60.0)

    assert (near.horizon, next_.horizon) == (60.0, 120.0)
    assert near.wape == pytest.approx((DISCOUNT * 10 + 40) / (DISCOUNT * 110 + 110), rel=0.01)
    assert near.coverage == pytest.approx(DISCOUNT / (1 + DISCOUNT), rel=0.01)
    assert next_.wape == pytest.approx(10 / 110, rel=0.01)
    assert next_.coverage == 1.0


def test_a_stored_record_comes_back() -> None:
    book = EMPTY.issued(issue(0, 120.0), 100.0, 1000.0).scored(history(2, 110.0))

    stored = Record.model_validate_json(book.stored().model_dump_json())

    assert stored == book.stored()
    assert Book.of(stored, 40).stored() == stored


def test_another_length_of_forecasts_begins_a_new_record() -> None:
    book = EMPTY.issued(issue(0, 120.0), 100.0, 1000.0)

    assert Book.of(book.stored(), 15).nodes == (1, 2, 3, 5, 7, 10, 14, 15)
    assert Book.of(book.stored(), 15).entries.size == 0


def test_one_forecast_a_step_waits_however_short_the_loop() -> None:
    book = EMPTY
    for slot in range(20):
        book = book.issued(issue(slot, 120.0), 100.0, 1000.0)

    assert book.entries.size == 10 * len(NODES)


# -- combination -----------------------------------------------------------------------------------


def test_without_evidence_all_experts_count_alike() -> None:
    assert combination.weights(EMPTY) == pytest.approx(1 / len(EXPERTS))


def test_an_expert_twice_as_wrong_counts_a_sixteenth() -> None:
    missed = np.full_like(EMPTY.missed, 10.0)
    missed[0] = 20.0
    book = replace(EMPTY, missed=missed, total=np.full_like(EMPTY.total, 1.0))

    found = combination.weights(book)

    assert found.sum(axis=0) == pytest.approx(1.0)
    assert found[0, 0] / found[1, 0] == pytest.approx(1 / 16, rel=0.01)


def test_a_horizon_without_evidence_is_weighted_like_half_of_it() -> None:
    missed = np.zeros_like(EMPTY.missed)
    missed[:, 0] = 10.0
    missed[0, 0] = 20.0
    book = replace(EMPTY, missed=missed, total=np.array([1.0, *[0.0] * (len(NODES) - 1)]))

    found = combination.weights(book)

    assert found[:, -1] == pytest.approx(found[:, 0])


def test_where_nobody_errs_nobody_is_preferred() -> None:
    book = replace(EMPTY, total=np.full_like(EMPTY.total, 30.0))

    assert combination.weights(book) == pytest.approx(1 / len(EXPERTS))


def test_the_spread_is_the_error_seen_and_at_first_what_is_supposed() -> None:
    assert combination.spread(EMPTY, 0.7) == pytest.approx(0.7)

    spreads = np.array([[10.0], [50.0]]) * np.ones(len(NODES)) * 1e6
    book = replace(EMPTY, total=np.full_like(EMPTY.total, 1e6), spreads=spreads)
    assert combination.spread(book, 0.7) == pytest.approx(0.2 / combination.EXPECTED, rel=1e-3)


def test_quantiles_are_those_of_the_errors_and_at_first_a_normal_distributions() -> None:
    assert combination.quantiles(EMPTY)[:, 0] == pytest.approx([-1.2816, 0.0, 1.2816])

    pool = np.full_like(EMPTY.pool, np.nan)
    pool[0] = np.linspace(-1, 4, pool.shape[1])
    low, middle, high = combination.quantiles(replace(EMPTY, pool=pool))[:, 0]
    assert low == pytest.approx((120 * -0.5 + 20 * -1.2816) / 140)
    assert middle == pytest.approx(120 * 1.5 / 140)
    assert high == pytest.approx((120 * 3.5 + 20 * 1.2816) / 140)


def test_scales_grow_with_the_square_roots_of_distance_and_workload() -> None:
    found = combination.scales(np.array([1.0, 4.0]), 100.0, np.array([100.0, 400.0]))

    assert found == pytest.approx([10.0, 2 * np.sqrt(200)])
