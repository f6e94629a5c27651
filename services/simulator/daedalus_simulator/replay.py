"""The decisions of one job taken again: recorded inputs through the same code, no I/O, no clock.

The analyzer and the forecaster fold the recorded reports; where their own results can be compared
with the recorded ones (the recording holds all that they ever folded, or snapshots of what they had
learned) the planner is fed with their own, else with the recorded ones. A tick is decided again
once its decision was read, from what that decision had at hand: what it was marked as missing is
withheld until after it.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from daedalus_analyzer.analyzer import Analyzer
from daedalus_analyzer.state import AnalyzerState
from daedalus_forecaster.forecaster import Forecaster
from daedalus_forecaster.state import ForecasterState
from daedalus_planner.planner import Planner
from daedalus_planner.planners import PLANNERS
from daedalus_planner.state import PlannerState
from daedalus_shared.control import JobControl
from daedalus_shared.events import (
    CapacityUpdate,
    ControlEvent,
    Decision,
    Event,
    Forecast,
    Forget,
    JobMetrics,
    Knowledge,
    Recovery,
    ScaleCommand,
    ScaleOutcome,
    TickEvent,
)
from daedalus_simulator.controller import Stage
from daedalus_simulator.remembered import Place, Placed, Remembering

KEPT = 500
"""Results kept by tick until they are compared; far more than a planner waits for."""

IDS = 20_000
"""Ids of events remembered, to tell an input that is not in the recording."""

E = TypeVar("E", bound=TickEvent)
V = TypeVar("V")

ANALYZER, FORECASTER = "analyzer/analyzer", "forecaster/daedalus"
"""The instances whose code is here; results of others are taken as they are recorded."""

_MISSING = {"analyzer_missing": CapacityUpdate, "forecast_missing": Forecast}

_TOO_LATE = "it came too late; without it the decision is the same"


class Verdict(StrEnum):
    """What replaying a tick came to."""

    SAME = "same"
    DIFFERENT = "different"
    UNJUDGED = "cannot_be_judged"


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of an event that is not as it was recorded."""

    event: str
    """The event's class."""

    field: str
    """Its path, such as `candidates.3.capacity`."""

    recorded: object
    replayed: object


@dataclass(frozen=True, slots=True)
class Judged:
    """One recorded decision, held against the one that the code takes from the same inputs."""

    job: str
    tick: datetime
    planner: str
    decision: str
    """Its id."""

    verdict: Verdict
    why: str = ""
    """Why it cannot be judged, or where it parts first; empty where it is the same."""

    differences: tuple[Difference, ...] = ()
    whole: bool = True
    """Whether capacity and forecast were made again too; else they are as recorded."""

    taken: tuple[str, ...] = ()
    """Whose results alone are as recorded, such as `forecaster/mine`; empty where all or none."""


class Kept(Generic[V]):
    """The newest values by key."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._found: OrderedDict[object, V] = OrderedDict()

    def put(self, key: object, value: V) -> None:
        """Keep a value; the oldest gives way."""
        self._found[key] = value
        if len(self._found) > self._most:
            self._found.popitem(last=False)

    def get(self, key: object) -> V | None:
        """Return the value of a key, or None."""
        return self._found.get(key)


@dataclass
class _Side:
    """What one planner has not been fed with yet."""

    plans: tuple[Remembering[PlannerState], ...]
    """The planner by its name's plan; by each that there is, where its name tells none."""
    queue: deque[Event] = field(default_factory=lambda: deque(maxlen=10 * KEPT))
    waiting: Decision | None = None
    """A recorded decision that is judged once its successor was read: by then its inputs are."""
    control: JobControl = field(default_factory=JobControl)
    """What people wanted as far as it was read before the decision that waits."""
    commands: Kept[ScaleCommand] = field(default_factory=lambda: Kept(KEPT))

    @property
    def restored(self) -> bool:
        """Whether it goes on from a snapshot."""
        return self.plans[0].restored

    def restore(self, known: Knowledge, recent: Iterable[Placed]) -> bool:
        """Go on from a snapshot, which is the same whatever the plan; return whether it is."""
        return all(plan.restore(known, recent) for plan in self.plans)

    def covers(self, place: Place | None) -> bool:
        """Whether the snapshot holds what lies there already."""
        return self.plans[0].covers(place)


class Replay:
    """Takes one job's decisions again; fed in the order in which the broker took the events."""

    def __init__(self, job: str) -> None:
        self.job = job
        self._control = JobControl()
        self._analyzer: Remembering[AnalyzerState] = Remembering(Stage(Analyzer()))
        self._forecaster: Remembering[ForecasterState] = Remembering(Stage(Forecaster()))
        self._own: dict[type[TickEvent], Kept[TickEvent]] = {
            kind: Kept(KEPT) for kind in (CapacityUpdate, Forecast, Recovery)
        }
        self._recorded: dict[type[TickEvent], Kept[TickEvent]] = {
            kind: Kept(KEPT) for kind in (CapacityUpdate, Forecast, Recovery)
        }
        self._made: Kept[CapacityUpdate | Forecast | Recovery] = Kept(KEPT)
        """The recorded results by id."""
        self._ids: Kept[int] = Kept(IDS)
        """How many events had been read before the one of an id."""
        self._read = 0
        self._ticks: Kept[bool] = Kept(KEPT)
        self._recent: deque[Placed] = deque(maxlen=10 * KEPT)
        self._sides: dict[str, _Side] = {}
        self._whole: bool | None = None
        self._since: datetime | None = None
        """The first tick of which capacity and forecast are made again."""
        self._reported = False
        self.before = 0
        """Decisions from before the first report of the recording."""

    @property
    def restored(self) -> datetime | None:
        """The first tick that is judged wholly by what the services had learned before."""
        return self._since if self._began_midway and self._whole else None

    def feed(self, event: Event, place: Place | None = None) -> Iterator[Judged]:
        """Take in the next event, and where it lay; yield what can be judged by now."""
        if isinstance(event, Knowledge):
            yield from self._learned(event)
            return
        again = self._count(event)
        match event:
            case Decision():
                if not again:  # a planner that was killed may say what it had said
                    yield from self._decided(event)
            case ScaleCommand():
                side = self._sides.get(event.source.partition("/")[2])
                if side is not None:
                    side.commands.put(event.id, event)
            case ControlEvent() | JobMetrics() | ScaleOutcome():
                self._note(event)
                for known in (self._analyzer, self._forecaster):
                    self._say(known.fold(self._control, event, place))
                self._pass_on(event, place)
            case CapacityUpdate() | Forecast() | Recovery():
                self._recorded[type(event)].put(_name(event), event)
                self._made.put(event.id, event)
                if isinstance(event, CapacityUpdate) and self._whole is None:
                    self._whole = self._began_with(event)
                    self._since = event.tick
                self._pass_on(event, place)

    def _count(self, event: Event) -> bool:
        """Number an event by its first reading; return whether it was read before."""
        if self._ids.get(event.id) is not None:
            return True
        self._ids.put(event.id, self._read)
        self._read += 1
        return False

    def finish(self) -> Iterator[Judged]:
        """Judge what is left when the recording ends."""
        for side in self._sides.values():
            yield from self._judged(side)

    # -- what the loop before the planner makes of the reports ------------------------------------

    def _note(self, event: ControlEvent | JobMetrics | ScaleOutcome) -> None:
        match event:
            case ControlEvent():
                self._control = self._control.fold(event)
                if isinstance(event, Forget):
                    self._whole = None  # services forget what they learned, and begin anew
            case JobMetrics():
                self._reported = True
                if event.tick is not None:
                    self._ticks.put(event.tick, True)

    def _say(self, events: Iterable[Event]) -> None:
        for said in events:
            if isinstance(said, (CapacityUpdate, Forecast, Recovery)):
                self._own[type(said)].put(_name(said), said)

    def _began_with(self, recorded: CapacityUpdate) -> bool | None:
        """Whether all that the analyzer knew is in the recording; None while that is not known."""
        own = self._own[CapacityUpdate].get(_name(recorded))
        if not isinstance(own, CapacityUpdate):
            return None
        forecast = self._own[Forecast].get((recorded.tick, self._forecaster.stage.service.instance))
        if self._began_midway and forecast is None:
            return None
        return own.loop == recorded.loop

    # -- what was learned before the recording ----------------------------------------------------

    @property
    def _began_midway(self) -> bool:
        return self._analyzer.restored and self._forecaster.restored

    def _learned(self, known: Knowledge) -> Iterator[Judged]:
        """Go on from a snapshot, where the recording does not hold all before it."""
        if self._whole is not False and not self._began_midway:
            return  # the recording holds all, or does not show yet whether it does
        for stage, kinds in (
            (self._analyzer, (CapacityUpdate, Recovery)),
            (self._forecaster, (Forecast,)),
        ):
            if not stage.restore(known, self._recent):
                continue
            for kind in kinds:
                self._own[kind] = Kept(KEPT)
            for event, place in self._recent:
                self._say(stage.fold(self._control, event, place))
            if self._began_midway:
                self._whole = None
        if known.kind == Planner.KIND:
            yield from self._planned(known)

    def _planned(self, known: Knowledge) -> Iterator[Judged]:
        side = self._side(known.instance)
        if side.restored:
            return
        yield from self._judged(side)
        if side.restore(known, self._recent):
            side.queue.clear()
            side.queue.extend(event for event, place in self._recent if not side.covers(place))

    def _is_whole(self, side: _Side, tick: datetime) -> bool:
        """Whether all that a planner's decision rests on is made again."""
        if not self._whole or (self._since is not None and tick < self._since):
            return False
        return side.restored or not self._began_midway

    # -- the planner ------------------------------------------------------------------------------

    def _pass_on(self, event: Event, place: Place | None) -> None:
        self._recent.append((event, place))
        for side in self._sides.values():
            if not side.covers(place):
                side.queue.append(event)

    def _side(self, planner: str) -> _Side:
        side = self._sides.get(planner)
        if side is None:
            plans = tuple(
                Remembering(Stage(Planner(planner, plan)))
                for plan in ([planner] if planner in PLANNERS else PLANNERS)
            )
            recent = deque((event for event, _ in self._recent), 10 * KEPT)
            side = self._sides[planner] = _Side(plans, recent)
        return side

    def _decided(self, decision: Decision) -> Iterator[Judged]:
        if not self._reported:
            self.before += 1
            return
        side = self._side(decision.planner)
        yield from self._judged(side)
        side.waiting, side.control = decision, self._control

    def _judged(self, side: _Side) -> Iterator[Judged]:
        recorded, side.waiting = side.waiting, None
        if recorded is None:
            return
        due = self._due(side, recorded)
        found = [self._judged_by(plan, side, recorded, due) for plan in side.plans]
        best = min(
            found,
            key=lambda each: (each.verdict is not Verdict.SAME, each.verdict is Verdict.DIFFERENT),
        )
        if best.verdict is Verdict.DIFFERENT and recorded.planner not in PLANNERS:
            best = replace(best, verdict=Verdict.UNJUDGED, why=_another(recorded))
        yield best

    def _judged_by(
        self,
        plan: Remembering[PlannerState],
        side: _Side,
        recorded: Decision,
        due: Sequence[Event],
    ) -> Judged:
        """Judge by one plan; where it differs, once more without what came too late."""
        before = plan.stage.state
        judged = self._tried(plan, side, recorded, due, self._control)
        late = [event for event in due if self._came_late(event, recorded)]
        if judged.verdict is not Verdict.DIFFERENT or not late:
            return judged
        plan.stage.state = before
        withheld = {id(event) for event in late}
        in_time = [event for event in due if id(event) not in withheld]
        control = side.control
        for event in in_time:
            if isinstance(event, ControlEvent):
                control = control.fold(event)
        again = self._tried(plan, side, recorded, (*in_time, *late), control)
        if again.verdict is not Verdict.SAME:
            return again
        names = ", ".join(sorted({type(event).__name__ for event in late}))
        return replace(again, verdict=Verdict.UNJUDGED, why=f"{names}: {_TOO_LATE}")

    def _came_late(self, event: Event, recorded: Decision) -> bool:
        """Whether an event of before the tick was read after the decision, which did without it."""
        if not isinstance(event, (ControlEvent, ScaleOutcome, Recovery)):
            return False
        if event.at > recorded.tick or event.id in recorded.inputs:
            return False
        return (self._ids.get(event.id) or 0) > (self._ids.get(recorded.id) or 0)

    def _tried(
        self,
        plan: Remembering[PlannerState],
        side: _Side,
        recorded: Decision,
        due: Iterable[Event],
        control: JobControl,
    ) -> Judged:
        said = [
            said
            for event in due
            for said in plan.stage.handle(control, self._chosen(side, event))
        ]  # fmt: skip
        own = next(
            (one for one in said if isinstance(one, Decision) and one.tick == recorded.tick), None
        )
        command = next(
            (one for one in said if isinstance(one, ScaleCommand) and one.id == recorded.command),
            None,
        )
        return self._compared(side, recorded, own, command)

    def _compared(
        self,
        side: _Side,
        recorded: Decision,
        own: Decision | None,
        command: ScaleCommand | None,
    ) -> Judged:
        found = tuple(self._differences(recorded, own, side, command))
        unknown = self._unknown(side, recorded, own)
        if found and unknown is None:
            first = found[0]
            parts = sorted({each.event for each in found}, key=[e.event for e in found].index)
            why = f"{', '.join(parts)}: first {first.event}.{first.field}"
            return self._told(side, recorded, Verdict.DIFFERENT, why, found)
        if own is None and unknown is None:
            why = "the code decides nothing at this tick"
            return self._told(side, recorded, Verdict.DIFFERENT, why)
        if unknown is not None:
            return self._told(side, recorded, Verdict.UNJUDGED, unknown, found)
        missing = sorted(_MISSING.keys() & set(recorded.marks))
        if missing and self._was_there(recorded, missing):
            why = f"{', '.join(missing)}: {_TOO_LATE}"
            return self._told(side, recorded, Verdict.UNJUDGED, why)
        return self._told(side, recorded, Verdict.SAME)

    def _due(self, side: _Side, recorded: Decision) -> list[Event]:
        """Take from the queue what the planner is fed with up to a recorded decision."""
        tick = recorded.tick
        queue = list(side.queue)
        reports = [each for each in queue if isinstance(each, JobMetrics) and each.tick == tick]
        results = [
            each for each in queue
            if isinstance(each, (CapacityUpdate, Forecast)) and each.tick == tick
        ]  # fmt: skip
        later = [each for each in queue if _is_later(each, tick)]
        used = {id(each) for each in (*reports, *results, *later)}
        side.queue.clear()
        side.queue.extend(later)
        # The report that showed the grace to have passed, where something was not waited for.
        late = [
            each for each in later if isinstance(each, JobMetrics) and each.id in recorded.inputs
        ]
        missing = {_MISSING[mark] for mark in recorded.marks if mark in _MISSING}
        return [
            *(each for each in queue if id(each) not in used),
            *(each for each in results if type(each) not in missing),
            *reports,
            *late,
            *(each for each in results if type(each) in missing),
        ]

    def _chosen(self, side: _Side, event: Event) -> Event:
        """Return our own result in the place of a recorded one, where it can be as good."""
        if not isinstance(event, (CapacityUpdate, Forecast, Recovery)):
            return event
        if not self._is_whole(side, event.tick):
            return event
        return self._made_again(event) or event

    def _made_again(self, event: CapacityUpdate | Forecast | Recovery) -> Event | None:
        """Return our own result of what a recorded one tells; None where the code is another's."""
        ours = FORECASTER if isinstance(event, Forecast) else ANALYZER
        return self._own[type(event)].get(_name(event)) if event.source == ours else None

    def _taken(self, side: _Side, recorded: Decision) -> tuple[str, ...]:
        """Return whose results a decision rests on that were not made again, though others were.

        One of ours that is not was made before the snapshot that the others begin with.
        """
        if not self._is_whole(side, recorded.tick):
            return ()
        used = (self._made.get(each) for each in recorded.inputs)
        return tuple(sorted({each.source for each in used if each} - {ANALYZER, FORECASTER}))

    # -- verdicts ---------------------------------------------------------------------------------

    def _differences(
        self,
        recorded: Decision,
        own: Decision | None,
        side: _Side,
        command: ScaleCommand | None,
    ) -> Iterator[Difference]:
        """Yield what differs at a tick, in the order of the loop: what comes first is the cause."""
        if self._is_whole(side, recorded.tick):
            for event in self._results(recorded):
                yield from differences(event, self._chosen(side, event))
        if own is not None:
            yield from differences(recorded, own)
        published = side.commands.get(recorded.command)
        if own is not None and published is not None and command is not None:
            yield from differences(published, command)

    def _results(self, recorded: Decision) -> Iterator[Event]:
        """Yield the recorded capacity and forecast of a decision's tick."""
        spec = self._control.spec(recorded.tick)
        forecaster = spec.policy.forecaster if spec else "daedalus"
        found = (
            self._recorded[CapacityUpdate].get(recorded.tick),
            self._recorded[Forecast].get((recorded.tick, forecaster)),
        )
        yield from (each for each in found if each is not None)

    def _unknown(self, side: _Side, recorded: Decision, own: Decision | None) -> str | None:
        """Return what the recording lacks to judge a decision by; None where nothing."""
        tick = recorded.tick
        if self._control.spec(tick) is None and side.control.spec(tick) is None:
            return "the job's spec of that time is not in the recording"
        if self._ticks.get(tick) is None:
            if recorded.planner not in PLANNERS:  # its ticks may be its own
                return _another(recorded)
            return "the report that closes the tick is not in the recording"
        remembered = own.inputs if own is not None and side.restored else ()
        lacking = [
            each
            for each in recorded.inputs
            if self._ids.get(each) is None and each not in remembered
        ]
        if lacking:
            return (
                f"{len(lacking)} of its {len(recorded.inputs)} inputs are not in the recording, "
                f"such as {lacking[0]}"
            )
        if self._is_whole(side, tick) or own == recorded:
            return None
        return self._remembered(recorded, own)

    def _remembered(self, recorded: Decision, own: Decision | None) -> str | None:
        """Return what the planner remembered from before the recording, if that may matter."""
        if any(each is not None and each.late is not None for each in (recorded, own)):
            return "the price of late records was found before the recording"
        forecasts = [each for each in self._results(recorded) if isinstance(each, Forecast)]
        if any(not each.paths for each in forecasts):
            return "the forecaster's errors, from which its band is made, were seen before"
        return None

    def _was_there(self, recorded: Decision, marks: list[str]) -> bool:
        """Whether what a decision had to do without was made after all, only too late."""
        found = {type(each) for each in self._results(recorded)}
        return any(_MISSING[mark] in found for mark in marks)

    def _told(
        self,
        side: _Side,
        recorded: Decision,
        verdict: Verdict,
        why: str = "",
        found: tuple[Difference, ...] = (),
    ) -> Judged:
        taken = self._taken(side, recorded)
        return Judged(
            job=recorded.job,
            tick=recorded.tick,
            planner=recorded.planner,
            decision=recorded.id,
            verdict=verdict,
            why=why,
            differences=found,
            whole=self._is_whole(side, recorded.tick) and not taken,
            taken=taken,
        )


def _another(recorded: Decision) -> str:
    return f"{recorded.planner} may decide by another plan, or be another program"


def _name(event: CapacityUpdate | Forecast | Recovery) -> object:
    """Return what tells results of a kind apart."""
    match event:
        case Forecast():
            return (event.tick, event.forecaster)
        case Recovery():
            return event.command
    return event.tick


def _is_later(event: Event, tick: datetime) -> bool:
    """Whether an event belongs to a later tick."""
    if isinstance(event, JobMetrics):
        return event.at > tick and event.tick != tick
    return isinstance(event, (CapacityUpdate, Forecast)) and event.tick > tick


def differences(recorded: Event, replayed: Event) -> Iterator[Difference]:
    """Yield the fields in which two events differ, in their order, down to single values."""
    if recorded == replayed:
        return
    before = dict(_leaves(recorded.model_dump(mode="json")))
    after = dict(_leaves(replayed.model_dump(mode="json")))
    name = type(recorded).__name__
    for path in [*before, *(each for each in after if each not in before)]:
        if before.get(path) != after.get(path):
            yield Difference(name, path, before.get(path), after.get(path))


def _leaves(found: object, path: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(found, Mapping):
        for name, value in found.items():
            yield from _leaves(value, f"{path}.{name}" if path else str(name))
    elif isinstance(found, list):
        for place, value in enumerate(found):
            yield from _leaves(value, f"{path}.{place}")
    else:
        yield path, found
