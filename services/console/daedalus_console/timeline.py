"""What changed a job, in one timeline: rescales, advice, what people asked for, and new specs.

Of a topic as long as you like the newest entries are held, and no more.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from heapq import heappop, heappush
from typing import Any

from daedalus_console.rescales import Parts, Rescale
from daedalus_console.specs import Change, differences
from daedalus_console.views import lines
from daedalus_shared.events import (
    Approval,
    ControlEvent,
    Decision,
    Declaration,
    Event,
    Forget,
    Override,
    Recovery,
    ScaleCommand,
    ScaleOutcome,
)
from daedalus_shared.job_spec import JobSpec


class Kind(StrEnum):
    """What an entry tells of."""

    RESCALE = "rescale"
    """A command and what came of it, a dry run too."""

    HELD = "held"
    """A decision for another scale-out that no command followed."""

    OVERRIDE = "override"
    SPEC = "spec"
    APPROVAL = "approval"
    FORGET = "forget"


@dataclass(frozen=True, slots=True)
class Happening:
    """One entry of the timeline."""

    at: datetime
    kind: Kind
    times: int = 1
    """How often it was said in a row, of advice and of what was held."""

    rescale: Rescale | None = None
    decision: Decision | None = None
    control: ControlEvent | None = None
    changes: tuple[Change, ...] = ()
    """Of a spec: the fields that got another value; none of a first one."""

    @property
    def author(self) -> str | None:
        """Who asked for it; None for what the planner did by itself."""
        if isinstance(self.control, (Override, Approval, Forget)):
            return self.control.author
        return self.control.source.partition("/")[2] or None if self.control else None

    @property
    def text(self) -> str:
        """What happened, as a sentence."""
        if isinstance(self.control, Declaration):
            if self.changes:
                why = f": {self.control.why}" if self.control.why else ""
                return f"{self.author} changes {'; '.join(map(str, self.changes))}{why}"
            return f"{self.author} has it {lines.of(self.control)}"
        event = self.control or self.decision
        return lines.of(event) if event else ""

    def as_json(self) -> dict[str, Any]:
        """Return it as values of JSON."""
        found: dict[str, Any] = {
            "at": self.at.isoformat(),
            "kind": self.kind.value,
            "author": self.author,
            "times": self.times,
            "text": self.text,
        }
        if self.rescale is not None:
            found |= self.rescale.as_json()
        elif self.decision is not None:
            found["decision"] = self.decision.model_dump(mode="json")
        if isinstance(self.control, Declaration):
            found["changes"] = [
                {"field": change.field, "before": change.before, "after": change.after}
                for change in self.changes
            ]
            found["why"] = self.control.why
        elif self.control is not None:
            found["event"] = self.control.model_dump(mode="json")
        return found


@dataclass
class _Open:
    """An entry while more of it may come."""

    at: datetime
    kind: Kind
    said: tuple[object, ...] = ()
    times: int = 1
    parts: Parts | None = None
    command: str = ""
    decision: Decision | None = None
    control: ControlEvent | None = None
    changes: tuple[Change, ...] = ()

    def closed(self) -> Happening:
        rescale = self.parts.rescale(self.command, self.decision) if self.parts else None
        return Happening(
            at=self.at,
            kind=self.kind,
            times=self.times,
            rescale=rescale,
            decision=self.decision,
            control=self.control,
            changes=self.changes,
        )


@dataclass
class Timeline:
    """Folds the events of one job, in about the order of time, into at most `most` entries."""

    most: int
    since: datetime
    until: datetime
    left_out: int = 0
    """Entries before the first one that is held."""

    _open: dict[str, _Open] = field(default_factory=dict)
    _same: OrderedDict[str, None] = field(default_factory=OrderedDict)
    """Commands, and decisions that were held, that only repeat an entry; the newest."""
    _order: list[tuple[datetime, str]] = field(default_factory=list)
    """Instants and keys of what is held, as a heap."""
    _dropped: datetime | None = None
    _spec: JobSpec | None = None

    def take(self, event: Event) -> None:
        """Take in one event; one that comes twice changes nothing."""
        match event:
            case Decision() if not event.shadow and event.command is not None:
                self._begin(event, event.command)
            case Decision() if not event.shadow and event.chosen not in {None, event.scale_out}:
                self._held(event)
            case ScaleCommand() if (parts := self._parts(event, event.id)) is not None:
                parts.command = event
            case ScaleOutcome() if (parts := self._parts(event, event.command)) is not None:
                parts.outcomes[event.id] = event
            case Recovery() if (parts := self._parts(event, event.command)) is not None:
                parts.recovery = event
            case Declaration():
                before, self._spec = self._spec, event.spec
                changes = tuple(differences(before, event.spec)) if before else ()
                self._add(event.id, _Open(event.at, Kind.SPEC, control=event, changes=changes))
            case Forget():
                self._spec = None
                self._add(event.id, _Open(event.at, Kind.FORGET, control=event))
            case Override():
                self._add(event.id, _Open(event.at, Kind.OVERRIDE, control=event))
            case Approval():
                self._add(event.id, _Open(event.at, Kind.APPROVAL, control=event))

    @property
    def known(self) -> bool:
        """Whether the job is declared, by all that was taken in."""
        return self._spec is not None

    def happenings(self) -> Iterator[Happening]:
        """Yield the entries that are held, oldest first."""
        yield from (entry.closed() for entry in sorted(self._open.values(), key=lambda one: one.at))

    def _begin(self, decision: Decision, command: str) -> None:
        said = (decision.scale_out, decision.chosen, decision.reason) if decision.dry_run else ()
        last = next(reversed(self._open.values()), None)
        if said and last is not None and last.said == said and last.command != command:
            if command not in self._same:
                self._repeat(last, command)
            return
        if self._parts(decision, command) is not None:
            entry = self._open[command]
            entry.said, entry.decision = said, decision

    def _repeat(self, last: _Open, key: str) -> None:
        """Count what only repeats the last entry, and remember it, for it may come twice."""
        last.times += 1
        self._same[key] = None
        while len(self._same) > self.most:
            self._same.popitem(last=False)

    def _held(self, decision: Decision) -> None:
        if decision.id in self._same or decision.id in self._open:
            return
        said = (Kind.HELD, decision.scale_out, decision.chosen, decision.reason)
        last = next(reversed(self._open.values()), None)
        if last is not None and last.said == said:
            self._repeat(last, decision.id)
            return
        self._add(decision.id, _Open(decision.tick, Kind.HELD, said, decision=decision))

    def _parts(
        self, event: Decision | ScaleCommand | ScaleOutcome | Recovery, command: str
    ) -> Parts | None:
        """Return the parts of a rescale; None where it is of no interest any more."""
        if command in self._same:
            return None
        if command not in self._open:
            entry = _Open(event.tick, Kind.RESCALE, parts=Parts(), command=command)
            self._add(command, entry)
        found = self._open.get(command)
        return found.parts if found else None

    def _add(self, key: str, entry: _Open) -> None:
        outside = not self.since <= entry.at <= self.until
        if outside or key in self._open or (self._dropped and entry.at <= self._dropped):
            return
        self._open[key] = entry
        heappush(self._order, (entry.at, key))
        if len(self._open) > self.most:
            at, oldest = heappop(self._order)  # by their own time: topics are read side by side
            del self._open[oldest]
            self._dropped = max(at, self._dropped or at)
            self.left_out += 1
