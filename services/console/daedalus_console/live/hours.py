"""Worker-hours, summed from report to report."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from daedalus_console.live.views import Savings

LONGEST = 120.0
"""Seconds between two reports beyond which nobody knows what ran in between; twice the time from
report to report where that is longer."""


@dataclass(frozen=True, slots=True)
class Sum:
    """Worker-seconds used, and those of the static number of workers."""

    since: datetime
    used: float = 0.0
    static: float = 0.0

    def savings(self) -> Savings:
        """Return it in hours."""
        return Savings(since=self.since, hours=self.used / 3600, static=self.static / 3600)


@dataclass(frozen=True, slots=True)
class Hours:
    """The sums of a job."""

    at: datetime | None = None
    workers: int | None = None
    all: Sum | None = None
    day: Sum | None = field(default=None)
    """Of the newest day (UTC)."""

    def after(self, at: datetime, workers: int | None, most: int | None, report: float) -> "Hours":
        """Return the sums with one more report.

        Args:
            at: Of the report.
            workers: As it saw them; None when unknown.
            most: What `scale.max` says; None when the job is not declared.
            report: Seconds from report to report, as `policy.report` says.
        """
        if self.at is not None and at <= self.at:
            return self
        day = self.day
        begin = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        if day is None or day.since < begin:
            day = Sum(at if self.at is None else max(begin, self.at))
        known = self.all or Sum(at)
        seconds = 0.0 if self.at is None else (at - self.at).total_seconds()
        longest = max(LONGEST, 2 * report)
        if self.workers is None or most is None or not 0 < seconds <= longest:
            return Hours(at, workers, known, day)
        today = min(seconds, (at - day.since).total_seconds())
        return Hours(
            at,
            workers,
            _plus(known, seconds, self.workers, most),
            _plus(day, today, self.workers, most),
        )


def _plus(known: Sum, seconds: float, workers: int, most: int) -> Sum:
    return replace(known, used=known.used + seconds * workers, static=known.static + seconds * most)
