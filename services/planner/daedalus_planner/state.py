"""What the planner remembers of a job: the events that a later decision still needs.

A decision is a function of these events alone, so that a replay of its inputs decides the same.
"""

from datetime import datetime, timedelta
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from daedalus_planner.domain.accuracy import Accuracy
from daedalus_planner.domain.courtesies.memory import Memory
from daedalus_planner.domain.objective import Objective
from daedalus_shared.control import JobControl
from daedalus_shared.events import (
    CapacityUpdate,
    Event,
    Forecast,
    JobMetrics,
    Recovery,
    ScaleCommand,
    ScaleOutcome,
    Status,
)
from daedalus_shared.events.base import Instant, ScaleOut
from daedalus_shared.job_spec import Policy

KEPT = 64
"""Capacities, and forecasts of a forecaster, kept while their ticks' metrics are still to be read.

Beyond it the oldest give way, so that the snapshot of a planner that comes back after hours stays
far below the broker's largest message; those ticks are marked as missing. Their commands were void.
"""

E = TypeVar("E", ScaleOutcome, Recovery)


class OpenTick(BaseModel):
    """A tick that the metrics have closed and that is not decided yet."""

    model_config = ConfigDict(frozen=True)

    tick: Instant
    report: str
    """Id of the JobMetrics."""
    scale_out: ScaleOut | None
    """Workers in its newest sample; None when unknown."""
    sampled_at: Instant | None
    """Instant of its newest sample; None without one."""


class PlannerState(BaseModel):
    """One job's open ticks, and the events that later decisions need."""

    model_config = ConfigDict(frozen=True)

    decided: Instant | None = None
    """The newest tick decided."""
    open: tuple[OpenTick, ...] = ()
    """In the order of time."""
    capacities: tuple[CapacityUpdate, ...] = ()
    """Of ticks that are not decided yet."""
    forecasts: tuple[Forecast, ...] = ()
    """The same, and the newest before that of the forecaster in use; paths with four digits."""
    outcomes: tuple[ScaleOutcome, ...] = ()
    """Those that wait for their tick, the latest, and of those that changed the scale-out the
    latest, or as many as the budget counts."""
    recoveries: tuple[Recovery, ...] = ()
    """Those that wait for their tick."""
    command: ScaleCommand | None = None
    """The last command while it has no outcome; the last advice until the next."""
    memory: Memory = Memory()
    """What the courtesies that the spec asks for need of earlier ticks."""
    accuracy: Accuracy = Accuracy()
    """How far off the forecaster in use was, where its forecasts have no paths."""
    objective: Objective = Objective()
    """The late records so far and their price, where the spec aims at a share of them."""

    def known(self, event: type[E], tick: datetime, policy: Policy) -> tuple[E, ...]:
        """Return the outcomes or recoveries that count at a tick, in the order of time."""
        found: tuple[Event, ...] = (*self.outcomes, *self.recoveries)
        counting = [
            past for past in found if isinstance(past, event) and counts(past, tick, policy)
        ]
        return tuple(sorted(counting, key=lambda past: past.at))

    def unlearned(self) -> "PlannerState":
        """Return the state with nothing learned: rescales, commands and requests are facts."""
        memory = Memory(
            wishes=self.memory.wishes, unknown=self.memory.unknown, request=self.memory.request
        )
        return _with(self, memory=memory, accuracy=Accuracy(), objective=Objective())


def counts(event: Event, tick: datetime, policy: Policy) -> bool:
    """Whether an outcome or a recovery lies early enough to count at a tick."""
    return event.at + timedelta(seconds=policy.forecast_grace) <= tick


def changes(outcome: ScaleOutcome) -> bool:
    """Whether an outcome tells of a rescale that was begun, as far as it then came."""
    begun = outcome.started_at is not None or outcome.status is Status.APPLIED
    return begun and not outcome.dry_run and outcome.status is not Status.WOULD_APPLY


def fold(control: JobControl, state: PlannerState, event: Event) -> PlannerState:
    """Return the state that knows one more event; the same object if it is covered already."""
    after = state
    match event:
        case JobMetrics():
            after = _open(state, event)
        case CapacityUpdate():
            after = _store_capacity(state, event)
        case Forecast():
            after = _store_forecast(control, state, event)
        case ScaleOutcome():
            after = _store_outcome(control, state, event)
        case Recovery():
            after = _store_recovery(control, state, event)
        case ScaleCommand():
            if state.command is None or state.command.tick < event.tick:
                after = _with(state, command=event)
    return after


def decided(
    state: PlannerState,
    tick: datetime,
    policy: Policy,
    command: ScaleCommand | None,
    memory: Memory,
) -> PlannerState:
    """Return what is still needed once a tick is decided, with `command` as the last one."""
    outcomes = state.known(ScaleOutcome, tick, policy)
    budget = policy.courtesies.budget
    rescales = [past for past in outcomes if changes(past)]
    needed = _ids((*outcomes[-1:], *rescales[-(budget.rescales if budget else 1) :]))
    previous = [
        forecast
        for forecast in state.forecasts
        if forecast.tick <= tick and forecast.forecaster == policy.forecaster
    ]
    return _with(
        state,
        decided=tick,
        open=state.open[1:],
        capacities=tuple(update for update in state.capacities if update.tick > tick),
        forecasts=(
            *previous[-1:],
            *(forecast for forecast in state.forecasts if forecast.tick > tick),
        ),
        outcomes=tuple(
            past for past in state.outcomes if past.id in needed or not counts(past, tick, policy)
        ),
        recoveries=tuple(past for past in state.recoveries if not counts(past, tick, policy)),
        command=command,
        memory=memory,
        accuracy=_scored(state, tick, policy),
        objective=measured(state, tick, policy),
    )


def capacity_of(state: PlannerState, tick: datetime) -> CapacityUpdate | None:
    """Return the capacity update of a tick."""
    return next((update for update in state.capacities if update.tick == tick), None)


def measured(state: PlannerState, tick: datetime, policy: Policy) -> Objective:
    """Return the late records and their price, those of the tick's loop included."""
    return state.objective.after(capacity_of(state, tick), policy)


def _scored(state: PlannerState, tick: datetime, policy: Policy) -> Accuracy:
    """Return the accuracy of the forecaster in use once a tick is over."""
    update = capacity_of(state, tick)
    rate = update.workload.mean if update is not None and update.workload is not None else None
    for forecast in state.forecasts:
        if forecast.tick == tick and forecast.forecaster == policy.forecaster:
            return state.accuracy.after(forecast, rate, policy)
    return state.accuracy


def _open(state: PlannerState, report: JobMetrics) -> PlannerState:
    newest = state.open[-1].tick if state.open else state.decided
    if report.tick is None or (newest is not None and report.tick <= newest):
        return state
    last = report.samples[-1] if report.samples else None
    opened = OpenTick(
        tick=report.tick,
        report=report.id,
        scale_out=last.scale_out if last else None,
        sampled_at=last.at if last else None,
    )
    return _with(state, open=(*state.open, opened))


def _store_capacity(state: PlannerState, update: CapacityUpdate) -> PlannerState:
    late = state.decided is not None and update.tick <= state.decided
    if late or any(known.tick == update.tick for known in state.capacities):
        return state
    return _with(state, capacities=(*state.capacities, update)[-KEPT:])


def _store_forecast(control: JobControl, state: PlannerState, forecast: Forecast) -> PlannerState:
    """Keep a forecast unless a newer one is known; a late one may still be shifted later."""
    same = [other for other in state.forecasts if other.forecaster == forecast.forecaster]
    if any(other.tick >= forecast.tick for other in same):
        return state
    if state.decided is not None and forecast.tick <= state.decided:
        spec = control.spec(state.decided)
        if spec is None or spec.policy.forecaster != forecast.forecaster:
            return state
    lean = forecast.model_copy(
        update={"quantiles": {}, "paths": tuple(map(_rounded, forecast.paths)), "errors": ()}
    )
    others = [other for other in state.forecasts if other.forecaster != forecast.forecaster]
    return _with(state, forecasts=(*others, *same[1 - KEPT :], lean))


def _rounded(path: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(float(f"{rate:.4g}") for rate in path)


def _store_outcome(control: JobControl, state: PlannerState, outcome: ScaleOutcome) -> PlannerState:
    if outcome.id in _ids(state.outcomes):
        return state
    awaited = state.command is not None and state.command.id == outcome.command
    newer = any(known.at >= outcome.at for known in state.outcomes)
    if _past(control, state, outcome) and newer and not awaited:
        return state
    return _with(state, outcomes=(*state.outcomes, outcome))


def _store_recovery(control: JobControl, state: PlannerState, recovery: Recovery) -> PlannerState:
    if _past(control, state, recovery) or recovery.id in _ids(state.recoveries):
        return state
    return _with(state, recoveries=(*state.recoveries, recovery))


def _past(control: JobControl, state: PlannerState, event: Event) -> bool:
    """Whether the event counted at the newest tick decided already."""
    spec = None if state.decided is None else control.spec(state.decided)
    if state.decided is None or spec is None:
        return False
    return counts(event, state.decided, spec.policy)


def _ids(events: tuple[Event, ...]) -> frozenset[str]:
    return frozenset(event.id for event in events)


def _with(state: PlannerState, **changed: object) -> PlannerState:
    return state.model_copy(update=changed)
