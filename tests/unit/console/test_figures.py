"""Numbers as people read them."""

import doctest
import importlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daedalus_console.figures import change, gauge, number, rate, share, span, sparkline, workers


@pytest.mark.parametrize(
    "module",
    [
        "figures",
        "times",
        "records",
        "views.explain",
        "page.account_words",
        "page.app",
        "page.figured",
        "page.parts",
    ],
)
def test_the_examples_in_the_docs_hold(module: str) -> None:
    found = doctest.testmod(importlib.import_module(f"daedalus_console.{module}"))

    assert found.attempted > 0
    assert found.failed == 0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(0.0, "0", id="none"),
        pytest.param(999.4, "999", id="below a thousand"),
        pytest.param(999.9, "1k", id="rounded to a thousand"),
        pytest.param(1_234_567.0, "1.23M", id="millions"),
        pytest.param(2.5e13, "25T", id="more than is likely"),
        pytest.param(-4200.0, "-4.2k", id="negative"),
        pytest.param(None, "?", id="unknown"),
    ],
)
def test_numbers_have_three_digits_and_a_unit(value: float | None, expected: str) -> None:
    assert number(value) == expected


def test_unknown_is_shown_as_unknown() -> None:
    assert [rate(None), span(None), share(None, 3), share(3, None), share(3, 0)] == ["?"] * 5
    assert workers(None) == "? workers"
    assert change(None, None) == "? → ?"


@given(st.lists(st.none() | st.floats(0, 1e12), max_size=50), st.none() | st.floats(0, 1e6))
def test_a_sparkline_has_a_sign_a_value(values: list[float | None], top: float | None) -> None:
    line = sparkline(values, top)

    assert len(line) == len(values)
    assert [sign == " " for sign in line] == [value is None for value in values]


@given(st.floats(-10, 10), st.integers(1, 60))
def test_a_gauge_never_leaves_its_width(part: float, width: int) -> None:
    assert len(gauge(part, width)) == width
