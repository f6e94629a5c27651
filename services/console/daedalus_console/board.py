"""What is known of each job right now, folded from the events as they come."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import fmean

from daedalus_console.overrides import in_force
from daedalus_console.times import age
from daedalus_console.views import lines
from daedalus_shared.control import JobControl
from daedalus_shared.events import (
    CapacityUpdate,
    ControlEvent,
    DeadLetter,
    Decision,
    Event,
    Forecast,
    JobMetrics,
    Override,
    Recovery,
    Sample,
    ScaleOutcome,
)
from daedalus_shared.job_spec import JobSpec

KEPT = 480
"""Reports of a job that sparklines are drawn from: two hours at 15 s."""


class Health(StrEnum):
    """Whether a job is looked after."""

    OK = "ok"
    LATE = "late"
    SILENT = "silent"


class Kind(StrEnum):
    """What an entry of the log tells."""

    DECISION = "decision"
    OUTCOME = "outcome"
    RECOVERY = "recovery"
    CONTROL = "control"
    TROUBLE = "trouble"


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened and that people want to know."""

    at: datetime
    job: str
    kind: Kind
    text: str
    good: bool = True
    """Whether all went as wanted."""


@dataclass(frozen=True, slots=True)
class Point:
    """What one report said of workload and scale-out."""

    at: datetime
    workload: float | None
    scale_out: int | None


@dataclass(frozen=True, slots=True)
class JobState:
    """The newest of each event of a job; None for what was not seen yet."""

    job: str
    control: JobControl = field(default_factory=JobControl)
    metrics: JobMetrics | None = None
    update: CapacityUpdate | None = None
    forecast: Forecast | None = None
    decision: Decision | None = None
    outcome: ScaleOutcome | None = None
    points: tuple[Point, ...] = ()

    @property
    def spec(self) -> JobSpec | None:
        """The spec declared last."""
        return self.control.newest

    @property
    def sample(self) -> Sample | None:
        """The newest look at the job."""
        return self.metrics.samples[-1] if self.metrics and self.metrics.samples else None

    @property
    def scale_out(self) -> int | None:
        """Workers as last seen."""
        if self.sample and self.sample.scale_out is not None:
            return self.sample.scale_out
        return self.decision.scale_out if self.decision else None

    @property
    def forecast_max(self) -> float | None:
        """The highest workload expected."""
        if self.forecast:
            return max(self.forecast.mean)
        return self.decision.forecast_max if self.decision else None

    def silent_for(self, now: datetime) -> float | None:
        """Return the seconds since the last report; None when none was seen."""
        return age(self.metrics.at, now) if self.metrics else None

    def health(self, now: datetime) -> Health:
        """Return whether reports come in: late after three intervals, silent after two loops."""
        silence = self.silent_for(now)
        if silence is None:
            return Health.SILENT
        policy = self.spec.policy if self.spec else None
        late = 3 * policy.report if policy else 45.0
        gone = max(2 * policy.loop, 2 * late) if policy else 120.0
        if silence > gone:
            return Health.SILENT
        return Health.LATE if silence > late else Health.OK

    def overrides(self, now: datetime) -> tuple[Override, ...]:
        """Return the overrides in force."""
        return in_force(self.control, now)


def fold(state: JobState, event: Event) -> tuple[JobState, Entry | None]:  # noqa: PLR0911 -- one return an event class
    """Return what is known with one more event of the job, and what the log says of it."""
    match event:
        case JobMetrics():
            return _metrics(state, event), None
        case CapacityUpdate():
            return replace(state, update=_newer(state.update, event)), None
        case Forecast():
            return _forecast(state, event), None
        case Decision():
            return _decision(state, event)
        case ScaleOutcome():
            return _outcome(state, event)
        case Recovery():
            good = event.recovery is not None
            return state, Entry(event.at, event.job, Kind.RECOVERY, lines.of(event), good)
        case ControlEvent():
            control = state.control.fold(event)
            entry = Entry(event.at, event.job, Kind.CONTROL, lines.of(event))
            return replace(state, control=control), entry
        case DeadLetter():
            return state, Entry(event.at, event.job, Kind.TROUBLE, lines.of(event), good=False)
    return state, None


def _newer(known: CapacityUpdate | None, event: CapacityUpdate) -> CapacityUpdate:
    return known if known and known.tick > event.tick else event


def _metrics(state: JobState, event: JobMetrics) -> JobState:
    if state.metrics and state.metrics.at >= event.at:
        return state
    known = [sample.workload for sample in event.samples if sample.workload is not None]
    newest = event.samples[-1] if event.samples else None
    point = Point(event.at, fmean(known) if known else None, newest.scale_out if newest else None)
    return replace(state, metrics=event, points=(*state.points, point)[-KEPT:])


def _forecast(state: JobState, event: Forecast) -> JobState:
    wanted = state.spec.policy.forecaster if state.spec else event.forecaster
    old = state.forecast is not None and state.forecast.tick > event.tick
    return state if old or event.forecaster != wanted else replace(state, forecast=event)


def _decision(state: JobState, event: Decision) -> tuple[JobState, Entry | None]:
    before = state.decision
    if event.shadow or (before and before.tick >= event.tick):
        return state, None
    after = replace(state, decision=event)
    if event.asked is not None and event.asked.decision == event.id:
        return after, Entry(event.at, event.job, Kind.DECISION, lines.of(event))
    if event.chosen == event.scale_out or event.chosen is None:
        return after, None
    if event.dry_run and before and _same_advice(before, event):
        return after, None
    return after, Entry(event.at, event.job, Kind.DECISION, lines.of(event))


def _same_advice(before: Decision, event: Decision) -> bool:
    told = (before.scale_out, before.chosen, before.reason)
    return told == (event.scale_out, event.chosen, event.reason)


def _outcome(state: JobState, event: ScaleOutcome) -> tuple[JobState, Entry | None]:
    before = state.outcome
    after = replace(state, outcome=event)
    if event.dry_run and before and before.dry_run and _same_outcome(before, event):
        return after, None
    good = event.status in {"applied", "already_there", "would_apply"}
    return after, Entry(event.at, event.job, Kind.OUTCOME, lines.of(event), good)


def _same_outcome(before: ScaleOutcome, event: ScaleOutcome) -> bool:
    told = (before.status, before.from_scale_out, before.to_scale_out)
    return told == (event.status, event.from_scale_out, event.to_scale_out)


class Board:
    """All jobs of a view, or the one that it is about."""

    def __init__(self, only: str | None = None) -> None:
        self._only = only
        self.jobs: dict[str, JobState] = {}

    def take(self, event: Event) -> Entry | None:
        """Fold one event in; return what the log says of it."""
        if self._only is not None and event.job != self._only:
            return None
        known = self.jobs.get(event.job) or JobState(event.job)
        state, entry = fold(known, event)
        if not isinstance(event, DeadLetter):
            self.jobs[event.job] = state
        return entry

    def shown(self, now: datetime, forgotten_after: timedelta) -> list[JobState]:
        """Return the jobs that are declared or that were heard of lately, by name."""
        return [
            state
            for _, state in sorted(self.jobs.items())
            if state.spec is not None
            or (
                state.metrics is not None
                and now - state.metrics.at < forgotten_after
                and not state.control.forgets
            )
        ]
