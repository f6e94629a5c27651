"""Durations as people write them (`90s`, `10m`, `1h30m`) and as events carry them (seconds)."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field

LONGEST = 100 * 365 * 86_400.0
"""Seconds beyond which a duration is nonsense, a hundred years: what is added to an instant stays
within the calendar."""

BRIEFEST = 0.001
"""A millisecond: to such all ticks are rounded, and no less is ever divided by."""

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def seconds(text: str) -> float:
    """Return the seconds of a duration such as `1h30m`.

    Raises:
        ValueError: `text` is not a duration, or has no unit.

    >>> seconds("1h30m"), seconds("250ms"), seconds("2d")
    (5400.0, 0.25, 172800.0)
    """
    parts = _PART.findall(text.strip())
    if not parts or "".join(number + unit for number, unit in parts) != text.strip():
        raise ValueError(f"{text!r} is not a duration; write it like 90s, 10m or 1h30m")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def text(duration: float) -> str:
    """Return seconds as people write them, to the second above a minute.

    >>> text(5400.0), text(90.0), text(0.25), text(3.04)
    ('1h30m', '1m30s', '0.2s', '3s')
    """
    if duration < 60:
        return f"{duration:.1f}".removesuffix(".0") + "s"
    rest = round(duration)
    found = []
    for unit in ("d", "h", "m", "s"):
        count, rest = divmod(rest, int(_UNITS[unit]))
        if count:
            found.append(f"{count}{unit}")
    return "".join(found)


def _parse(value: object) -> object:
    if isinstance(value, str):
        return seconds(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value


Seconds = Annotated[
    float,
    BeforeValidator(_parse),
    Field(ge=0, le=LONGEST, allow_inf_nan=False, json_schema_extra={"format": "duration"}),
]
"""A duration in seconds; a string such as `10m` is read as one."""
