"""Rescales of a job, put together from events in any order; the newest are kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import nlargest

from daedalus_console.live.views import RescaleLine
from daedalus_console.rescales import Rescale, rescales
from daedalus_shared.events import Decision, Event, Recovery, ScaleCommand, ScaleOutcome

IN_A_ROW = timedelta(minutes=10)
"""Longest time from the end of a command's wait to the next one that is told beside it: after more,
the executor may have been back and away again."""


@dataclass
class _Parts:
    tick: datetime
    decision: Decision | None = None
    command: ScaleCommand | None = None
    outcomes: dict[str, ScaleOutcome] | None = None
    recovery: Recovery | None = None

    @property
    def unanswered(self) -> bool:
        """Whether nothing is known to have come of it."""
        return not self.outcomes and self.recovery is None

    def events(self) -> Iterator[Event]:
        yield from (one for one in (self.decision, self.command, self.recovery) if one)
        yield from (self.outcomes or {}).values()


class Rescales:
    """Commands and what came of them, by the command's id."""

    def __init__(self) -> None:
        self._parts: dict[str, _Parts] = {}

    def __len__(self) -> int:
        return len(self._parts)

    def add(self, event: Decision | ScaleCommand | ScaleOutcome | Recovery, kept: int) -> bool:
        """Take one event; of more than `kept` rescales the oldest is forgotten.

        The oldest by tick, for the topics are not read in step: what came first is not the oldest.
        """
        tick = event.tick
        match event:
            case Decision(command=None):
                return False
            case Decision(command=str(command)):
                # What it weighed is kept with the decisions.
                bare = event.model_copy(update={"candidates": (), "inputs": ()})
                self._of(command, tick, kept).decision = bare
            case ScaleCommand():
                self._of(event.id, tick, kept).command = event
            case ScaleOutcome():
                part = self._of(event.command, tick, kept)
                part.outcomes = {**(part.outcomes or {}), event.id: event}
            case Recovery():
                self._of(event.command, tick, kept).recovery = event
        return True

    def open(self, now: datetime, patience: timedelta) -> bool:
        """Whether the newest command waits for its outcome, as long as the planner does.

        Args:
            now: The present.
            patience: How long after its expiry a command may still be carried out, once begun.
        """
        part = next(iter(self._newest(1)), None)
        if part is None or part.command is None or part.command.dry_run or not part.unanswered:
            return False
        return now < part.command.expires_at + patience and self.lost(now, patience) is None

    def lost(self, now: datetime, patience: timedelta) -> Rescale | None:
        """Return the newest command of which nothing came in time; None where it has an outcome.

        The planner sends another when the wait is over, so the one before counts, too: else
        nothing would ever seem wrong while the executor is away.
        """
        newest = self._newest(2)
        if not newest or not newest[0].unanswered:
            return None
        for part in newest:
            if part.command is None or not part.unanswered:
                continue
            over = part.command.expires_at + patience
            if over <= now and newest[0].tick - over <= IN_A_ROW:
                return rescales(part.events())[0]
        return None

    def newest_first(self) -> list[Rescale]:
        """Return them."""
        events = [event for part in self._parts.values() for event in part.events()]
        commands = [event for event in events if not isinstance(event, Decision)]
        told = [event for event in events if isinstance(event, Decision)]
        return list(reversed(rescales([*told, *commands])))

    def _newest(self, count: int) -> list[_Parts]:
        return nlargest(count, self._parts.values(), key=lambda one: one.tick)

    def _of(self, command: str, tick: datetime, kept: int) -> _Parts:
        part = self._parts.get(command)
        if part is None:
            part = self._parts[command] = _Parts(tick)
            while len(self._parts) > kept:
                del self._parts[min(self._parts, key=lambda one: self._parts[one].tick)]
        return part


def line(rescale: Rescale) -> RescaleLine:
    """Return a rescale as it is shown."""
    outcome, recovery, decision = rescale.outcome, rescale.recovery, rescale.decision
    before, after = rescale.change
    measured = recovery.downtime if recovery else None
    return RescaleLine(
        command=rescale.command_id,
        tick=rescale.tick,
        before=before,
        after=after,
        reason=decision.reason if decision else None,
        sentence=decision.sentence if decision else None,
        decision=decision.id if decision else rescale.command.decision if rescale.command else None,
        dry_run=rescale.dry_run,
        promise=rescale.promise,
        status=outcome.status if outcome else None,
        why=outcome.why if outcome else "",
        started_at=outcome.started_at if outcome else None,
        converged_at=outcome.converged_at if outcome else None,
        downtime=outcome.downtime if outcome and outcome.downtime is not None else measured,
        recovery=recovery.recovery if recovery else None,
        recovered=(recovery.recovery is not None) if recovery else None,
        worst_lag=recovery.worst_lag if recovery else None,
    )
