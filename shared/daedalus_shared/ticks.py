"""When a job's ticks end: at multiples of its loop plus an offset of its own, in event time."""

import math
from datetime import UTC, datetime, timedelta
from zlib import crc32

_ORIGIN = datetime(1970, 1, 1, tzinfo=UTC)

_ROUNDING = 0.001
"""Seconds by which a tick's end may lie from its place: ends are rounded to milliseconds."""


def offset(job: str, loop: float) -> float:
    """Return the seconds by which a job's ticks lie after multiples of its loop.

    It spreads many jobs over the loop, and is the same everywhere and for ever.
    """
    return (crc32(job.encode()) % max(1, round(loop * 1000))) / 1000


def next_end(job: str, loop: float, after: datetime) -> datetime:
    """Return the end of the first tick that ends after `after`."""
    shift = offset(job, loop)
    passed = (after - _ORIGIN).total_seconds() - shift
    count = math.floor((passed + _ROUNDING) / loop) + 1
    return _ORIGIN + timedelta(seconds=round(count * loop + shift, 3))
