"""One job's account, loop by loop: what ran, and what planners, the HPA and a static job would be.

Feed it CapacityUpdates and Decisions in the order of time; it keeps sums, never events.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from daedalus_console.accounts.courses import (
    Course,
    Cut,
    Hpa,
    Ran,
    Static,
    Totals,
    Wishes,
    compared,
)
from daedalus_console.accounts.loops import Loop, loop_of
from daedalus_shared.control import JobControl
from daedalus_shared.events import CapacityUpdate, Decision, Event

RAN, STATIC, HPA = "as it ran", "static", "HPA rule"

MOST_STATIC = 64
"""Static scale-outs that are played beside each other, to find the one of the mean."""

TARGET = 0.8
"""Part of the CPU that the HPA is to hold: what `kubectl autoscale` takes by default."""

SAYS_NOTHING = frozenset(
    {
        "analyzer_missing",
        "awaiting_approval",
        "blackout",
        "budget",
        "command_pending",
        "cooldown",
        "delayed",
        "keeps_up",
        "lag_unknown",
        "paused",
        "rejected",
        "scale_out_unknown",
        "settling",
        "stale",
        "workload_unknown",
    }
)
"""Reasons to stay that say nothing of how many workers are right.

The obeyed planner then still wants what it wanted before. A shadow waits for what it would never
have done, such as somebody else's rescale: those loops tell nothing of it, and are left out.
"""

EVER = datetime.max.replace(tzinfo=UTC)
"""The end of what has not ended."""

FADES = 0.98
"""Weight that the usual workload keeps at each loop: some hundred loops count."""


@dataclass(slots=True)
class Row:
    """A course and what it comes to."""

    course: Course
    own: Totals = field(default_factory=Totals)
    beside: Totals = field(default_factory=Totals)
    """What ran, over the same loops."""


@dataclass(slots=True)
class Agreement:
    """How often a planner wanted what the obeyed one wanted."""

    both: int = 0
    same: int = 0

    @property
    def share(self) -> float | None:
        """Part of the ticks that both decided; None without any."""
        return self.same / self.both if self.both else None


@dataclass(frozen=True, slots=True)
class Line:
    """A row as it is told."""

    name: str
    own: Totals
    beside: Totals
    obeyed: bool = False
    agreement: float | None = None

    @property
    def ratio(self) -> float | None:
        """Price as a part of what ran over the same time."""
        return compared(self.own, self.beside)

    def as_json(self) -> dict[str, Any]:
        """Return it as values of JSON."""
        own = self.own
        return {
            "name": self.name,
            "obeyed": self.obeyed,
            "seconds": own.seconds,
            "worker_hours": own.hours,
            "mean_workers": own.mean,
            "late_share": own.late_share,
            "rescales": own.rescales,
            "price": own.price,
            "price_of_what_ran": self.beside.price,
            "worker_hours_that_ran": self.beside.hours,
            "ratio": self.ratio,
            "agreement": self.agreement,
        }


class Ledger:
    """The account of one job from an instant on."""

    def __init__(
        self,
        control: JobControl,
        since: datetime,
        target: float = TARGET,
        *,
        speed: float = 1.0,
        static_at_mean: bool = True,
    ) -> None:
        """Open an account.

        Args:
            control: What people want of the job; the specs in effect are looked up in it.
            since: What of a loop was before does not count, nor does what was before the job's
                first declaration.
            target: Part of the CPU that the HPA is to hold.
            speed: Seconds of the job's time in one second, for the HPA's windows.
            static_at_mean: Whether every static scale-out is played, to have that of the mean in
                the end: most of the work.
        """
        self._control = control
        self._lapses = _lapses(control)
        self._speed = speed
        self._static_at_mean = static_at_mean
        declared = [each.at for each in control.declarations[:1]]
        self.since = max([since, *declared])
        self._ran = Ran()
        self.rows: dict[str, Row] = {
            RAN: Row(Course(self._ran)),
            STATIC: Row(Course(Static())),
            HPA: Row(Course(Hpa(target, speed))),
        }
        self.statics: dict[int, Row] = {}
        self.planners: dict[str, Row] = {}
        self.agreements: dict[str, Agreement] = {}
        self.obeyed: str | None = None
        self._decided: dict[str, dict[float, int | None]] = {}
        self._silent: dict[str, set[float]] = {}
        """Planner → ticks of those at which it said nothing of its own."""
        self._last: Loop | None = None
        self._usual = 0.0
        self.paid = Totals()
        """Workers over all loops whose scale-out is known; nothing is modelled in it."""
        self.allowed = 0.0
        """Worker-seconds of the spec's max over the same loops."""
        self.unknown = 0.0
        """Seconds of loops whose scale-out is not known, and between loops."""

    @property
    def ended(self) -> datetime | None:
        """When the job's declaration was ended; None while there is one."""
        return next((start for start, end in self._lapses if end == EVER), None)

    def take(self, event: Event) -> None:
        """Take in the next event; what is of no use here is passed over."""
        if isinstance(event, Decision):
            self._decision(event)
        elif isinstance(event, CapacityUpdate):
            self._update(event)

    def gap(self, until: datetime) -> float:
        """Return the seconds unknown up to an instant, those after the last loop included."""
        last = self.since if self._last is None else self._last.end
        loop = 0.0 if self._last is None else self._last.period
        rest = self._declared(last, until)
        return self.unknown + (rest if rest > 1.5 * loop else 0.0)

    def lines(self) -> list[Line]:
        """Return what ran, and what others would have come to: the HPA, static jobs."""
        ran = self.rows[RAN]
        found = [Line(RAN, ran.own, ran.own), Line(HPA, *_sums(self.rows[HPA]))]
        mean = 0 if self.paid.mean is None else math.ceil(round(self.paid.mean, 6))
        if mean in self.statics:
            name = f"static at {mean} (the mean)"
            found.append(Line(name, *_sums(self.statics[mean])))
        most = "" if self._last is None else f" at {self._last.most} (the max)"
        found.append(Line(STATIC + most, *_sums(self.rows[STATIC])))
        return found

    def standings(self) -> list[Line]:
        """Return the planners, the best first: those of whom nothing is known come last."""
        found = [
            Line(
                name,
                row.own,
                row.beside,
                obeyed=name == self.obeyed,
                agreement=self.agreements[name].share if name in self.agreements else None,
            )
            for name, row in self.planners.items()
        ]
        return sorted(found, key=lambda line: (line.ratio is None, line.ratio or 0.0, line.name))

    def _decision(self, decision: Decision) -> None:
        known = self._decided.setdefault(decision.planner, {})
        at, wanted = decision.tick.timestamp(), decision.chosen
        stays = wanted is None or wanted == decision.scale_out
        if stays and decision.reason in SAYS_NOTHING:
            self._silent.setdefault(decision.planner, set()).add(at)
            before = known[max(known)] if known else None
            wanted = None if decision.shadow else (before or wanted)
        known[at] = wanted
        for old in sorted(known)[:-3]:
            del known[old]
            self._silent.get(decision.planner, set()).discard(old)
        if not decision.shadow:
            self.obeyed = decision.planner
        self.planners.setdefault(decision.planner, Row(Course(Wishes())))

    def _update(self, update: CapacityUpdate) -> None:
        spec = self._control.spec(update.tick)
        began = self.since if self._last is None else self._last.end
        if spec is None or update.tick <= began:
            return  # not of this account, or told again
        again = [end for _, end in self._lapses if end <= update.tick]
        loop = loop_of(update, spec, max([began, *again]))
        before = self._last if self._last is not None and loop.follows(self._last) else None
        if before is None:
            self.unknown += self._declared(began, loop.start)
        self._ran.before = before.scale_out if before else None
        self._last = loop
        self._pay(loop)
        if loop.level is not None:
            keep = FADES if self._usual else 0.0
            self._usual = keep * self._usual + (1.0 - keep) * loop.mean
        self._play(loop)
        self._agree(loop)

    def _declared(self, start: datetime, end: datetime) -> float:
        """Return the seconds between two instants in which the job was declared."""
        found = (end - start).total_seconds()
        for ended, again in self._lapses:
            found -= max(0.0, (min(end, again) - max(start, ended)).total_seconds())
        return max(0.0, found)

    def _pay(self, loop: Loop) -> None:
        if loop.scale_out is None:
            self.unknown += loop.seconds
            return
        before = loop.scale_out if self._ran.before is None else self._ran.before
        since = loop.seconds if loop.since is None else (loop.since - loop.start).total_seconds()
        earlier = min(max(since, 0.0), loop.seconds) if before != loop.scale_out else 0.0
        workers = before * earlier + loop.scale_out * (loop.seconds - earlier)
        moved = int(before != loop.scale_out)
        self.paid.add(Totals(seconds=loop.seconds, workers=workers, rescales=moved))
        self.allowed += loop.most * loop.seconds

    def _play(self, loop: Loop) -> None:
        cut = Cut.of(loop, self._speed)
        ran = self.rows[RAN].course.play(cut, self._usual)
        if ran is not None:
            self.rows[RAN].own.add(ran)
        most = min(loop.most, loop.least + MOST_STATIC) if self._static_at_mean else -1
        for workers in range(loop.least, most + 1):
            self.statics.setdefault(workers, Row(Course(Static(workers))))
        for name, row in self.planners.items():
            if isinstance(row.course.wanted, Wishes):
                row.course.wanted.newest = self._newest(name, loop)
        others = (self.rows[STATIC], self.rows[HPA])
        for row in (*others, *self.statics.values(), *self.planners.values()):
            found = row.course.play(cut, self._usual)
            if found is not None and ran is not None:
                row.own.add(found)
                row.beside.add(ran)

    def _newest(self, planner: str, loop: Loop) -> tuple[float, int | None] | None:
        known = self._decided.get(planner, {})
        ticks = [tick for tick in known if tick <= loop.stamp + 0.1]
        return (max(ticks), known[max(ticks)]) if ticks else None

    def _agree(self, loop: Loop) -> None:
        """Compare what was wanted when the loop began, where both said something."""
        if self.obeyed is None:
            return
        obeyed = self._said(self.obeyed, loop)
        for name in self._decided:
            wanted = self._said(name, loop)
            if name != self.obeyed and wanted is not None and obeyed is not None:
                agreement = self.agreements.setdefault(name, Agreement())
                agreement.both += 1
                agreement.same += wanted == obeyed

    def _said(self, planner: str, loop: Loop) -> int | None:
        """Return what a planner wanted at the loop's start; None where it said nothing of it."""
        silent = self._silent.get(planner, set())
        found = [
            workers
            for tick, workers in self._decided[planner].items()
            if abs(tick - loop.stamp) <= min(1.0, loop.seconds / 4) and tick not in silent
        ]
        return found[0] if found else None


def _lapses(control: JobControl) -> list[tuple[datetime, datetime]]:
    """Return each time in which a job was not declared any more, up to when it was again."""
    found = []
    ends = [forget.at for forget in control.forgets if not forget.stays_declared]
    instants = [*(each.at for each in control.declarations), EVER]
    for declared, again in pairwise(instants):
        ended = [at for at in ends if declared <= at < again]
        if ended:
            found.append((min(ended), again))
    return found


def _sums(row: Row) -> tuple[Totals, Totals]:
    return row.own, row.beside


def fed(ledger: Ledger, events: Iterable[Event]) -> Ledger:
    """Return the ledger that has taken in all events."""
    for event in events:
        ledger.take(event)
    return ledger
