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
        if named[2] is None:
            return _local(day, time(), zone)[0]
        return _towards(_local(day, _time(named[2]), zone), now, towards)
    if _CLOCK.fullmatch(text):
        return _of_day(text, now, towards, zone)
    try:
        span = timedelta(seconds=seconds(text))
    except ValueError:
        return _iso(text, now, towards, zone)
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
    return _towards([at for day in days for at in _local(day, of_day, zone)], now, towards)


def _time(text: str) -> time:
    try:
        return time.fromisoformat(text.zfill(5) if text.count(":") == 1 else text.zfill(8))
    except ValueError as error:
        raise ValueError(f"{text!r} is no time of day") from error


def _local(day: date, of_day: time, zone: tzinfo | None) -> list[datetime]:
    """Return when it is that time on that day: twice in the hour that the end of summer repeats."""
    # Through naive local times, so that a change to summer time in between is accounted for.
    local = datetime.combine(day, of_day, zone)
    first, second = (local.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    # Of an hour that is left out the fold 1 lies before: the first is what the clock says then.
    return [first, second] if second > first else [first]


def _towards(found: list[datetime], now: datetime, towards: Towards) -> datetime:
    """Return the nearest that way; the first where none lies that way."""
    if towards == "past":
        return max((at for at in found if at <= now), default=found[0])
    return min((at for at in found if at > now), default=found[0])


def _iso(text: str, now: datetime, towards: Towards, zone: tzinfo | None) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(
            f"{text!r} is no time; write 10m, 2h, 18:30, yesterday 18:30 or 2026-01-31T18:30+01:00"
        ) from error
    try:
        if at.tzinfo:
            return at.astimezone(UTC)
        found = _local(at.date(), at.time(), zone)
        is_day = len(text) <= len("2026-01-31")
        return found[0] if is_day else _towards(found, now, towards)
    except (OverflowError, ValueError) as error:  # the second where the year would be 0
        raise ValueError(f"{text!r} leads out of the calendar") from error
