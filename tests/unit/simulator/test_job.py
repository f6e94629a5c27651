"""The simulated job on worlds whose every second can be worked out by hand."""

from typing import Protocol

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daedalus_simulator.domain.engines import ENGINES
from daedalus_simulator.domain.job import Job, delays
from daedalus_simulator.domain.world import World


class Plain(Protocol):
    def __call__(
        self,
        *arrivals: tuple[int, float],
        outage: float = ...,
        replay: float = ...,
        warm_up: float = ...,
    ) -> World: ...


def test_a_job_that_keeps_up_delays_nothing(plain: Plain) -> None:
    job = Job(plain((60, 300.0)), scale_out=3)
    job.advance(60)

    assert job.processed.tolist() == [300.0] * 60
    assert job.lags.max() == 0
    assert delays(job) == pytest.approx(np.zeros(60), abs=1e-3)


def test_an_overload_queues_first_in_first_out(plain: Plain) -> None:
    """10 s at 400/s into 200/s: 2,000 wait, and the last of them leaves 10 s later."""
    job = Job(plain((10, 400.0), (30, 100.0)), scale_out=2)
    job.advance(40)

    delay = delays(job)

    assert job.lags[9] == pytest.approx(2000)
    # The last record of second k came as number 400 (k + 1), and 200 leave in a second.
    assert delay[:10] == pytest.approx([float(k) for k in range(1, 11)], abs=1e-3)
    # From then on 100 more go than come: number 4000 + 100 j at 20 + j / 2, having come at 10 + j.
    assert delay[10:20] == pytest.approx([10 - j / 2 for j in range(1, 11)], abs=1e-3)
    assert delay[30:] == pytest.approx(np.zeros(10), abs=1e-3)


def test_what_still_waits_at_the_end_leaves_at_the_last_rate(plain: Plain) -> None:
    job = Job(plain((60, 400.0)), scale_out=2)
    job.advance(60)

    assert delays(job)[-1] == pytest.approx(60, abs=1e-3)


def test_an_outage_stops_all_processing_for_its_fraction_of_a_second_too(plain: Plain) -> None:
    job = Job(plain((60, 100.0), outage=4.25), scale_out=3)
    job.advance(20)
    job.rescale(4)
    job.advance(40)

    assert job.processed[20:26] == pytest.approx([0, 0, 0, 0, 300, 300])
    assert job.lags[20:26] == pytest.approx([100, 200, 300, 400, 200, 0])


def test_records_are_replayed_after_an_outage_and_delay_only_what_came_later(plain: Plain) -> None:
    """5 s of 100/s come again: 500 more are processed, and each record leaves but once."""
    job = Job(plain((100, 100.0), outage=10.0, replay=5.0), scale_out=2)
    job.advance(50)
    job.rescale(3)
    job.advance(50)

    assert job.processed.sum() == pytest.approx(100 * 100 + 500)
    # 1,000 wait and 500 come again: the first new record of the outage leaves after these.
    assert job.lags[60] == pytest.approx(1000 + 500 + 100 - 300)
    delay = delays(job)
    assert delay[:50] == pytest.approx(np.zeros(50), abs=1e-3)
    assert delay[50] == pytest.approx(9 + 600 / 300, abs=1e-2)
    assert np.diff(delay[50:67]).max() < 0


def test_a_rescale_takes_effect_on_workers_at_once_and_on_processing_after_the_outage(
    plain: Plain,
) -> None:
    job = Job(plain((40, 500.0), outage=10.0), scale_out=2)
    job.advance(10)
    found = job.rescale(6)
    job.advance(30)

    assert found is not None
    assert (found.second, found.before, found.after, found.outage) == (10, 2, 6, 10.0)
    assert job.workers.tolist() == [2.0] * 10 + [6.0] * 30
    assert job.processed[9] == 200
    assert job.processed[10:20].tolist() == [0.0] * 10
    assert job.processed[20] == 600


def test_new_workers_that_warm_up_are_paid_but_do_not_work(plain: Plain) -> None:
    job = Job(plain((100, 500.0), outage=5.0, warm_up=30.0), scale_out=2)
    job.advance(10)
    job.rescale(4)
    job.advance(90)

    assert job.workers[10:].tolist() == [4.0] * 90
    assert job.processed[15:45].tolist() == [200.0] * 30
    assert job.processed[45:].tolist() == [400.0] * 55


def test_a_look_in_the_warm_up_shows_new_workers_idle(plain: Plain) -> None:
    job = Job(plain((100, 500.0), outage=5.0, warm_up=30.0), scale_out=2)
    job.advance(10)
    job.rescale(4)
    job.advance(20)

    look = job.look(5)

    assert look.scale_out == 4
    assert look.throughput.tolist() == [100.0, 100.0, 0.0, 0.0]
    assert look.cpu[:2].min() > 0.9
    assert look.cpu[2:].max() < 0.2


def test_fewer_workers_in_a_warm_up_leave_the_others_warming(plain: Plain) -> None:
    job = Job(plain((100, 500.0), outage=5.0, warm_up=30.0), scale_out=2)
    job.advance(10)
    job.rescale(4)
    job.advance(10)
    job.rescale(3)
    job.advance(80)

    assert job.processed[23:45].tolist() == [200.0] * 22
    assert job.processed[45:].tolist() == [300.0] * 55


def test_a_rescale_during_an_outage_begins_a_new_one_and_replays_once(plain: Plain) -> None:
    job = Job(plain((200, 100.0), outage=10.0, replay=5.0), scale_out=3)
    job.advance(50)
    job.rescale(4)
    job.advance(6)
    job.rescale(5)
    job.advance(144)

    assert job.processed[50:66].tolist() == [0.0] * 16
    assert job.processed[66] == 500
    assert job.processed.sum() == pytest.approx(200 * 100 + 500)
    assert [rescale.before for rescale in job.rescales] == [3, 4]


def test_the_outage_is_told_only_once_it_is_over(plain: Plain) -> None:
    job = Job(plain((60, 100.0), outage=9.5), scale_out=3)
    seen = []
    for _ in range(6):
        job.advance(10)
        seen.append(job.outage)
        if job.second == 20:
            job.rescale(4)

    assert seen == [None, None, 9.5, 9.5, 9.5, 9.5]


@pytest.mark.parametrize(("asked", "got"), [(3, 3), (0, 1), (99, 18)], ids=["same", "low", "high"])
def test_a_scale_out_beyond_the_bounds_is_cut(plain: Plain, asked: int, got: int) -> None:
    job = Job(plain((10, 100.0)), scale_out=3)
    job.rescale(asked)

    assert job.scale_out == got
    assert len(job.rescales) == (got != 3)


def test_a_look_is_the_mean_over_its_interval(plain: Plain) -> None:
    job = Job(plain((5, 100.0), (5, 200.0)), scale_out=1)
    job.advance(10)

    look = job.look(10)

    assert (look.second, look.interval, look.uptime) == (10, 10, 10.0)
    assert look.arrivals == pytest.approx(150)
    assert look.throughput.tolist() == pytest.approx([100])
    assert look.lag == pytest.approx(500)


@settings(max_examples=40, deadline=None)
@given(
    rates=st.lists(st.floats(0, 500), min_size=30, max_size=120),
    moves=st.lists(st.tuples(st.integers(1, 29), st.integers(1, 18)), max_size=4),
    engine=st.sampled_from(sorted(ENGINES)),
)
def test_no_record_is_lost_or_leaves_before_it_came(
    rates: list[float], moves: list[tuple[int, int]], engine: str
) -> None:
    world = World(np.array(rates), ENGINES[engine], seed=3)
    job = Job(world)
    for second, wanted in sorted(moves):
        job.advance(second - job.second)
        job.rescale(wanted)
    job.advance(len(rates))

    replayed = job.processed.sum() + job.lags[-1] - world.arrivals.sum()
    assert replayed >= -1e-6 * (1 + world.arrivals.sum())
    assert job.lags.min() >= 0
    assert delays(job).min() >= 0
