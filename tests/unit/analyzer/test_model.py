"""The model over time: it converges, notices that the job has changed, and never says too much."""

import math
import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from daedalus_analyzer.domain.model import Model, Table
from daedalus_analyzer.domain.reading import Reading
from daedalus_analyzer.domain.report import caution, sentence
from daedalus_analyzer.domain.skew import Skew

SKEW = Skew("w", 1.1, 0.003, 1.05)


def reading(
    at: float,
    scale_out: int,
    rate: float,
    cpu: float,
    *,
    cold: bool = False,
    saturated: float | None = None,
) -> Reading:
    return Reading(
        scale_out=scale_out,
        at=at,
        span=60.0,
        cold=cold,
        throughput=None if saturated else rate,
        cpu=cpu,
        readings=12 * scale_out,
        scatter=12 * scale_out * 0.02**2,
        freedom=12 * scale_out,
        processed=saturated or rate,
        saturated=saturated,
        saturated_span=60.0 if saturated else 0.0,
        skew=SKEW,
    )


def play(model: Model, readings: list[Reading]) -> tuple[Model, Table]:
    table = Table.of(model)
    for one in readings:
        model, table = model.faded(one.at, 7200.0).learned([one])
    return model, table


def loops(
    capacity: float, scale_out: int = 6, count: int = 40, start: float = 0.0, seed: int = 1
) -> list[Reading]:
    """Readings of a job that wobbles by 1.5 %, at 40 to 70 % of what it could do if even."""
    rng = random.Random(seed)
    found, wobble = [], 0.0
    for loop in range(count):
        wobble = 0.6 * wobble + 0.8 * rng.gauss(0, 0.015)
        rate = capacity * (0.55 + 0.15 * math.sin(loop / 6))
        cpu = 0.09 + 0.91 * rate / (capacity * (1 + wobble)) + rng.gauss(0, 0.002)
        found.append(reading(start + 60.0 * loop, scale_out, rate, cpu))
    return found


def capacity_of(table: Table, scale_out: int = 6) -> tuple[float, float]:
    found = table.at(scale_out)
    assert found is not None
    assert found.error is not None
    return found.capacity, found.error


def test_it_converges_to_the_truth_with_an_honest_error() -> None:
    inside = 0
    for seed in range(20):
        model, table = play(Model(), loops(660.0, seed=seed))
        capacity, error = capacity_of(table)
        assert capacity == pytest.approx(600.0, rel=0.03)
        assert error < 0.03 * capacity
        inside += abs(capacity - 600.0) < error
        assert model.noise == pytest.approx(0.02, rel=0.05)
        assert 0.008 < model.wobble < 0.025

    assert inside >= 13


def test_a_job_that_became_faster_is_believed_within_five_loops() -> None:
    model, table = play(Model(), loops(330.0))
    assert capacity_of(table)[0] == pytest.approx(300.0, rel=0.03)

    _, table = play(model, loops(660.0, count=5, start=2460.0))
    assert capacity_of(table)[0] == pytest.approx(600.0, rel=0.06)


def test_one_absurd_reading_is_forgotten_soon() -> None:
    model, _ = play(Model(), loops(660.0))
    model, _ = play(model, [reading(2400.0, 6, 60.0, 0.9)])
    _, table = play(model, loops(660.0, count=15, start=2460.0))

    assert capacity_of(table)[0] == pytest.approx(600.0, rel=0.06)


def test_what_was_processed_proves_an_estimate_too_low_even_while_cold() -> None:
    model, _ = play(Model(), loops(330.0))
    proof = [reading(2400.0 + 60 * i, 6, 500.0, 0.9, cold=True) for i in range(3)]
    _, table = play(model, proof)

    assert capacity_of(table)[0] == pytest.approx(500.0, rel=0.05)


def test_a_cold_job_proves_nothing_of_its_limit() -> None:
    model, table = play(Model(), loops(660.0))
    before = capacity_of(table)[0]
    cold = [reading(2400.0 + 60 * i, 6, 0.0, 0.99, cold=True, saturated=300.0) for i in range(3)]
    _, table = play(model, cold)

    assert capacity_of(table)[0] == pytest.approx(before, rel=0.02)


def test_saturated_readings_are_the_capacity() -> None:
    _, table = play(Model(), [reading(60.0 * i, 6, 0.0, 1.0, saturated=600.0) for i in range(3)])

    assert capacity_of(table)[0] == pytest.approx(600.0, rel=0.001)
    assert capacity_of(table)[1] < 0.03 * 600


def test_a_barely_loaded_job_has_a_lower_bound_only() -> None:
    # 12 workers at a fortieth of 1200 records/s
    _, table = play(Model(), [reading(60.0 * i, 12, 30.0, 0.09 + 0.91 / 40) for i in range(5)])
    found = table.at(12)

    assert found is not None
    assert found.at_least
    assert found.error is None
    assert 8 * 30.0 < found.capacity < 1200.0 / 1.1
    assert caution(table, 12) is not None
    half = table.at(6)
    assert half is not None
    assert 0.5 * found.capacity < half.capacity < 0.55 * found.capacity


def test_nothing_is_known_of_a_job_that_was_not_seen() -> None:
    table = Table.of(Model())

    assert table.at(3) is None
    assert caution(table, 3) is None


def test_a_poor_fit_is_stated() -> None:
    rng = random.Random(2)
    cloud = [reading(60.0 * i, 6, rng.uniform(200, 400), rng.uniform(0.3, 0.7)) for i in range(60)]
    _, table = play(Model(), cloud)

    found = caution(table, 6)
    assert found is not None
    assert found.startswith("poor fit: throughput explains")


def test_cpu_that_misjudges_the_limit_is_stated() -> None:
    readings = loops(660.0, count=20)
    at = readings[-1].at
    readings += [reading(at + 60.0 * i, 6, 0.0, 0.7, saturated=480.0) for i in range(1, 30)]
    _, table = play(Model(), readings)

    assert capacity_of(table)[0] == pytest.approx(480.0, rel=0.03)


@pytest.mark.parametrize(
    ("skew", "gain", "limit", "said"),
    [
        pytest.param(
            Skew("tm-3", 1.18, 0.0),
            0.041,
            None,
            "worker tm-3 is the bottleneck: it has 1.18 times its share; "
            "one more worker brings 4 %",
            id="a bottleneck",
        ),
        pytest.param(
            Skew("tm-3", 1.01, 0.0),
            0.08,
            None,
            "the workers are evenly loaded; one more worker brings 8 %",
            id="even",
        ),
        pytest.param(
            Skew("tm-3", 1.5, 0.0),
            0.08,
            "12 partitions",
            "worker tm-3 is the bottleneck: it has 1.50 times its share; "
            "one more worker brings nothing: 12 partitions",
            id="limited",
        ),
        pytest.param(
            Skew("tm-3", 1.5, 0.0),
            -0.02,
            None,
            "worker tm-3 is the bottleneck: it has 1.50 times its share; "
            "one more worker brings nothing",
            id="worse",
        ),
    ],
)
def test_the_report(skew: Skew, gain: float, limit: str | None, said: str) -> None:
    assert sentence(skew, gain, limit) == said


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 12),
            st.floats(0, 1e12),
            st.floats(0, 1),
            st.booleans(),
            st.one_of(st.none(), st.floats(1e-3, 1e12)),
        ),
        max_size=12,
    )
)
@example([(1, 4.2e-162, 1.0, False, None)])
@example([(1, 0.0, 1.0, False, None)] * 4 + [(1, 5e-324, 1.0, False, None)])
@example([(1, 0.0, 0.0, False, None), (1, 1.0, 1e-310, True, None)])
def test_whatever_was_read_the_table_is_finite_and_positive(
    seen: list[tuple[int, float, float, bool, float | None]],
) -> None:
    readings = [
        reading(60.0 * i, scale_out, rate, cpu, cold=cold, saturated=saturated)
        for i, (scale_out, rate, cpu, cold, saturated) in enumerate(seen)
    ]
    model, table = play(Model(), readings)

    assert 0 <= model.idle <= 0.6
    for scale_out in range(1, 19):
        found = table.at(scale_out)
        if found is not None:
            assert math.isfinite(found.capacity)
            assert found.capacity > 0
            assert found.error is None or math.isfinite(found.error)
