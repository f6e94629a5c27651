"""When a job is looked at, and when its reports and ticks end: grids in event time."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from daedalus_shared.control import JobControl
from daedalus_shared.job_spec import JobSpec
from daedalus_shared.ticks import next_end

AHEAD = timedelta(seconds=30)
"""How far a stored report may lie ahead of the clock before a clock that was wrong is blamed.

The same bound as readers have: events further ahead were dead letters to them."""


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done next, and when."""

    at: datetime
    """The instant on the grid."""

    look: bool
    """Take a sample."""

    report: bool
    """Close a report."""

    tick: datetime | None
    """The tick that the report closes; ticks are named by their end."""


def present(control: JobControl, now: datetime) -> JobSpec | None:
    """Return the spec to watch by: the one in effect, else one that is about to be."""
    return control.spec(now) or control.newest


def next_due(control: JobControl, spec: JobSpec, after: datetime) -> Due:
    """Return the first thing to do after an instant.

    All three grids are shifted by the job's own offset, so that with a loop that is a multiple of
    report and sample the ends of ticks lie on all of them.

    Args:
        control: What is wanted of the job; a tick is stamped only if the job is declared in it.
        spec: The spec to watch by.
        after: What ended by then is over: a tick that was missed is not made up for.
    """
    policy = spec.policy
    look, report, tick = (
        next_end(spec.job, interval, after)
        for interval in (policy.sample, policy.report, policy.loop)
    )
    at = min(look, report, tick)
    closes = tick == at and control.spec(tick) is not None
    return Due(at=at, look=look == at, report=report == at or closes, tick=tick if closes else None)


def too_late(due: Due, now: datetime, sample: float) -> bool:
    """Whether an instant was missed: after more than a sample interval it is not that instant."""
    return now - due.at > timedelta(seconds=sample)


def too_early(due: Due, now: datetime, sample: float) -> bool:
    """Whether the clock was set back while the instant was waited for."""
    return due.at - now > timedelta(seconds=sample / 2)


def covered(said: datetime | None, at: datetime, now: datetime) -> bool:
    """Whether an instant is not newer than the last report, which a right clock wrote."""
    return said is not None and at <= said <= now + AHEAD
