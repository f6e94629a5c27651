"""Instants as people write them."""

import doctest
import time
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from daedalus_shared import moments
from daedalus_shared.moments import Towards, moment

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "towards", "expected"),
    [
        pytest.param("now", "past", "2026-01-01T12:00:00+00:00", id="now"),
        pytest.param("10m", "past", "2026-01-01T11:50:00+00:00", id="a while ago"),
        pytest.param("1h30m", "future", "2026-01-01T13:30:00+00:00", id="a while from now"),
        pytest.param("14:30", "future", "2026-01-01T13:30:00+00:00", id="later today"),
        pytest.param("14:30", "past", "2025-12-31T13:30:00+00:00", id="yesterday"),
        pytest.param("9:05", "past", "2026-01-01T08:05:00+00:00", id="one digit"),
        pytest.param("9:05:30", "future", "2026-01-02T08:05:30+00:00", id="tomorrow, seconds"),
        pytest.param("yesterday", "past", "2025-12-30T23:00:00+00:00", id="all of yesterday"),
        pytest.param("yesterday 18:30", "past", "2025-12-31T17:30:00+00:00", id="an evening"),
        pytest.param("Tomorrow at 9:00", "future", "2026-01-02T08:00:00+00:00", id="a morning"),
        pytest.param("2026-01-31T18:30", "past", "2026-01-31T17:30:00+00:00", id="ISO, local"),
        pytest.param("2026-07-31 18:30", "past", "2026-07-31T16:30:00+00:00", id="summer time"),
        pytest.param("2026-01-31T18:30Z", "past", "2026-01-31T18:30:00+00:00", id="ISO, UTC"),
        pytest.param("2026-01-31", "past", "2026-01-30T23:00:00+00:00", id="a day"),
    ],
)
def test_reads_what_people_write(text: str, towards: Towards, expected: str) -> None:
    assert moment(text, NOON, towards, BERLIN).isoformat() == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday 25:00",
        "18:30 yesterday",
        "10",
        "25:00",
        "9:77",
        "-10m",
        "999999999999d",
        "2026-13-01",
        "1e9s",
    ],
)
def test_refuses_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"time|calendar"):
        moment(text, NOON, "past", BERLIN)


@pytest.mark.parametrize("text", ["0001-01-02", "0001-01-02T00:00Z", "9999-12-31T00:00Z"])
def test_what_lies_a_month_about_an_instant_is_in_the_calendar(text: str) -> None:
    found = moment(text, NOON, "past", BERLIN)

    assert found - timedelta(days=32) < found < found + timedelta(days=32)


@pytest.mark.parametrize("hours", [14, -11])
def test_a_time_out_of_the_calendar_is_refused(hours: int) -> None:
    zone = timezone(timedelta(hours=hours))
    end = "0001-01-01T00:00" if hours > 0 else "9999-12-31T23:59"

    with pytest.raises(ValueError, match="out of the calendar"):
        moment(end, NOON, "past", zone)


def test_a_local_time_out_of_the_calendar_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        with pytest.raises(ValueError, match="out of the calendar"):
            moment("0001-01-01T00:00", NOON, "past")
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_time_of_day_is_right_across_a_change_to_summer_time() -> None:
    evening = datetime(2026, 3, 28, 22, tzinfo=UTC)  # summer time begins that night in Berlin

    six = datetime(2026, 3, 29, 4, tzinfo=UTC)
    assert moment("06:00", evening, "future", BERLIN) == six
    assert moment("tomorrow 06:00", evening, "future", BERLIN) == six


@pytest.mark.parametrize(
    ("text", "now", "towards", "expected"),
    [
        pytest.param("02:30", "01:15", "future", "01:30", id="the second, of the time of day"),
        pytest.param("02:30", "00:15", "future", "00:30", id="the first, before it"),
        pytest.param("02:30", "00:45", "future", "01:30", id="the second, after the first"),
        pytest.param("02:30", "01:45", "past", "01:30", id="back to the second"),
        pytest.param("02:30", "01:15", "past", "00:30", id="back to the first"),
        pytest.param("today 02:30", "01:15", "future", "01:30", id="today"),
        pytest.param("today 02:30", "00:15", "future", "00:30", id="today, the first"),
        pytest.param("today 02:30", "01:15", "past", "00:30", id="today, back to the first"),
        pytest.param("2026-10-25T02:30", "01:15", "future", "01:30", id="a date"),
        pytest.param("2026-10-25 02:30", "00:45", "past", "00:30", id="a date, back"),
        pytest.param("2026-10-25T02:30+02:00", "01:15", "future", "00:30", id="an offset decides"),
        pytest.param("today 02:30", "02:00", "future", "00:30", id="none lies that way"),
    ],
)
def test_a_time_in_the_hour_that_is_repeated_is_the_nearest_that_way(
    text: str, now: str, towards: Towards, expected: str
) -> None:
    # In Berlin the clocks show 02:00 to 03:00 twice: from 00:00 and from 01:00 UTC.
    present = datetime.fromisoformat(f"2026-10-25T{now}Z")

    found = moment(text, present, towards, BERLIN)

    assert found == datetime.fromisoformat(f"2026-10-25T{expected}Z")


def test_the_machines_own_zone_repeats_an_hour_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        present = datetime(2026, 10, 25, 1, 15, tzinfo=UTC)
        assert moment("02:30", present, "future") == present + timedelta(minutes=15)
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("text", ["today", "2026-11-01"])
def test_a_day_begins_once_where_midnight_is_repeated(text: str) -> None:
    late = datetime(2026, 11, 1, 20, tzinfo=UTC)

    assert moment(text, late, "past", ZoneInfo("America/Havana")) == late.replace(hour=4)


@pytest.mark.parametrize(
    ("now", "towards", "expected"),
    [
        pytest.param("2026-03-29T00:45", "future", "2026-03-29T01:30", id="to come: as if shown"),
        pytest.param("2026-03-29T00:45", "past", "2026-03-28T01:30", id="past: of the day before"),
        pytest.param("2026-03-29T01:15", "future", "2026-03-29T01:30", id="already summer time"),
        pytest.param("2026-03-29T01:45", "past", "2026-03-29T01:30", id="past: as if shown"),
    ],
)
def test_a_time_in_the_hour_that_is_left_out_is_counted_from_before_it(
    now: str, towards: Towards, expected: str
) -> None:
    present = datetime.fromisoformat(f"{now}Z")

    assert moment("02:30", present, towards, BERLIN) == datetime.fromisoformat(f"{expected}Z")


def test_examples_hold() -> None:
    assert doctest.testmod(moments) == (0, 2)
