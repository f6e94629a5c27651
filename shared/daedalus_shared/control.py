"""What people want of one job, as of an instant: its spec and the overrides in force.

Control events take effect at the first tick that ends at least the grace after them, so that all
services agree however late they read them. A Forget that ends the job counts at once, and ends what
was asked of it until then.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from daedalus_shared.events.control import (
    Approval,
    ControlEvent,
    Declaration,
    Forget,
    Override,
)
from daedalus_shared.job_spec import JobSpec

E = TypeVar("E", bound=ControlEvent)


@dataclass(frozen=True, slots=True)
class JobControl:
    """All control events of a job that are still read, in the order of their instants."""

    declarations: tuple[Declaration, ...] = ()
    overrides: tuple[Override, ...] = ()
    approvals: tuple[Approval, ...] = ()
    forgets: tuple[Forget, ...] = ()

    def fold(self, event: ControlEvent) -> "JobControl":
        """Return what is wanted with one more event; the same event again changes nothing."""
        match event:
            case Declaration():
                return replace(self, declarations=_with(self.declarations, event))
            case Override():
                return replace(self, overrides=_with(self.overrides, event))
            case Approval():
                return replace(self, approvals=_with(self.approvals, event))
            case Forget():
                return replace(self, forgets=_with(self.forgets, event))
        raise TypeError(f"{type(event).__name__} is no control event that is known here")

    @property
    def newest(self) -> JobSpec | None:
        """The spec that was declared last, whether in effect yet or not; None when forgotten."""
        if not self.declarations:
            return None
        last = self.declarations[-1]
        return None if self._forgotten(last, self.forgets) else last.spec

    def declaration(self, tick: datetime) -> Declaration | None:
        """Return the declaration in effect at the tick that ends at `tick`, or None."""
        forgets = [forget for forget in self.forgets if forget.at <= tick]
        for found in reversed(self.declarations):
            if found.at + timedelta(seconds=found.spec.policy.forecast_grace) <= tick:
                return None if self._forgotten(found, forgets) else found
        return None

    def spec(self, tick: datetime) -> JobSpec | None:
        """Return the spec in effect at the tick that ends at `tick`, or None."""
        found = self.declaration(tick)
        return found.spec if found else None

    def overrides_at(self, tick: datetime, grace: float) -> tuple[Override, ...]:
        """Return the overrides in force at the tick that ends at `tick`, one a kind."""
        newest: dict[str, Override] = {}
        for override in self.unforgotten(self.overrides, tick):
            if override.at + timedelta(seconds=grace) <= tick:
                newest[override.key] = override
        return tuple(override for override in newest.values() if override.until > tick)

    def answer(self, tick: datetime, grace: float) -> Approval | None:
        """Return the last word on a rescale that counts at a tick; it may have ended since."""
        words = self.unforgotten(self.approvals, tick)
        known = [said for said in words if _counts(said, tick, grace)]
        return known[-1] if known else None

    def unforgotten(self, events: tuple[E, ...], tick: datetime | None = None) -> tuple[E, ...]:
        """Return those of the job's events that were not forgotten with it.

        Args:
            events: In the order of their instants.
            tick: The end of the tick by which they may have been; None for ever.
        """
        ends = [
            forget.at
            for forget in self.forgets
            if not forget.stays_declared and (tick is None or forget.at <= tick)
        ]
        return events[bisect_right(events, ends[-1], key=_at) :] if ends else events

    def forgets_between(self, before: datetime, tick: datetime, grace: float) -> bool:
        """Whether what was learned up to the tick `before` is forgotten by the tick `tick`."""
        return any(
            not _counts(forget, before, grace) and _counts(forget, tick, grace)
            for forget in self.forgets
        )

    @staticmethod
    def _forgotten(declaration: Declaration, forgets: "tuple[Forget, ...] | list[Forget]") -> bool:
        return any(forget.at >= declaration.at for forget in forgets if not forget.stays_declared)


def _counts(event: ControlEvent, tick: datetime, grace: float) -> bool:
    return event.at + timedelta(seconds=grace) <= tick


def _with(events: tuple[E, ...], event: E) -> tuple[E, ...]:
    # An id tells the instant too, and is dear: only events of the same instant can share it.
    first, after = (side(events, event.at, key=_at) for side in (bisect_left, bisect_right))
    if any(known.id == event.id for known in events[first:after]):
        return events
    return (*events[:after], event, *events[after:])


def _at(event: ControlEvent) -> datetime:
    return event.at
