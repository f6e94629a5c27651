"""Records: events, and whatever else lies on a topic."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daedalus_console.adapters.merging import Merge
from daedalus_console.records import Raw, printable, read
from daedalus_console.views import lines
from daedalus_shared.events import Forget, encode, headers

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
EVENT = Forget(job="ysb", at=NOON, source="console/ada", author="ada")


def raw(**changes: object) -> Raw:
    found = Raw(
        "daedalus.control", 3, 42, NOON, b"ysb/Forget", encode(EVENT), list(headers(EVENT).items())
    )
    return replace(found, **changes)  # type: ignore[arg-type]  # any field of it


def test_an_event_is_read() -> None:
    record = read(raw())

    assert record.event == EVENT
    assert record.why is None
    assert (record.name, record.job) == ("control", "ysb")
    assert json.loads(record.as_json())["event"]["author"] == "ada"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        pytest.param({"headers": []}, "no ce_type header", id="no headers"),
        pytest.param({"headers": [("ce_type", None)]}, "no ce_type header", id="a null header"),
        pytest.param({"value": b"\xff\x00garbage"}, "Invalid JSON", id="bytes"),
        pytest.param({"value": b"[" * 100_000}, "recursion", id="deeply nested"),
        pytest.param({"key": b"other/Forget"}, "under key other/Forget", id="another's key"),
        pytest.param({"topic": "daedalus.metrics"}, "does not belong on", id="another's topic"),
        pytest.param({"key": None, "value": None}, "without a value", id="nothing at all"),
        pytest.param(
            {"headers": [("ce_type", b"daedalus.control.Forget.v2")]},
            "major version 2",
            id="another major",
        ),
        pytest.param({"written_at": NOON - timedelta(hours=1)}, "ahead of", id="from the future"),
    ],
)
def test_what_is_no_event_says_why(changes: dict[str, object], why: str) -> None:
    record = read(raw(**changes))

    assert record.event is None
    assert why in (record.why or "")
    assert json.loads(record.as_json())["error"] == record.why
    assert lines.of_record(record).startswith("no event: ")


def test_a_tombstone_is_no_mistake() -> None:
    record = read(raw(value=None))

    assert record.tombstone
    assert record.why is None
    assert json.loads(record.as_json())["tombstone"] is True
    assert lines.of_record(record) == "tombstone of ysb/Forget"


@given(
    value=st.none() | st.binary(max_size=300),
    key=st.none() | st.binary(max_size=30),
    header=st.none() | st.binary(max_size=30) | st.just(b"daedalus.metrics.v1"),
)
def test_no_bytes_break_the_reader(
    value: bytes | None, key: bytes | None, header: bytes | None
) -> None:
    record = read(raw(value=value, key=key, headers=[("ce_type", header)]))

    assert lines.of_record(record).isprintable()
    json.loads(record.as_json())


@given(st.text())
def test_nothing_steers_the_terminal(text: str) -> None:
    assert printable(text).isprintable()


def test_partitions_are_merged_by_time_and_keep_their_own_order() -> None:
    merge = Merge(["a", "b"])
    merge.add("a", raw(offset=1, written_at=NOON + timedelta(seconds=1)))
    merge.add("a", raw(offset=2, written_at=NOON))
    assert list(merge.ready()) == []  # b may still bring an earlier one

    merge.add("b", raw(offset=3, written_at=NOON + timedelta(seconds=2)))
    assert [record.offset for record in merge.ready()] == [1, 2]
    assert not merge.ended

    merge.end("a")
    merge.end("b")
    assert [record.offset for record in merge.ready()] == [3]
    assert merge.ended
