"""Generated workloads: within their bounds, and the same for the same seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daedalus_simulator.domain.shapes import PEAK, SECONDS, SHAPES, generate


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_a_shape_lasts_six_hours_and_has_a_range(name: str) -> None:
    rates = generate(name).rates
    smooth = np.convolve(rates, np.ones(60) / 60, "valid")

    assert len(rates) == SECONDS
    assert rates.min() >= 0
    assert 0.5 * PEAK < smooth.max() < 1.3 * PEAK
    assert rates.max() < 1.5 * PEAK


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_a_shape_is_the_same_for_the_same_seed(name: str) -> None:
    assert generate(name, seed=3).rates.tolist() == generate(name, seed=3).rates.tolist()


@pytest.mark.parametrize("name", sorted(set(SHAPES) - {"sine", "ramp"}))
def test_another_seed_is_another_workload(name: str) -> None:
    assert generate(name, seed=3).rates.tolist() != generate(name, seed=4).rates.tolist()


@settings(max_examples=30, deadline=None)
@given(
    name=st.sampled_from(sorted(SHAPES)),
    seed=st.integers(0, 10**6),
    seconds=st.integers(60, 5000),
    peak=st.floats(1, 1e7),
)
def test_no_shape_is_ever_negative_or_infinite(
    name: str, seed: int, seconds: int, peak: float
) -> None:
    rates = generate(name, seed, seconds, peak).rates

    assert rates.shape == (seconds,)
    assert np.all(np.isfinite(rates))
    assert rates.min() >= 0


@pytest.mark.parametrize(
    ("name", "seconds", "message"),
    [("zigzag", 600, "'zigzag' is no shape; there are sine"), ("sine", 59, "59 s are too short")],
)
def test_what_cannot_be_made_is_refused(name: str, seconds: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        generate(name, seconds=seconds)
