"""Events put together: a rescale from decision to recovery, one decision with its story."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from daedalus_shared.events import (
    CapacityUpdate,
    Decision,
    Event,
    Forecast,
    Promise,
    Recovery,
    ScaleCommand,
    ScaleOutcome,
    Status,
)


@dataclass(frozen=True, slots=True)
class Rescale:
    """One command and what is known of it; None for what lies outside of the events read."""

    command_id: str
    tick: datetime
    command: ScaleCommand | None = None
    decision: Decision | None = None
    outcomes: tuple[ScaleOutcome, ...] = ()
    recovery: Recovery | None = None

    @property
    def outcome(self) -> ScaleOutcome | None:
        """The outcome that was known last."""
        return self.outcomes[-1] if self.outcomes else None

    @property
    def change(self) -> tuple[int | None, int | None]:
        """Workers before and wanted."""
        event = self.command or self.outcome or self.recovery
        if event is not None:
            return (event.from_scale_out, event.to_scale_out)
        return (self.decision.scale_out, self.decision.chosen) if self.decision else (None, None)

    @property
    def promise(self) -> Promise | None:
        """What was expected of it."""
        events = (self.command, self.outcome, self.recovery)
        return next((event.promise for event in events if event and event.promise), None)

    @property
    def dry_run(self) -> bool:
        """Whether nothing was to be changed."""
        return any(event.dry_run for event in (self.command, self.outcome) if event)

    def as_json(self) -> dict[str, Any]:
        """Return it as values of JSON."""
        before, after = self.change
        return {
            "command": self.command_id,
            "tick": self.tick.isoformat(),
            "from": before,
            "to": after,
            "dry_run": self.dry_run,
            "reason": self.decision.reason if self.decision else None,
            "sentence": self.decision.sentence if self.decision else None,
            "promise": self.promise.model_dump(mode="json") if self.promise else None,
            "outcomes": [outcome.model_dump(mode="json") for outcome in self.outcomes],
            "recovery": self.recovery.model_dump(mode="json") if self.recovery else None,
        }


def rescales(events: Iterable[Event]) -> list[Rescale]:
    """Return the rescales that the events tell of, oldest first."""
    parts: dict[str, Parts] = {}
    decisions: dict[str, Decision] = {}
    for event in events:
        match event:
            case Decision():
                decisions[event.id] = event
            case ScaleCommand():
                parts.setdefault(event.id, Parts()).command = event
            case ScaleOutcome():
                parts.setdefault(event.command, Parts()).outcomes[event.id] = event
            case Recovery():
                parts.setdefault(event.command, Parts()).recovery = event
    by_command = {one.command: one for one in decisions.values() if one.command}
    found = [part.rescale(command, by_command.get(command)) for command, part in parts.items()]
    return sorted(found, key=lambda rescale: rescale.tick)


@dataclass
class Parts:
    """What is known of one command so far."""

    command: ScaleCommand | None = None
    outcomes: dict[str, ScaleOutcome] = field(default_factory=dict)
    recovery: Recovery | None = None

    def rescale(self, command: str, decision: Decision | None) -> Rescale:
        """Return what is known of it; there is one part at least, or the decision."""
        outcomes = tuple(sorted(self.outcomes.values(), key=lambda outcome: outcome.at))
        event = next(one for one in (self.command, *outcomes, self.recovery, decision) if one)
        return Rescale(
            command_id=command,
            tick=event.tick,
            command=self.command,
            decision=decision,
            outcomes=outcomes,
            recovery=self.recovery,
        )


@dataclass(frozen=True, slots=True)
class Story:
    """One decision, what it was made from, and what came of it."""

    decision: Decision
    update: CapacityUpdate | None = None
    forecast: Forecast | None = None
    rescale: Rescale | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as values of JSON."""
        return {
            "decision": self.decision.model_dump(mode="json"),
            "capacity": self.update.model_dump(mode="json") if self.update else None,
            "forecast": self.forecast.model_dump(mode="json") if self.forecast else None,
            "rescale": self.rescale.as_json() if self.rescale else None,
        }


def newest_decision(
    events: Iterable[Event], at: datetime, planner: str | None, *, changes: bool = False
) -> Decision | None:
    """Return the last decision up to `at`: of the named planner, else of the one obeyed.

    Args:
        events: Events of one job, others than decisions among them.
        at: Later ticks do not count.
        planner: Name of a planner instance; None for the one that the spec names.
        changes: Only decisions that want another scale-out.
    """
    obeyed: Decision | None = None
    other: Decision | None = None
    for event in events:  # of a month there are too many to hold
        if not isinstance(event, Decision) or event.tick > at:
            continue
        if (planner and event.planner != planner) or (changes and event.chosen == event.scale_out):
            continue
        if event.shadow:
            other = event if other is None or event.tick > other.tick else other
        else:
            obeyed = event if obeyed is None or event.tick > obeyed.tick else obeyed
    return obeyed or other


def story(decision: Decision, events: Iterable[Event]) -> Story:
    """Return the story of a decision, from events of its job.

    What it was made from is told by the ids of its inputs; what came of it by the correlation id,
    which all that a tick causes carries.
    """
    update: CapacityUpdate | None = None
    forecast: Forecast | None = None
    caused: list[Event] = [decision]
    for event in events:
        match event:
            case CapacityUpdate() if event.id in decision.inputs:
                update = event
            case CapacityUpdate() if update is None and _same_tick(event, decision):
                update = event
            case Forecast() if event.id in decision.inputs:
                forecast = event
            case Forecast() if forecast is None and _same_tick(event, decision):
                forecast = event
            case ScaleCommand() | ScaleOutcome() | Recovery():
                if event.correlation == decision.correlation:
                    caused.append(event)
    found = [one for one in rescales(caused) if one.command_id == decision.command]
    return Story(decision, update, forecast, found[0] if found else None)


def _same_tick(event: CapacityUpdate | Forecast, decision: Decision) -> bool:
    return event.job == decision.job and event.tick == decision.tick


DONE = frozenset({Status.APPLIED, Status.ALREADY_THERE, Status.WOULD_APPLY})
"""The outcomes that are as wanted."""
