"""Times that come again by the calendar: whether one holds at an instant, and until when."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim

from daedalus_shared.courtesies import Window

_TICK = timedelta(microseconds=1)
"""Cron looks back strictly before an instant; a window that begins now is to be found."""


def until(window: Window, at: datetime) -> datetime | None:
    """Return when the window that holds at an instant ends, exclusive; None when none does.

    Its end is so many seconds after its begin, also where the clocks change in between. The last
    one begun counts, since it ends last.

    >>> nights = Window(cron="0 22 * * *", duration="8h", zone="Europe/Berlin")
    >>> until(nights, datetime(2026, 1, 1, 23, tzinfo=UTC)).isoformat()
    '2026-01-02T05:00:00+00:00'
    >>> until(nights, datetime(2026, 1, 1, 12, tzinfo=UTC)) is None
    True
    """
    local = at.astimezone(ZoneInfo(window.zone))
    begun = next(CronSim(window.cron, local + _TICK, reverse=True), None)
    if begun is None:
        return None
    end = begun.astimezone(UTC) + timedelta(seconds=window.duration)
    return end if at < end else None
