"""The score card on runs that can be worked out by hand."""

from dataclasses import replace
from typing import Protocol

import numpy as np
import pytest

from daedalus_simulator.domain.job import Job
from daedalus_simulator.domain.score import ScoreCard, recoveries
from daedalus_simulator.domain.world import World


class Plain(Protocol):
    def __call__(
        self, *arrivals: tuple[int, float], outage: float = ..., replay: float = ...
    ) -> World: ...


def test_a_run_without_trouble_costs_its_workers(plain: Plain) -> None:
    job = Job(plain((3600, 500.0)), scale_out=6)
    job.advance(3600)

    card = ScoreCard.of(job)

    assert (card.workers, card.of_static, card.price) == (6.0, 0.5, 6.0)
    assert (card.rescales, card.downtime, card.largest_lag, card.slow_recoveries) == (0, 0, 0, 0)
    assert (card.latency_p50, card.latency_p99) == pytest.approx((0.2, 0.2), abs=1e-3)
    assert card.above_1s == 0


def test_a_rescale_costs_its_price_and_its_delay(plain: Plain) -> None:
    """An outage of 10 s at 100/s with 300/s to catch up: the delay falls from 10 s to 0 in 15 s."""
    job = Job(plain((3600, 100.0), outage=10.0), scale_out=2)
    job.advance(1000)
    job.rescale(3)
    job.advance(2600)

    card = ScoreCard.of(job)

    # The last record of each second waits 10 - 2/3 k s; one of the 15 waits less than 0.8 s.
    waits = [max(0.0, 10 - 2 / 3 * k + 0.2 - 1) for k in range(1, 16)]
    assert card.price == pytest.approx(
        (1000 * 2 + 2600 * 3 + 300 + 0.2 * sum(waits)) / 3600, abs=1e-3
    )
    assert card.rescales_per_6h == 6
    assert card.downtime == 10
    assert card.largest_lag == pytest.approx(1000)
    assert card.above_1s == pytest.approx(100 * sum(w > 0 for w in waits) / 3600)
    assert card.above_10s == 0
    assert recoveries(job) == (15.0,)


def test_quantiles_are_over_records_not_over_seconds(plain: Plain) -> None:
    """A tenth of the time brings half of the records, and these wait."""
    job = Job(plain((90, 100.0), (10, 900.0), (400, 0.0)), scale_out=1)
    job.advance(500)

    card = ScoreCard.of(job)

    assert card.latency_p50 == pytest.approx(0.2, abs=0.01)
    assert card.latency_p95 > 60
    assert card.above_1s == pytest.approx(50)
    assert card.above_60s == pytest.approx(15)


def test_a_recovery_lasts_until_a_second_of_arrivals_waits(plain: Plain) -> None:
    job = Job(plain((2000, 190.0), outage=20.0), scale_out=1)
    job.advance(100)
    job.rescale(2)
    job.advance(1900)

    found = recoveries(job)

    # 100 s at 190/s into 100/s leave 9,000, the outage 3,800; these go at 10/s until 190 wait.
    assert found == (20 + (9000 + 3800 - 190) / 10,)
    card = ScoreCard.of(job)
    assert (card.slow_recoveries, card.longest_recovery) == (1, found[0])


def test_what_never_recovers_counts_until_the_end(plain: Plain) -> None:
    job = Job(plain((1000, 300.0)), scale_out=3)
    job.advance(100)
    job.rescale(2)
    job.advance(900)

    assert recoveries(job) == (900.0,)
    assert ScoreCard.of(job).slow_recoveries == 1


def test_an_outage_that_another_rescale_cuts_is_down_until_then(plain: Plain) -> None:
    job = Job(plain((1000, 100.0), outage=20.0), scale_out=3)
    job.advance(100)
    job.rescale(4)
    job.advance(5)
    job.rescale(5)
    job.advance(895)

    assert ScoreCard.of(job).downtime == 25


def test_nothing_that_arrives_is_no_latency(plain: Plain) -> None:
    job = Job(plain((100, 0.0)), scale_out=3)
    job.advance(100)

    card = ScoreCard.of(job)

    assert (card.latency_mean, card.latency_p95, card.above_1s, card.price) == (0, 0, 0, 3)


def test_a_card_is_plain_figures_by_name(plain: Plain) -> None:
    job = Job(plain((100, 100.0)), scale_out=3)
    job.advance(100)
    card = ScoreCard.of(job)

    assert card.as_dict()["workers"] == 3.0
    assert all(isinstance(figure, float | int) for figure in card.as_dict().values())
    assert not any(isinstance(figure, np.generic) for figure in card.as_dict().values())
    assert replace(card, workers=4.0) != card
