"""The analyzer: folds what the monitor saw into what each scale-out of a job can process."""

from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel

from daedalus_analyzer.domain.downtime import remember
from daedalus_analyzer.domain.learning import Learner
from daedalus_analyzer.domain.model import Table
from daedalus_analyzer.domain.recovery import Following, Watch, follow
from daedalus_analyzer.domain.samples import Stretch, epoch, extended
from daedalus_analyzer.state import AnalyzerState
from daedalus_analyzer.update import Analysis, why_unknown
from daedalus_shared.control import JobControl
from daedalus_shared.events import (
    CapacityUpdate,
    ControlEvent,
    Event,
    Forget,
    JobMetrics,
    Recovery,
    ScaleOutcome,
    Status,
)
from daedalus_shared.job_spec import JobSpec, Policy
from daedalus_shared.service import Step


class Analyzer:
    """Learns capacity, skew and downtimes of each job; concludes recoveries."""

    SOURCES: ClassVar[tuple[type[Event], ...]] = (JobMetrics, ScaleOutcome)
    RESULTS: ClassVar[tuple[type[Event], ...]] = (CapacityUpdate, Recovery)
    KIND: ClassVar[str] = "AnalyzerState"
    VERSION: ClassVar[int] = 2
    STATE: ClassVar[type[BaseModel]] = AnalyzerState

    def __init__(self, instance: str = "analyzer") -> None:
        self.name = "analyzer"
        self.instance = instance

    def needs(
        self,
        control: JobControl,  # noqa: ARG002 -- the protocol's
        state: AnalyzerState | None,  # noqa: ARG002 -- the protocol's
        event: Event,
    ) -> frozenset[type[Event]]:
        """Outcomes and control count from a tick's end on, so that must find them read."""
        if isinstance(event, JobMetrics) and event.tick is not None:
            return frozenset({ScaleOutcome, ControlEvent})
        return frozenset()

    def handle(
        self, control: JobControl, state: AnalyzerState | None, event: Event
    ) -> Step[AnalyzerState]:
        """Fold one event; a tick that closes yields a capacity update, and recoveries before it."""
        match event:
            case JobMetrics():
                return self._report(control, state, event)
            case ScaleOutcome():
                return Step(_with_outcome(state, event))
            case Forget() if not event.stays_declared:  # else at the tick that it counts from
                return Step(_without_forgotten(control, state, event))
        return Step(state)

    def _report(
        self, control: JobControl, before: AnalyzerState | None, report: JobMetrics
    ) -> Step[AnalyzerState]:
        if control.forgets and control.newest is None:
            return Step(None)
        state = before or AnalyzerState()
        if state.seen is not None and report.at <= state.seen:
            return Step(before)
        samples = extended(state.open, report.samples, state.sampled, epoch(report.at))
        newest = samples[-1].looks[-1].at if samples else state.sampled
        seen = {"seen": report.at, "sampled": newest}
        if report.tick is None or (state.tick is not None and report.tick <= state.tick):
            return Step(state.model_copy(update=seen | {"open": samples}))
        spec = control.spec(report.tick)
        if spec is None:  # not declared: what was learned is kept, what waits is not
            kept = state.model_copy(update=seen | {"open": ()})
            return Step(kept if state.loop or state.outcomes else None)
        grace = spec.policy.forecast_grace
        if state.tick is not None and control.forgets_between(state.tick, report.tick, grace):
            state = state.unlearned()
        state = state.model_copy(update=seen | {"open": (), "tick": report.tick})
        return self._tick(state, samples, report, spec)

    def _tick(
        self,
        state: AnalyzerState,
        samples: tuple[Stretch, ...],
        report: JobMetrics,
        spec: JobSpec,
    ) -> Step[AnalyzerState]:
        tick = report.tick or report.at
        learner = _learner(state, tick, report, spec.policy)
        learner.fold(samples)
        state, table = _with_capacity(state, learner, tick, spec.policy)
        state, concluded = _with_recoveries(state, learner, tick, spec.policy)
        recoveries = tuple(self._recovery(watch, tick) for watch in concluded)
        analysis = Analysis(
            source=self._source,
            report=report,
            spec=spec,
            state=state,
            learner=learner,
            known=table,
            why_unknown=why_unknown(learner, report, spec.policy),
        )
        return Step(state, (*recoveries, analysis.update()))

    def _recovery(self, watch: Watch, tick: datetime) -> Recovery:
        outcome = watch.outcome
        return Recovery(
            job=outcome.job,
            at=tick,
            source=self._source,
            tick=outcome.tick,
            command=outcome.command,
            from_scale_out=outcome.from_scale_out,
            to_scale_out=outcome.to_scale_out,
            recovery=watch.recovery,
            downtime=outcome.downtime,
            worst_lag=watch.worst_lag,
            promise=outcome.promise,
        )

    @property
    def _source(self) -> str:
        return f"{self.name}/{self.instance}"


def _with_outcome(state: AnalyzerState | None, outcome: ScaleOutcome) -> AnalyzerState | None:
    """Keep an applied rescale until the tick in which it takes effect."""
    if outcome.status is not Status.APPLIED or outcome.dry_run:
        return state
    if state is not None and state.outcome_at is not None and outcome.at <= state.outcome_at:
        return state
    state = state or AnalyzerState()
    return state.model_copy(
        update={"outcomes": (*state.outcomes, outcome), "outcome_at": outcome.at}
    )


def _without_forgotten(
    control: JobControl, state: AnalyzerState | None, forget: Forget
) -> AnalyzerState | None:
    """Drop what was learned before the job was forgotten; it may be declared anew since."""
    if state is None or control.newest is None:
        return None
    return None if state.seen is None or state.seen <= forget.at else state


def _learner(state: AnalyzerState, tick: datetime, report: JobMetrics, policy: Policy) -> Learner:
    return Learner(
        warm_up=policy.warm_up,
        window=epoch(tick) - policy.loop,
        committed=report.checkpoint_interval or 0.0,
        idle=state.model.idle,
        noise=state.model.noise,
        loads={load.id: load for load in state.workers},
        scale_out=state.scale_out,
        scale_out_since=state.scale_out_since,
        cold_since=state.cold_since,
        warming=state.warming,
        sampled=state.learned,
    )


def _with_capacity(
    state: AnalyzerState, learner: Learner, tick: datetime, policy: Policy
) -> tuple[AnalyzerState, Table]:
    """Remember what the loop's readings say."""
    warm_ups = state.warm_ups
    for warm_up in learner.warm_ups:
        warm_ups = remember(warm_ups, warm_up)
    model, table = state.model.faded(epoch(tick), policy.half_life).learned(learner.readings)
    changes: dict[str, object] = {
        "loop": state.loop + 1,
        "learned": learner.sampled,
        "workers": tuple(learner.loads[worker] for worker in sorted(learner.loads)),
        "scale_out": learner.scale_out,
        "scale_out_since": learner.scale_out_since,
        "cold_since": learner.cold_since,
        "warming": learner.warming,
        "warm_ups": warm_ups,
        "model": model,
    }
    return state.model_copy(update=changes), table


def _with_recoveries(
    state: AnalyzerState, learner: Learner, tick: datetime, policy: Policy
) -> tuple[AnalyzerState, tuple[Watch, ...]]:
    """Judge the loop's points, and learn the downtimes of the rescales that take effect.

    What claims to have been down for longer than a recovery is watched is no measurement.
    """
    before = Following(state.balance, state.watch, state.outcomes)
    after = follow(before, tuple(learner.points), tick, policy)
    up, down = state.downtimes_up, state.downtimes_down
    for outcome in before.pending:
        before_it, downtime = outcome.from_scale_out, outcome.downtime
        if outcome in after.pending or before_it is None or downtime is None:
            continue
        if downtime > policy.recovery_watch:
            continue
        if outcome.to_scale_out < before_it:
            down = remember(down, downtime)
        else:
            up = remember(up, downtime)
    changes = {
        "balance": after.balance,
        "watch": after.watch,
        "outcomes": after.pending,
        "downtimes_up": up,
        "downtimes_down": down,
    }
    return state.model_copy(update=changes), after.concluded
