"""A job of a group, as its events tell: what it has, what it needs, what it may have."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from daedalus_console.overrides import Author, is_quota, taken_back
from daedalus_console.quota import Claim, Group, ceilings
from daedalus_console.specs import instant_after
from daedalus_shared.control import JobControl
from daedalus_shared.events import ControlEvent, Decision, Direction, Event, Override, OverrideKind

LASTING = timedelta(days=365)
"""A ceiling holds until another takes its place: who shares out may be away for long."""

TAKEN = frozenset({"chosen", "cheapest", "current", "last_resort"})
"""Verdicts on the scale-out that a planner took."""

HELD = frozenset(
    {
        "analyzer_missing",
        "command_pending",
        "lag_unknown",
        "scale_out_unknown",
        "stale",
        "workload_unknown",
    }
)
"""Reasons of decisions to stay that say nothing of what is needed."""


@dataclass(frozen=True, slots=True)
class Member:
    """One job."""

    control: JobControl = field(default_factory=JobControl)
    decision: Decision | None = None
    """The newest of the planner that is obeyed."""
    commanded: int | None = None
    """Workers that its last command asked for, while the outcome is awaited."""
    needs: tuple[tuple[datetime, int], ...] = ()
    """Tick → workers needed, of the time that is remembered; at least the last one known."""

    def after(self, event: Event, group: Group) -> "Member":
        """Return what is known with one more event; the same event again changes nothing."""
        if isinstance(event, ControlEvent):
            return replace(self, control=self.control.fold(event))
        if not isinstance(event, Decision) or event.shadow:
            return self
        if self.decision is not None and event.tick <= self.decision.tick:
            return self
        if event.command is not None and not event.dry_run:
            commanded = event.chosen
        else:
            commanded = self.commanded if event.reason == "command_pending" else None
        needed = needs(event)
        told = self.needs if needed is None else (*self.needs, (event.tick, needed))
        since = event.tick - timedelta(seconds=group.remember)
        kept = tuple((tick, workers) for tick, workers in told if tick > since)
        return Member(self.control, event, commanded, kept or told[-1:])

    @property
    def ceilings(self) -> tuple[Override, ...]:
        """What it was given, in the order of time; also when it was taken back."""
        known = self.control.unforgotten(self.control.overrides)
        return tuple(given for given in known if is_quota(given))

    def claim(self, job: str, priority: int) -> Claim | None:
        """Return what it has and needs; None when it is not declared."""
        spec = self.control.newest
        if spec is None:
            return None
        least, most = spec.scale.min, spec.scale.max
        needed = max((workers for _, workers in self.needs), default=least)
        last = self.ceilings[-1] if self.ceilings else None
        given = None if last is None or last.until <= last.at else last.scale_out
        return Claim(
            job=job,
            priority=priority,
            least=least,
            most=most,
            needed=min(max(needed, least), most),
            occupied=self._occupied(least, most, spec.policy.forecast_grace),
            ceiling=given,
        )

    def _occupied(self, least: int, most: int, grace: float) -> int:
        """Return the workers that it has, or may take before its newest ceiling counts."""
        if self.decision is None:
            return least  # nobody scales it
        present = self.decision.scale_out or 0
        counting = [known for known in self.ceilings if _counts(known, self.decision.tick, grace)]
        open_to = [
            *counting[-1:],
            *(known for known in self.ceilings if known not in counting),
        ]
        reach = [
            most if known.until <= known.at else min(known.scale_out or most, most)
            for known in open_to
        ]
        if not counting:
            reach.append(most)
        return max(present, self.commanded or 0, *reach)


def needs(decision: Decision) -> int | None:
    """Return the workers that a job would have without a ceiling; None when nobody knows.

    Where limits shaped the decision it is what the planner took of its candidates, if that is more.
    """
    if decision.reason in HELD:
        return None
    taken = [each.scale_out for each in decision.candidates if each.verdict in TAKEN]
    if not decision.limits or not taken:
        return decision.chosen
    return max(taken[-1], decision.chosen or 0)


def deal(group: Group, members: dict[str, Member], now: datetime) -> list[Override]:
    """Return the ceilings that change."""
    claims = [
        claim
        for job, priority in group.jobs.items()
        if (claim := members.get(job, Member()).claim(job, priority)) is not None
    ]
    found = ceilings(claims, group.workers)
    return [
        Override(
            job=claim.job,
            at=instant_after(members[claim.job].control, now),
            source=f"console/quota-{group.group}",
            kind=OverrideKind.CEILING,
            direction=Direction.UP,
            scale_out=found[claim.job],
            until=now + LASTING,
            author=group.author,
            why=f"of {group.workers} that {len(group.jobs)} jobs share",
        )
        for claim in claims
        if found[claim.job] != claim.ceiling
    ]


def given_back(group: Group, members: dict[str, Member], who: Author) -> list[Override]:
    """Return the events that take back what the group gave to jobs that it does not hold."""
    found: list[Override] = []
    for job, member in members.items():
        ours = member.ceilings and member.ceilings[-1].author == group.author
        if ours and job not in group.jobs and member.control.newest is not None:
            why = f"no longer of the group {group.group}"
            found += taken_back(job, member.control, who, OverrideKind.CEILING, why, Direction.UP)
    return found


def disputed(group: Group, members: dict[str, Member], now: datetime) -> str | None:
    """Return what another group gave to one of its jobs, as a sentence; None when nothing."""
    for job in group.jobs:
        last = members[job].ceilings[-1:] if job in members else ()
        for known in last:
            if known.until > now and known.author != group.author:
                return f"{job} already has {known.scale_out} by {known.author}; a job has one group"
    return None


def _counts(ceiling: Override, tick: datetime, grace: float) -> bool:
    return ceiling.at + timedelta(seconds=grace) <= tick
