"""Times as people write and read them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from daedalus_console.errors import UsageError
from daedalus_console.times import age, moment, shown, span, zone_name

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def test_shows_the_zone() -> None:
    assert shown(NOON, BERLIN) == "2026-01-01 13:00:00 CET"
    assert zone_name(datetime(2026, 7, 1, tzinfo=UTC), BERLIN) == "CEST"


def test_an_age_is_never_negative() -> None:
    assert age(NOON + timedelta(seconds=2), NOON) == 0
    assert age(NOON, NOON + timedelta(seconds=2)) == 2


def test_reads_a_span() -> None:
    assert span("2m") == timedelta(minutes=2)
    with pytest.raises(UsageError, match="is not a duration"):
        span("2")


def test_what_is_no_time_is_wrong_usage() -> None:
    assert moment("10m", NOON, "past") == NOON - timedelta(minutes=10)
    with pytest.raises(UsageError, match="'soon' is no time; write 10m"):
        moment("soon", NOON, "past")
