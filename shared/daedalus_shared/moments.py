"""Instants as people write them: `10m`, `18:30`, `yesterday 18:30`, ISO 8601."""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal

from daedalus_shared.durations import seconds

Towards = Literal["past", "future"]

_FIRST = datetime.min.replace(tzinfo=UTC) + timedelta(days=40)
_LAST = datetime.max.replace(tzinfo=UTC) - timedelta(days=40)
"""An instant stays away from the calendar's ends: what lies a month about it is asked for."""

_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")
_DAY = re.compile(r"(yesterday|today|tomorrow)(?:\s+(?:at\s+)?(\d{1,2}:\d{2}(?::\d{2})?))?")
_SHIFT = {"yesterday": -1, "today": 0, "tomorrow": 1}


def moment(text: str, now: datetime, towards: Towards, zone: tzinfo | None = None) -> datetime:
    """Return the instant, in UTC, that a person means.

    Args:
        text: A duration before or after now, a time of day, with or without `yesterday`, `today`
            or `tomorrow` (alone: its beginning), or ISO 8601; `now` itself.
        now: The present, with its offset.
        towards: Which way a duration or a time of day points.
        zone: The zone of times that name none; None for the machine's own.

    Raises:
        ValueError: It is none of these.

    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> moment("10m", noon, "past").isoformat()
    '2026-01-01T11:50:00+00:00'
    """
    return min(max(_meant(text.strip(), now, towards, zone), _FIRST), _LAST)


def _meant(text: str, now: datetime, towards: Towards, zone: tzinfo | None) -> datetime:
    if text == "now":
        return now.astimezone(UTC)
    if named := _DAY.fullmatch(text.lower()):
        day = now.astimezone(zone).date() + timedelta(days=_SHIFT[named[1]])
        return _local(day, _time(named[2] or "0:00"), zone)
    if _CLOCK.fullmatch(text):
        return _of_day(text, now, towards, zone)
    try:
        span = timedelta(seconds=seconds(text))
    except ValueError:
        return _iso(text, zone)
    except OverflowError as error:
        raise ValueError(f"{text!r} is too long a time") from error
    try:
        return (now - span if towards == "past" else now + span).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{text!r} leads out of the calendar") from error


def _of_day(text: str, now: datetime, towards: Towards, zone: tzinfo | None) -> datetime:
    of_day = _time(text)
    today = now.astimezone(zone).date()
    days = [today + timedelta(days=shift) for shift in (-1, 0, 1)]
    found = [_local(day, of_day, zone) for day in days]
    if towards == "past":
        return max(at for at in found if at <= now)
    return min(at for at in found if at > now)


def _time(text: str) -> time:
    try:
        return time.fromisoformat(text.zfill(5) if text.count(":") == 1 else text.zfill(8))
    except ValueError as error:
        raise ValueError(f"{text!r} is no time of day") from error


def _local(day: date, of_day: time, zone: tzinfo | None) -> datetime:
    # Through naive local times, so that a change to summer time in between is accounted for.
    return datetime.combine(day, of_day, zone).astimezone(UTC)


def _iso(text: str, zone: tzinfo | None) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(
            f"{text!r} is no time; write 10m, 2h, 18:30, yesterday 18:30 or 2026-01-31T18:30+01:00"
        ) from error
    try:
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (OverflowError, ValueError) as error:  # the second where the year would be 0
        raise ValueError(f"{text!r} leads out of the calendar") from error
