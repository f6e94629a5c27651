"""Times as people write them, and as they read them, in their zone."""

from datetime import datetime, timedelta, tzinfo

from daedalus_console.errors import UsageError
from daedalus_shared import moments
from daedalus_shared.durations import seconds
from daedalus_shared.moments import Towards


def moment(text: str, now: datetime, towards: Towards, zone: tzinfo | None = None) -> datetime:
    """Return the instant that a person means, as `daedalus_shared.moments` reads it.

    Raises:
        UsageError: It is none.
    """
    try:
        return moments.moment(text, now, towards, zone)
    except ValueError as error:
        raise UsageError(str(error)) from error


def span(text: str) -> timedelta:
    """Return a duration such as `30m`, or raise `UsageError`."""
    try:
        return timedelta(seconds=seconds(text))
    except (ValueError, OverflowError) as error:
        raise UsageError(str(error)) from error


def shown(at: datetime, zone: tzinfo | None = None) -> str:
    """Return an instant in full, with the name of its zone.

    >>> from datetime import UTC
    >>> shown(datetime(2026, 1, 1, 12, tzinfo=UTC), UTC)
    '2026-01-01 12:00:00 UTC'
    """
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def clock(at: datetime, zone: tzinfo | None = None) -> str:
    """Return the time of day; for columns whose head names the zone."""
    return at.astimezone(zone).strftime("%H:%M:%S")


def day_and_clock(at: datetime, zone: tzinfo | None = None) -> str:
    """Return day and time of day; for columns whose head names the zone."""
    return at.astimezone(zone).strftime("%m-%d %H:%M:%S")


def zone_name(at: datetime, zone: tzinfo | None = None) -> str:
    """Return the name of the zone that times are shown in."""
    return at.astimezone(zone).strftime("%Z")


def age(then: datetime, now: datetime) -> float:
    """Return the seconds since `then`, never negative: clocks of two machines differ a little."""
    return max(0.0, (now - then).total_seconds())
