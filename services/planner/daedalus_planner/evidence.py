"""What is known of a job at one tick: the events that its decision may use, and no others."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import numpy as np

from daedalus_planner.domain import bands, workload
from daedalus_planner.domain.accuracy import Accuracy
from daedalus_planner.domain.courtesies import reverts, stand_ins
from daedalus_planner.domain.courtesies.memory import Memory
from daedalus_planner.domain.objective import Objective
from daedalus_planner.domain.situation import Bounds, Reason, Series, Situation
from daedalus_planner.state import OpenTick, PlannerState, capacity_of, changes, measured
from daedalus_shared.control import JobControl
from daedalus_shared.events import (
    Approval,
    Basis,
    CapacityPoint,
    CapacityUpdate,
    Declaration,
    Forecast,
    Override,
    Recovery,
    ScaleCommand,
    ScaleOutcome,
)
from daedalus_shared.job_spec import EngineKind, JobSpec, Policy


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The events that count at a tick."""

    opened: OpenTick
    """The tick."""

    waited_until: str | None
    """Id of the report that showed the grace to have passed; None when nothing was waited for."""

    declaration: Declaration
    """The spec in effect."""

    overrides: tuple[Override, ...]
    """In force."""

    answer: Approval | None
    """The last word on a rescale, where the spec requires one."""

    seen: CapacityUpdate | None
    """The capacity update of this tick; None when missing."""

    update: CapacityUpdate | None
    """The same with stand-ins for what it does not know, as far as the spec asks for them."""

    forecast: Forecast | None
    """Of this tick, or an earlier one that still serves; None for the trend line."""

    outcomes: tuple[ScaleOutcome, ...]
    """In the order of time."""

    recoveries: tuple[Recovery, ...]
    """Those that are news at this tick."""

    command: ScaleCommand | None
    """The last command without an outcome, or the last advice."""

    memory: Memory
    """What the courtesies need of earlier ticks, and of a scale-up that can be judged now."""

    accuracy: Accuracy
    """How far off the forecaster in use was, where its forecasts have no paths."""

    objective: Objective
    """The late records so far, those of this tick's loop included, and their price."""

    @property
    def tick(self) -> datetime:
        """The tick's end."""
        return self.opened.tick

    @property
    def spec(self) -> JobSpec:
        """The spec in effect."""
        return self.declaration.spec

    @property
    def policy(self) -> Policy:
        """Every number of the rules."""
        return self.spec.policy

    @property
    def latest(self) -> ScaleOutcome | None:
        """The latest outcome."""
        return self.outcomes[-1] if self.outcomes else None

    @property
    def rescale(self) -> ScaleOutcome | None:
        """The latest outcome that changed the scale-out."""
        return next((past for past in reversed(self.outcomes) if changes(past)), None)

    @property
    def rescales(self) -> tuple[ScaleOutcome, ...]:
        """The outcomes that the budget counts, in the order of time; none without one."""
        if self.policy.courtesies.budget is None:
            return ()
        return tuple(past for past in self.outcomes if changes(past))

    @property
    def stood_in(self) -> tuple[str, ...]:
        """The signals that something stands in for."""
        if self.seen is None or self.update is None:
            return ()
        return stand_ins.stood_in(self.update, self.seen)

    @property
    def pending(self) -> ScaleCommand | None:
        """The command whose outcome is still awaited.

        It may have begun just before it became void, and then has the time to converge in.
        """
        if self.command is None or self.command.dry_run:
            return None
        if any(past.command == self.command.id for past in self.outcomes):
            return None
        patience = self.policy.converge_within + self.policy.forecast_grace
        end = self.command.expires_at + timedelta(seconds=patience)
        return self.command if self.tick < end else None

    @property
    def advice(self) -> ScaleCommand | None:
        """The last advice, while it is too young to be repeated."""
        if self.command is None or not self.command.dry_run:
            return None
        return self.command if self.age(self.command.tick) < self.policy.settle else None

    @property
    def marks(self) -> tuple[str, ...]:
        """What the decision has to do without."""
        marks = []
        if self.update is None:
            marks.append("analyzer_missing")
        if self.forecast is None or self.forecast.tick != self.tick:
            marks.append("forecast_missing")
        elif self.forecast.fallback:
            marks.append("forecast_fallback")
        marks.extend(f"{signal}_unknown" for signal in self.stood_in)
        return tuple(marks)

    @property
    def scale_out(self) -> int | None:
        """Workers at the tick's end; None when unknown."""
        return self.opened.scale_out if self.update is None else self.update.scale_out

    @property
    def since(self) -> float | None:
        """Seconds since the last rescale, start or foreign change; None when none is known of."""
        ages = []
        if self.rescale is not None:
            ages.append(self.age(self.rescale.converged_at or self.rescale.at))
        if self.update is not None and self.update.uptime is not None:
            ages.append(self.update.uptime)
        if self.update is not None and self.update.scale_out_since is not None:
            ages.append(self.age(self.update.scale_out_since))
        return max(0.0, min(ages)) if ages else None

    @property
    def since_rescale(self) -> float | None:
        """Seconds since the end of the last rescale, whoever made it; None when none is known."""
        ends = [self.rescale.converged_at or self.rescale.at] if self.rescale else []
        if self.update is not None and self.update.scale_out_since is not None:
            ends.append(self.update.scale_out_since)
        return max(0.0, min(self.age(end) for end in ends)) if ends else None

    @property
    def bounds(self) -> Bounds:
        """What spec and platform allow."""
        return Bounds(
            least=self.spec.scale.min,
            most=self.spec.scale.max,
            input_partitions=self.update.input_partitions if self.update else None,
            max_parallelism=self.update.max_parallelism if self.update else None,
        )

    @cached_property
    def expected(self) -> Series | None:
        """The workload expected (records/s) on the planner's grid; None when nothing is known."""
        times = workload.grid(self.policy)
        if self.forecast is not None:
            return workload.read(self.forecast, self.tick, times)
        if self.update is not None and self.update.workload is not None:
            return workload.trend(self.update.workload, times, self.policy)
        return None

    @cached_property
    def paths(self) -> Series | None:
        """Courses that the workload may take (records/s) by step; None when nothing is known."""
        times = workload.steps(self.policy)
        if self.forecast is not None and self.forecast.paths:
            return workload.paths(self.forecast, self.tick, times)
        if self.forecast is not None:
            mean = workload.read(self.forecast, self.tick, times)
        elif self.update is not None and self.update.workload is not None:
            mean = workload.trend(self.update.workload, times, self.policy)
        else:
            return None
        return bands.around(mean, self.accuracy.deviation(times, self.policy))

    @property
    def inputs(self) -> Iterator[str]:
        """Ids of all events here, each once."""
        events = (
            self.update,
            self.forecast,
            self.declaration,
            *self.overrides,
            self.answer,
            self.rescale,
            self.latest,
            *self.recoveries,
            self.pending or self.advice,
            *self.rescales,
        )
        last = (self.memory.good.get(signal) for signal in self.stood_in)
        found = [
            self.opened.report,
            self.waited_until,
            *(event.id for event in events if event),
            *self.memory.sources(self.tick),
            *(good.update for good in last if good),
        ]
        return iter(dict.fromkeys(known for known in found if known is not None))

    def age(self, instant: datetime) -> float:
        """Return the seconds from an instant to the tick's end."""
        return (self.tick - instant).total_seconds()

    def _warm_up(self, update: CapacityUpdate) -> float:
        """Return the seconds until new workers work.

        Where a Kafka Streams job was not seen to scale up yet it is taken to be the time after
        which samples are learned from: its new workers get partitions and state first.
        """
        if update.warm_up is not None:
            return update.warm_up.mean
        return self.policy.warm_up if self.spec.engine.kind is EngineKind.KAFKA_STREAMS else 0.0

    def situation(self) -> Situation | Reason:
        """Return what a planner decides on, or what is missing for that."""
        update, expected, paths = self.update, self.expected, self.paths
        if update is None:
            return Reason.ANALYZER_MISSING
        if update.scale_out is None:
            return Reason.SCALE_OUT_UNKNOWN
        if update.workload is None or expected is None or paths is None:
            return Reason.WORKLOAD_UNKNOWN
        if update.lag is None:
            return Reason.LAG_UNKNOWN
        interval = update.checkpoint_interval
        return Situation(
            scale_out=update.scale_out,
            capacities=_capacities(update),
            workload=update.workload.mean,
            forecast=expected,
            step=float(workload.grid(self.policy)[0]),
            lag=update.lag,
            since=self.since,
            checkpoint_interval=self.policy.checkpoint_interval if interval is None else interval,
            downtime_up=update.downtime_up,
            downtime_down=update.downtime_down,
            bounds=self.bounds,
            policy=self.policy,
            paths=paths,
            warm_up=self._warm_up(update),
            usual=self.objective.usual,
            late=self.objective.told(self.policy),
            warming=update.warming,
        )


def _capacities(update: CapacityUpdate) -> dict[int, CapacityPoint]:
    points = {point.scale_out: point for point in update.table}
    if update.scale_out is not None and update.capacity is not None:
        now = CapacityPoint(
            scale_out=update.scale_out, capacity=update.capacity, basis=Basis.OBSERVED
        )
        points.setdefault(update.scale_out, now)
    return points


def gather(
    control: JobControl, state: PlannerState, opened: OpenTick, waited_until: str | None
) -> Evidence | None:
    """Return what counts at a tick; None when the job is not declared then."""
    tick = opened.tick
    declaration = control.declaration(tick)
    if declaration is None:
        return None
    policy = declaration.spec.policy
    news = tick - timedelta(seconds=policy.loop + policy.forecast_grace)
    forecast = forecast_of(state, tick, policy) or _previous(state, tick, policy)
    outcomes, seen = state.known(ScaleOutcome, tick, policy), capacity_of(state, tick)
    rescale = next((past for past in reversed(outcomes) if changes(past)), None)
    return Evidence(
        opened=opened,
        waited_until=waited_until,
        declaration=declaration,
        overrides=control.overrides_at(tick, policy.forecast_grace),
        answer=None if policy.approval == "none" else control.answer(tick, policy.forecast_grace),
        seen=seen,
        update=_filled(seen, forecast, state.memory, tick, policy),
        forecast=forecast,
        outcomes=outcomes,
        recoveries=tuple(past for past in state.known(Recovery, tick, policy) if past.at > news),
        command=state.command,
        memory=reverts.judged(state.memory, rescale, seen, tick, policy),
        accuracy=state.accuracy,
        objective=measured(state, tick, policy),
    )


def _filled(
    seen: CapacityUpdate | None,
    forecast: Forecast | None,
    memory: Memory,
    tick: datetime,
    policy: Policy,
) -> CapacityUpdate | None:
    if seen is None:
        return None
    now = None
    if forecast is not None:
        now = float(workload.read(forecast, tick, np.zeros(1))[0])
    return stand_ins.filled(seen, now, memory.good, tick, policy.courtesies.unknown)


def forecast_of(state: PlannerState, tick: datetime, policy: Policy) -> Forecast | None:
    """Return the forecast of a tick by the forecaster that the policy names."""
    return next(
        (
            forecast
            for forecast in state.forecasts
            if forecast.tick == tick and forecast.forecaster == policy.forecaster
        ),
        None,
    )


def _previous(state: PlannerState, tick: datetime, policy: Policy) -> Forecast | None:
    earlier = [
        forecast
        for forecast in state.forecasts
        if forecast.tick < tick
        and forecast.forecaster == policy.forecaster
        and workload.serves(forecast, tick, policy)
    ]
    return earlier[-1] if earlier else None
