"""The capacity of all scale-outs, and the idle CPU that it rests on."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daedalus_analyzer.domain.curve import Curve
from daedalus_analyzer.domain.observed import Idle, IdleSums, Observed, fit, intercept
from daedalus_analyzer.domain.reading import Reading
from daedalus_analyzer.domain.skew import Skew

NEXMARK = {1: 530e3, 2: 967e3, 4: 1.83e6, 8: 3.12e6, 15: 4.97e6, 20: 6.35e6, 26: 7.48e6}
"""A published sub-linear scaling curve (Nexmark Q1), records/s."""

EVEN = Skew("a", 1.0, 0.003, 1.0)
IDLE = Idle(0.09, 0.01)


def reading(scale_out: int, rate: float, cpu: float) -> Reading:
    return Reading(scale_out, 60.0, 60.0, False, rate, cpu, 12 * scale_out, 0.0, 0, rate, None, 0.0, None)  # fmt: skip # noqa: E501


def seen(
    scale_out: int, capacity: float, loads: list[float], idle: float = 0.09, skew: Skew = EVEN
) -> Observed:
    """A scale-out that was seen at some parts of its capacity without skew."""
    found = Observed(scale_out, 60.0, skew)
    for load in loads:
        one = reading(scale_out, load * capacity, idle + (1 - idle) * load)
        found = found.with_reading(one, idle, noise=0.02, wobble=0.015)
    return found


def idle_cpu(*observed: Observed) -> Idle:
    sums = IdleSums()
    for known in observed:
        sums = sums.plus(intercept(known))
    return sums.idle


def curve(*observed: Observed, idle: Idle = IDLE, linear: bool = True) -> Curve:
    found = Curve.of(observed, idle, linear=linear)
    assert found is not None
    return found


def test_one_scale_out_tells_of_the_others_with_less_certainty_the_further_they_are() -> None:
    found = curve(seen(6, 600.0, [0.6] * 20))

    assert found.at(6).capacity == pytest.approx(600.0, rel=0.001)
    errors = [found.at(q).error / found.at(q).capacity for q in (6, 9, 12, 18)]
    assert errors == sorted(errors)
    assert errors[0] < 0.03
    # sub-linear, also for skew: more workers have a hotter hottest
    assert 0.8 * 1800 < found.at(18).capacity < 0.95 * 1800
    assert found.at(18).even > found.at(18).capacity


def test_a_published_curve_is_met_within_its_own_error() -> None:
    found = curve(*(seen(p, NEXMARK[p], [0.5, 0.6, 0.7] * 10) for p in (2, 4, 8)))

    for unseen in (1, 15, 20, 26):
        estimate = found.at(unseen)
        assert abs(estimate.even - NEXMARK[unseen]) < 2 * estimate.error
        assert estimate.even == pytest.approx(NEXMARK[unseen], rel=0.2)
    for p in (2, 4, 8):
        assert found.at(p).capacity == pytest.approx(NEXMARK[p], rel=0.03)


def test_the_hottest_worker_divides_the_capacity() -> None:
    found = curve(seen(6, 600.0, [0.5] * 9, skew=Skew("b", 1.2, 0.003, 1.1)))

    assert found.at(6).capacity == pytest.approx(500.0, rel=0.001)
    assert found.at(6).even == pytest.approx(600.0, rel=0.001)


def test_what_is_read_off_an_idle_cpu_is_less_sure() -> None:
    high, low = curve(seen(6, 600.0, [0.7] * 9)).at(6), curve(seen(6, 600.0, [0.15] * 9)).at(6)

    assert low.error > 3 * high.error


def test_a_saturated_reading_outweighs_the_cpu_and_corrects_it_elsewhere() -> None:
    by_cpu = [seen(p, 100.0 * p, [0.4] * 20) for p in (4, 8)]
    saturated = by_cpu[1].with_direct(740.0, 600.0, 0.015)
    found = curve(by_cpu[0], saturated, linear=False)

    assert found.at(8).capacity == pytest.approx(740.0, rel=0.02)
    assert found.at(8).error < curve(*by_cpu).at(8).error
    assert found.at(4).capacity == pytest.approx(370.0, rel=0.03)
    assert found.bent > 0.05


def test_scale_outs_together_refine_the_idle_cpu() -> None:
    """At 0.04 rather than 0.09 the small scale-out's CPU and the large one's agree on a curve."""
    observed = [seen(12, 1100.0, [0.25] * 20, idle=0.04), seen(4, 390.0, [0.7] * 20, idle=0.04)]
    found = curve(*observed, idle=Idle(0.09, 0.05))

    assert found.idle.cpu == pytest.approx(0.04, abs=0.02)
    assert found.idle.error < 0.03


def test_a_barely_loaded_job_has_no_curve() -> None:
    assert Curve.of([seen(12, 1200.0, [0.05] * 9)], Idle(0.09, 0.05), linear=True) is None
    assert Curve.of([], IDLE, linear=True) is None


@settings(deadline=None)
@given(
    st.dictionaries(
        st.integers(1, 40),
        st.tuples(st.floats(1e-3, 1e9), st.floats(0.05, 1.0), st.floats(1, 3)),
        min_size=1,
        max_size=8,
    ),
    st.integers(1, 1000),
)
def test_a_capacity_is_always_positive_and_finite(
    observed: dict[int, tuple[float, float, float]], q: int
) -> None:
    found = Curve.of(
        [
            seen(p, capacity, [load], skew=Skew("a", skew, 0.003, 1.0))
            for p, (capacity, load, skew) in sorted(observed.items())
        ],
        IDLE,
        linear=True,
    )
    if found is not None:
        estimate = found.at(q)
        assert math.isfinite(estimate.capacity)
        assert math.isfinite(estimate.error)
        assert estimate.capacity > 0
        assert estimate.error > 0


@settings(deadline=None)
@given(
    st.floats(0.02, 0.2),
    st.lists(st.floats(0.1, 0.9), min_size=2, max_size=5, unique=True).filter(
        lambda loads: max(loads) - min(loads) > 0.2
    ),
)
def test_the_idle_cpu_is_found_where_the_load_varied(idle: float, loads: list[float]) -> None:
    found = idle_cpu(seen(4, 400.0, loads * 60, idle), seen(8, 700.0, loads * 60, idle))

    assert abs(found.cpu - idle) < 2.5 * found.error
    assert found.error < 0.02


def test_without_any_spread_the_prior_holds() -> None:
    assert idle_cpu(seen(4, 400.0, [0.5] * 50, idle=0.2)).cpu == pytest.approx(0.09, abs=1e-6)


def test_the_fit_tells_a_line_from_a_cloud() -> None:
    rng = random.Random(5)
    line = seen(4, 400.0, [0.3, 0.5, 0.7, 0.9])
    cloud = Observed(4, 60.0, EVEN)
    for _ in range(200):
        cloud = cloud.with_reading(
            reading(4, rng.uniform(100, 300), rng.uniform(0.3, 0.7)), 0.09, 0.02, 0.015
        )
    found, poor = fit([line]), fit([cloud])

    assert found is not None
    assert found.explained == pytest.approx(1.0)
    assert poor is not None
    assert poor.explained < 0.2
    assert poor.spread > 0.1
    assert fit([]) is None
