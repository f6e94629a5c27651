"""Arrays as text: what comes back is what was packed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from daedalus_forecaster.domain.packed import coarse, fine, pack, unpack


def test_an_array_comes_back_as_it_was() -> None:
    values = np.array([1.5, -2.0, np.nan])

    assert np.array_equal(unpack(pack(values), "<f8"), values, equal_nan=True)


@given(st.lists(st.floats(0, 1e15) | st.none(), min_size=1, max_size=20))
def test_two_bytes_keep_a_rate_to_a_thousandth(rates: list[float | None]) -> None:
    values = np.array([np.nan if rate is None else rate for rate in rates])

    found = fine(coarse(values))

    assert np.array_equal(np.isnan(found), np.isnan(values))
    known = ~np.isnan(values)
    assert np.all(np.abs(found[known] - values[known]) <= 1e-3 * (values[known] + 1))


def test_packing_again_changes_nothing() -> None:
    values = np.geomspace(1, 1e9, 50)

    once = fine(coarse(values))

    assert np.array_equal(fine(coarse(once)), once)
