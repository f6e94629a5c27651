"""Traces from CSV text: what is read, and that what is wrong is refused by its line."""

import os
from pathlib import Path

import pytest

from daedalus_simulator.adapters.traces import read
from daedalus_simulator.domain.traces import TraceError, parse


@pytest.mark.parametrize(
    "text",
    [
        "second|count\n0|10\n1|30\n2|20\n",
        "second,count\n0,10\n1,30\n2,20",
        "second;count\r\n0;10\r\n1;30\r\n2;20\r\n",
        "t\trate\n\n0\t10\n1\t30\n2\t20\n\n",
        "time, rate, note\n1700000000, 10, a\n1700000001, 30, b\n1700000002, 20, c\n",
        "second|adCount\n0|1e1\n1|30.0\n2|+20\n",
    ],
    ids=["pipe", "comma", "semicolon", "tab", "epoch-and-more-columns", "other-numbers"],
)
def test_columns_part_at_any_usual_mark(text: str) -> None:
    trace = parse(text, "small")

    assert trace.name == "small"
    assert trace.rates.tolist() == [10.0, 30.0, 20.0]


def test_coarser_rows_are_interpolated_and_the_last_holds() -> None:
    trace = parse("second|count\n0|0\n5|50\n10|0\n", "coarse")

    assert trace.rates.tolist() == [0, 10, 20, 30, 40, 50, 40, 30, 20, 10, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("  \n\n", "the file is empty"),
        ("second|count\n", "there are no rows after the header"),
        ("second|count\n0|5\n", "line 2 is the only row"),
        ("0|5\n1|5\n", "line 1: '0|5' is a row; expected a header"),
        ("second\n0\n1\n", "line 1: 'second' is no header of two columns"),
        ("s|c\n0|5\n1\n2|5\n", "line 3: '1' has no second column"),
        ("s|c\n0|5\n1|many\n2|5\n", "line 3: the rate 'many' is not a number"),
        ("s|c\n0|5\n1|\n2|5\n", "line 3: the rate '' is not a number"),
        ("s|c\n0|5\nx|5\n2|5\n", "line 3: the second 'x' is not a number"),
        ("s|c\n0|5\n1|NaN\n", "line 3: the rate NaN is not a finite number"),
        ("s|c\n0|5\n1|inf\n", "line 3: the rate inf is not a finite number"),
        ("s|c\n0|5\n1|-3\n", "line 3: the rate -3 is negative"),
        ("s|c\n0|5\n1|5\n1|6\n", "line 4: second 1 comes twice"),
        ("s|c\n0|5\n7|5\n6|5\n", "line 4: second 6 comes after second 7: time goes back"),
        ("s|c\n0|5\n0.5|5\n", "line 3: second 0.5 is less than a second after"),
        (
            "s|c\n0|5\n1|5\n2|5\n5|5\n6|5\n",
            "line 5: nothing is known between second 2 and 5, though rows lie 1 s apart",
        ),
        ("s|c\n0|5\n1e9|5\n", "line 3: 2000000000 s are more than 2678400 (31 days)"),
    ],
)
def test_what_is_wrong_is_refused_by_its_line(text: str, message: str) -> None:
    with pytest.raises(TraceError) as refused:
        parse(text, "bad")

    assert str(refused.value).startswith("bad: ")
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_blank_lines_count_in_line_numbers() -> None:
    with pytest.raises(TraceError, match="line 5"):
        parse("s|c\n\n0|5\n\n1|x\n", "bad")


def test_a_file_is_named_by_its_stem(tmp_path: Path) -> None:
    path = tmp_path / "peak-hour.csv"
    path.write_bytes(b"\xef\xbb\xbfsecond|count\n0|1\n1|2\n")

    assert read(path).name == "peak-hour"
    assert read(path).rates.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "No such file"), (b"\xff\xfe\x00", "not text in UTF-8")],
    ids=["missing", "binary"],
)
def test_a_file_that_cannot_be_read_is_refused(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "x.csv"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(TraceError, match=message):
        read(path)


def test_recorded_traces_are_read() -> None:
    folder = os.environ.get("DAEDALUS_TRACES")
    if not folder:
        pytest.skip("DAEDALUS_TRACES names no folder of recorded traces")

    traces = [read(path) for path in sorted(Path(folder).glob("*.csv"))]

    assert traces
    assert min(len(trace.rates) for trace in traces) >= 6 * 3600
