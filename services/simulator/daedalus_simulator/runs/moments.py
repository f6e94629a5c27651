"""Times as people write them, for commands that look back: `10m`, `2h`, `18:30`, ISO 8601."""

import re
from datetime import UTC, datetime, time, timedelta

from daedalus_shared.durations import seconds
from daedalus_simulator.errors import UsageError

_CLOCK = re.compile(r"\d{1,2}:\d{2}(:\d{2})?")


def moment(text: str, now: datetime | None = None) -> datetime:
    """Return the instant, in UTC, that a person means; a duration or time of day lies in the past.

    Raises:
        UsageError: It is no time.

    >>> moment("10m", datetime(2026, 1, 1, 12, tzinfo=UTC)).isoformat()
    '2026-01-01T11:50:00+00:00'
    """
    present = now or datetime.now(UTC)
    text = text.strip()
    if text == "now":
        return present
    try:
        if _CLOCK.fullmatch(text):
            of_day = time.fromisoformat(text.zfill(5 if text.count(":") == 1 else 8))
            today = datetime.combine(present.astimezone().date(), of_day)
            found = [(today - timedelta(days=days)).astimezone(UTC) for days in (0, 1)]
            return next(at for at in found if at <= present)
        if text[:1].isdigit() and not re.match(r"\d{4}-", text):
            return present - timedelta(seconds=seconds(text))
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{text!r} is no time; write 10m, 2h, 18:30 or 2026-01-31T18:30:00+01:00"
        ) from error
