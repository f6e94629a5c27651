"""Traces from text: formats, gaps, and rows that are refused with their line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daedalus_local.errors import StackError
from daedalus_local.load import traces


@pytest.mark.parametrize("separator", [pytest.param("|", id="pipe"), pytest.param(",", id="comma")])
def test_reads_both_separators_under_any_header(separator: str) -> None:
    lines = [f"second{separator}adCount", f"0{separator}5", f"1{separator}7.5", ""]

    assert traces.parse(lines) == [5.0, 7.5]


def test_interpolates_seconds_without_a_row() -> None:
    assert traces.parse(["second,count", "10,0", "14,8"]) == [0.0, 2.0, 4.0, 6.0, 8.0]


@pytest.mark.parametrize(
    ("row", "line"),
    [
        pytest.param("x|1", 3, id="second is no number"),
        pytest.param("1.5|1", 3, id="second is not whole"),
        pytest.param("-1|1", 3, id="second is negative"),
        pytest.param("1|-1", 3, id="count is negative"),
        pytest.param("1|nan", 3, id="count is NaN"),
        pytest.param("1|inf", 3, id="count is infinite"),
        pytest.param("1", 3, id="count is missing"),
        pytest.param("1|2|3", 3, id="a column too many"),
        pytest.param("0|1", 3, id="second comes twice"),
    ],
)
def test_refuses_a_bad_row_with_its_line(row: str, line: int) -> None:
    with pytest.raises(StackError, match=f"line {line}"):
        traces.parse(["second|count", "0|1", row])


def test_refuses_a_trace_without_rows() -> None:
    with pytest.raises(StackError, match="no rows"):
        traces.parse(["second|count"])


def test_a_missing_file_and_a_binary_one_are_errors_of_one_line(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="cannot read"):
        traces.read(tmp_path / "none.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StackError, match="not a text file"):
        traces.read(tmp_path / "binary.csv")


def test_scales_to_the_peak_and_leaves_a_silent_trace_alone() -> None:
    assert traces.scaled([1.0, 4.0], 100.0) == [25.0, 100.0]
    assert traces.scaled([1.0, 4.0], None) == [1.0, 4.0]
    assert traces.scaled([0.0], 100.0) == [0.0]


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=30))
def test_a_trace_without_gaps_is_read_as_it_is(counts: list[int]) -> None:
    lines = ["second,count", *(f"{second},{count}" for second, count in enumerate(counts))]

    assert traces.parse(lines) == [float(count) for count in counts]
