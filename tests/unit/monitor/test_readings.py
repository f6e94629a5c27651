"""A reading is a value or a reason, never a stand-in number."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daedalus_monitor.domain.readings import Unknown, either, number, share


@pytest.mark.parametrize(
    ("value", "why"),
    [
        pytest.param("NaN", "not a number", id="NaN"),
        pytest.param(math.nan, "not a number", id="NaN as a float"),
        pytest.param("Infinity", "not a number", id="infinity"),
        pytest.param("-9223372036854775808", "negative", id="Flink's undefined"),
        pytest.param(-0.5, "negative", id="negative"),
        pytest.param("1e308", "more than there can be", id="more than a counter holds"),
        pytest.param("", "not a number", id="empty"),
        pytest.param("<html>", "not a number", id="HTML"),
        pytest.param(None, "not a number", id="missing"),
        pytest.param(True, "not a number", id="a truth value"),
        pytest.param([1], "not a number", id="a list"),
    ],
)
def test_nonsense_is_unknown_with_the_reason(value: object, why: str) -> None:
    found = number(value, "lag")

    assert isinstance(found, Unknown)
    assert found.why.startswith("lag reads ")
    assert why in found.why


@pytest.mark.parametrize(
    ("value", "expected"), [("12.5", 12.5), ("1.3E10", 1.3e10), (3, 3.0), ("0", 0.0)]
)
def test_numbers_are_read(value: object, expected: float) -> None:
    assert number(value, "lag") == expected


@given(st.one_of(st.floats(), st.text(), st.integers(), st.none()))
def test_a_number_is_finite_and_not_negative(value: object) -> None:
    found = number(value, "x")

    assert isinstance(found, Unknown) or (math.isfinite(found) and found >= 0)


@given(st.floats())
def test_a_share_is_within_one(value: float) -> None:
    found = share(value, "CPU")

    assert isinstance(found, Unknown) or 0 <= found <= 1


def test_a_share_a_little_above_one_is_measuring_and_far_above_is_nonsense() -> None:
    assert share(1.05, "CPU") == 1.0
    assert isinstance(share(1.2, "CPU"), Unknown)


def test_the_second_source_fills_in_and_both_reasons_are_told() -> None:
    assert either(1.0, 2.0) == 1.0
    assert either(Unknown("a"), 2.0) == 2.0
    assert either(Unknown("a"), Unknown("b")) == Unknown("a; b")
    assert either(Unknown("a"), Unknown("a")) == Unknown("a")
