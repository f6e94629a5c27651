"""One job: its events folded into bounded tracks, steps and the newest of each kind."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from statistics import fmean

from daedalus_console.approvals import awaited
from daedalus_console.board import Health, JobState, fold
from daedalus_console.live import expecting, story
from daedalus_console.live.hours import Hours
from daedalus_console.live.packed import Packed, line
from daedalus_console.live.spark import Spark, spark
from daedalus_console.live.steps import Steps
from daedalus_console.live.story import Rescales
from daedalus_console.live.track import Track
from daedalus_console.live.views import (
    CapacityCurve,
    JobRow,
    JobView,
    Series,
    State,
    Step,
)
from daedalus_shared.control import JobControl
from daedalus_shared.events import (
    Asked,
    CapacityUpdate,
    ControlEvent,
    Decision,
    Event,
    Forecast,
    JobMetrics,
    Override,
    OverrideKind,
    Recovery,
    Sample,
    ScaleCommand,
    ScaleOutcome,
)

ASKED = 50
"""Overrides that are kept beside the newest of each kind."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is kept of one job."""

    decisions: int
    rescales: int
    span: timedelta
    """How far the past reaches."""


@dataclass(frozen=True, slots=True)
class _Passing:
    """What of a row's state and wishes changes by time alone."""

    state: State
    health: Health
    overrides: tuple[Override, ...]
    asked: Asked | None


class Job:
    """What is known of one job."""

    def __init__(self, name: str) -> None:
        self.state = JobState(name)
        self.revision = 0
        self._metrics = Track(
            ("workload", "throughput", "lag", "latency", "cpu_mean", "cpu_hottest"),
            peaks=("lag", "latency", "cpu_hottest"),
        )
        self._forecasts = Track(("expected", "low", "high"))
        self._scale_out = Steps()
        self._recommended = Steps()
        self._capacity = Track(("capacity",))
        self._errors = Track(("wape",), peaks=("wape",))
        self._hours = Hours()
        self._decisions: deque[Packed] = deque()
        self._rescales = Rescales()
        self._row: tuple[datetime, JobRow] | None = None
        self._first: tuple[int, _Passing] | None = None
        """Of the first row of a revision: whoever was told has it, or one made later."""

    def fold(self, event: Event, bounds: Bounds, value: bytes | None = None) -> bool:
        """Take one event; says whether anything that is shown has changed.

        Args:
            event: About this job.
            bounds: How much is kept.
            value: The event's JSON as it lay on the topic, where that is at hand.
        """
        before = self.state
        self.state, _ = fold(self.state, event)
        changed = self.state is not before
        if self.state.points:  # of sparklines, which are not shown here
            self.state = replace(self.state, points=())
        match event:
            case ControlEvent():
                self._asked()
                changed = self.state.control != before.control
            case JobMetrics() if changed:
                self._measured(event, bounds)
            case CapacityUpdate() if changed:
                self._capacity.add(event.tick.timestamp(), {"capacity": event.capacity})
            case Forecast() if changed:
                self._foreseen(event)
            case Decision() if not event.shadow:
                changed = self._decided(event, bounds, value) or changed
            case ScaleCommand() | ScaleOutcome() | Recovery():
                changed = self._rescales.add(event, bounds.rescales)
        return changed

    def restore(self, control: JobControl) -> None:
        """Take over what people want of it."""
        self.state = replace(self.state, control=control)

    def decision(self, wanted: Callable[[Packed], bool]) -> Decision | None:
        """Return the newest decision that is wanted; None when none kept is."""
        found = next((one for one in reversed(self._decisions) if wanted(one)), None)
        return found.decision() if found else None

    def decisions(self, before: datetime | None, limit: int) -> list[Decision]:
        """Return the last decisions before an instant among those kept, newest first."""
        found = [one for one in reversed(self._decisions) if before is None or one.tick < before]
        return [one.decision() for one in found[:limit]]

    def row(self, now: datetime, fresh: timedelta = timedelta()) -> JobRow:
        """Return the job as the list shows it.

        Args:
            now: The present.
            fresh: How long before a row may have been made that serves again, while nothing came
                of the job since.
        """
        if self._row is not None:
            made, row = self._row
            if row.revision == self.revision and made <= now <= made + fresh:
                return row
        row = self._made(now)
        self._row = (now, row)
        return row

    def has_aged(self, now: datetime) -> bool:
        """Whether time alone has changed what the first row of this revision said."""
        passing = self._passing(now)
        return passing != self._begun(passing)

    def _begun(self, passing: _Passing) -> _Passing:
        """Return what the first row of this revision said; it is this one where none was made."""
        if self._first is None or self._first[0] != self.revision:
            self._first = (self.revision, passing)
        return self._first[1]

    def _passing(self, now: datetime) -> _Passing:
        state, decision = self.state, self.state.decision
        health = state.health(now)
        return _Passing(
            state=self._word(health, self._load, now),
            health=health,
            overrides=state.overrides(now),
            asked=awaited(decision, state.control, now) if decision else None,
        )

    @property
    def _load(self) -> float | None:
        sample, update = self.state.sample, self.state.update
        workload = sample.workload if sample else None
        capacity = update.capacity if update else None
        return workload / capacity if workload is not None and capacity else None

    def _made(self, now: datetime) -> JobRow:
        passing = self._passing(now)
        self._begun(passing)
        state = self.state
        spec, sample, update, decision = state.spec, state.sample, state.update, state.decision
        workload = sample.workload if sample else None
        capacity = update.capacity if update else None
        today = self._hours.day
        return JobRow(
            job=state.job,
            engine=spec.engine.kind.value if spec else None,
            mode=spec.policy.mode if spec else None,
            declared=spec is not None,
            state=passing.state,
            health=passing.health,
            seen=state.metrics.at if state.metrics else None,
            scale_out=state.scale_out,
            wanted=decision.chosen if decision else None,
            scale_min=spec.scale.min if spec else None,
            scale_max=spec.scale.max if spec else None,
            workload=workload,
            throughput=_throughput(sample) if sample else None,
            capacity=capacity,
            load=self._load,
            lag=sample.lag if sample else None,
            latency=sample.latency if sample else None,
            move=expecting.next_move(decision, state.forecast, update, now),
            today=today.savings()
            if today and today.since.date() == now.astimezone(UTC).date()
            else None,
            unknown=_unknown(sample, update),
            overrides=passing.overrides,
            asked=passing.asked,
            decision=line(decision) if decision else None,
            revision=self.revision,
        )

    def spark(self, now: datetime) -> Spark:
        """Return its last hour, small."""
        return spark(self._metrics, self._capacity, now.timestamp())

    def view(self, now: datetime, since: datetime, listed: int) -> JobView:
        """Return all that is shown of the job.

        Args:
            now: The present.
            since: Where series begin.
            listed: Decisions and rescales that are listed at most.
        """
        state = self.state
        start = since.timestamp()
        update, decisions = state.update, list(self._decisions)[-listed:] if listed else []
        sample = state.sample
        lost = self._rescales.lost(now, self._patience)
        return JobView(
            row=self.row(now),
            metrics=_series(self._metrics, start),
            forecasts=_series(self._forecasts, start),
            expected=expecting.expected(state.forecast) if state.forecast else None,
            scale_out=_steps(self._scale_out, start),
            recommended=_steps(self._recommended, start),
            capacity=_column(self._capacity, "capacity", start),
            errors=_column(self._errors, "wape", start),
            curve=_curve(update) if update else None,
            workers=sample.workers if sample else (),
            skew=update.skew if update else None,
            decisions=tuple(one.line() for one in reversed(decisions)),
            rescales=tuple(story.line(one) for one in self._rescales.newest_first()[:listed]),
            lost=story.line(lost) if lost else None,
            asked=tuple(reversed(state.control.overrides)),
            hours=self._hours.all.savings() if self._hours.all else None,
        )

    @property
    def _patience(self) -> timedelta:
        """How long after its expiry the planner waits for what was begun just before it."""
        policy = self.state.spec.policy if self.state.spec else None
        seconds = policy.converge_within + policy.forecast_grace if policy else 0.0
        return timedelta(seconds=seconds)

    def _asked(self) -> None:
        """Keep of what people asked for the newest of each kind, and the last that came."""
        control = self.state.control
        if len(control.overrides) > ASKED:
            newest = {known.key: known for known in control.overrides}.values()
            kept = control.overrides[-ASKED:]
            older = tuple(known for known in newest if known not in kept)
            control = replace(control, overrides=(*older, *kept))
        # What ended the job stays, since it has ended what was asked before.
        ends = [known for known in control.forgets[:-5] if not known.stays_declared]
        control = JobControl(
            declarations=control.declarations[-5:],
            overrides=control.overrides,
            approvals=control.approvals[-ASKED:],
            forgets=(*ends[-1:], *control.forgets[-5:]),
        )
        self.state = replace(self.state, control=control)

    def _measured(self, event: JobMetrics, bounds: Bounds) -> None:
        at = event.at.timestamp()
        samples = event.samples
        cpus = [
            [worker.cpu for worker in sample.workers if worker.cpu is not None]
            for sample in samples
        ]
        self._metrics.add(
            at,
            {
                "workload": _mean([sample.workload for sample in samples]),
                "throughput": _mean([_throughput(sample) for sample in samples]),
                "lag": _highest([sample.lag for sample in samples]),
                "latency": _highest([sample.latency for sample in samples]),
                "cpu_mean": _mean([fmean(each) if each else None for each in cpus]),
                "cpu_hottest": _mean([max(each, default=None) for each in cpus]),
            },
        )
        for sample in samples:
            self._scale_out.add(sample.at.timestamp(), sample.scale_out)
        spec = self.state.spec
        self._hours = self._hours.after(
            event.at,
            self.state.scale_out,
            spec.scale.max if spec else None,
            spec.policy.report if spec else 0.0,
        )
        old = at - bounds.span.total_seconds()
        for kept in (
            self._metrics,
            self._forecasts,
            self._scale_out,
            self._recommended,
            self._capacity,
            self._errors,
        ):
            kept.drop_before(old)

    def _foreseen(self, event: Forecast) -> None:
        """Keep what was expected at the middle of the horizon: to be held against what came."""
        place = (len(event.mean) - 1) // 2
        low, high = event.quantiles.get("0.1"), event.quantiles.get("0.9")
        self._forecasts.add(
            event.at.timestamp() + (place + 1) * event.step,
            {
                "expected": event.mean[place],
                "low": low[place] if low else None,
                "high": high[place] if high else None,
            },
        )
        self._errors.add(event.at.timestamp(), {"wape": event.wape})

    def _decided(self, event: Decision, bounds: Bounds, value: bytes | None) -> bool:
        told = self._rescales.add(event, bounds.rescales)
        if self._decisions and event.tick <= self._decisions[-1].tick:
            return told
        self._decisions.append(Packed.of(event, value))
        while len(self._decisions) > bounds.decisions:
            self._decisions.popleft()
        self._recommended.add(event.tick.timestamp(), event.chosen)
        return True

    def _word(self, health: Health, load: float | None, now: datetime) -> State:
        asked = {override.kind for override in self.state.overrides(now)}
        decision = self.state.decision
        holds = {
            State.SILENT: health is Health.SILENT,
            State.LATE: health is Health.LATE,
            State.RESCALING: self._rescales.open(now, self._patience),
            State.OVERLOADED: load is not None and load >= 1.0,
            State.PINNED: OverrideKind.PIN in asked,
            State.PAUSED: OverrideKind.PAUSE in asked,
            State.ADVISED: decision is not None
            and decision.dry_run
            and decision.chosen not in (None, decision.scale_out),
        }
        return next((state for state in State if holds.get(state)), State.STEADY)


def _series(track: Track, since: float) -> Series:
    at, values = track.since(since)
    return Series(
        at=tuple(map(_instant, at)),
        values={name: tuple(column) for name, column in values.items()},
    )


def _steps(steps: Steps, since: float) -> tuple[Step, ...]:
    return tuple(Step(at=_instant(at), value=value) for at, value in steps.since(since))


def _column(track: Track, name: str, since: float) -> tuple[Step, ...]:
    at, values = track.since(since)
    return tuple(
        Step(at=_instant(one), value=value) for one, value in zip(at, values[name], strict=True)
    )


def _curve(update: CapacityUpdate) -> CapacityCurve:
    return CapacityCurve(
        tick=update.tick,
        scale_out=update.scale_out,
        capacity=update.capacity,
        error=update.capacity_error,
        points=update.table,
        downtime_up=update.downtime_up,
        downtime_down=update.downtime_down,
        report=update.report,
        why_unknown=update.why_unknown,
        caution=update.caution,
    )


def _unknown(sample: Sample | None, update: CapacityUpdate | None) -> dict[str, str]:
    found = dict(sample.unknown) if sample else {}
    if update is not None and update.capacity is None and update.why_unknown:
        found["capacity"] = update.why_unknown
    return found


def _throughput(sample: Sample) -> float | None:
    """Return what the workers process together; None when that of one is unknown."""
    each = [worker.throughput for worker in sample.workers]
    known = [value for value in each if value is not None]
    return sum(known) if known and len(known) == len(each) else None


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _highest(values: list[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _instant(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
