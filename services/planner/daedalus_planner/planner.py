"""The planner: folds metrics, capacities and forecasts into one decision a tick.

A tick opens with the metrics that close it. It is decided when its capacity and the forecast of
the forecaster in use are there, or when the metrics pass its end by the grace; each once, in order.
"""

from datetime import datetime, timedelta
from typing import ClassVar

from pydantic import BaseModel

from daedalus_planner.decision import decide
from daedalus_planner.evidence import forecast_of, gather
from daedalus_planner.planners import planner
from daedalus_planner.state import OpenTick, PlannerState, capacity_of, decided, fold
from daedalus_shared.control import JobControl
from daedalus_shared.events import (
    CapacityUpdate,
    ControlEvent,
    Decision,
    Event,
    Forecast,
    JobMetrics,
    Recovery,
    ScaleCommand,
    ScaleOutcome,
)
from daedalus_shared.job_spec import Policy
from daedalus_shared.service import Step

_SIDE: frozenset[type[Event]] = frozenset({ScaleOutcome, Recovery, ControlEvent})
_ALL: frozenset[type[Event]] = _SIDE | {CapacityUpdate, Forecast}


class Planner:
    """One planner instance; `handle` also takes its own ScaleCommand, which a replay feeds."""

    SOURCES: ClassVar[tuple[type[Event], ...]] = (
        JobMetrics,
        CapacityUpdate,
        Forecast,
        ScaleOutcome,
        Recovery,
    )
    RESULTS: ClassVar[tuple[type[Event], ...]] = (Decision, ScaleCommand)
    KIND: ClassVar[str] = "PlannerState"
    VERSION: ClassVar[int] = 2
    STATE: ClassVar[type[BaseModel]] = PlannerState

    def __init__(self, instance: str, plan: str | None = None) -> None:
        """Name the instance; it decides by `plan`, else by its name, else by `horizon`."""
        self.name = "planner"
        self.instance = instance
        self._plan = planner(instance, plan)

    def needs(
        self, control: JobControl, state: PlannerState | None, event: Event
    ) -> frozenset[type[Event]]:
        """Return what must be read before `event`, where a decision falls with it.

        The spec is read when a tick opens, since it says whether and how the tick is decided; where
        it is unknown so far, a tick whose capacity is there counts as about to be decided.
        """
        if not isinstance(event, (JobMetrics, CapacityUpdate, Forecast)):
            return frozenset()
        before = state or PlannerState()
        after = fold(control, before, event)
        if not after.open:
            return frozenset()
        if isinstance(event, JobMetrics) and _overdue(control, after.open[0], event):
            return _ALL
        if _may_be_decided(control, after):
            return _SIDE
        opens = len(after.open) > len(before.open)
        return frozenset({ControlEvent}) if opens else frozenset()

    def handle(
        self, control: JobControl, state: PlannerState | None, event: Event
    ) -> Step[PlannerState]:
        """Fold one event, and decide every tick that can be decided then."""
        step = self._fold(control, state, event)
        if step.state is not None and _is_over(control, step.state, event):
            return Step(None, step.events)
        return step

    def _fold(
        self, control: JobControl, state: PlannerState | None, event: Event
    ) -> Step[PlannerState]:
        if isinstance(event, ControlEvent):
            return Step(state)
        if isinstance(event, JobMetrics) and event.tick and control.spec(event.tick) is None:
            return Step(state)
        before = state or PlannerState()
        after = fold(control, before, event)
        if not isinstance(event, (JobMetrics, CapacityUpdate, Forecast)):
            return Step(state if after is before else after)
        step = self._decide_open(control, after, event if isinstance(event, JobMetrics) else None)
        return Step(state) if step.state is before else step

    def _decide_open(
        self, control: JobControl, state: PlannerState, report: JobMetrics | None
    ) -> Step[PlannerState]:
        """Decide the open ticks, oldest first, up to one that still has to wait."""
        events: list[Event] = []
        while state.open:
            opened = state.open[0]
            late = report is not None and _overdue(control, opened, report)
            complete = _complete(control, state, opened)
            if not complete and not late:
                break
            state = _unlearned(control, state, opened.tick)
            waited_until = report.id if report is not None and not complete else None
            evidence = gather(control, state, opened, waited_until)
            if evidence is None:  # forgotten since the tick was opened
                state = state.model_copy(update={"open": state.open[1:]})
                continue
            decision, command, memory = decide(evidence, self._plan, self.instance)
            events.extend([decision, command] if command else [decision])
            last = command or evidence.pending or evidence.advice
            state = decided(state, opened.tick, evidence.policy, last, memory)
        return Step(state, tuple(events))


def _is_over(control: JobControl, state: PlannerState, event: Event) -> bool:
    """Whether the job is forgotten, and no tick before that is left to be decided."""
    if control.newest is not None or not control.forgets or state.open:
        return False
    forgotten_at = control.forgets[-1].at
    policy = None if state.decided is None else _policy(control, state.decided)
    if state.decided is None or policy is None:
        return event.at >= forgotten_at
    return state.decided + timedelta(seconds=policy.loop) >= forgotten_at


def _unlearned(control: JobControl, state: PlannerState, tick: datetime) -> PlannerState:
    """Return the state with nothing learned where the tick is the first to count a Forget."""
    policy = _policy(control, tick)
    if state.decided is None or policy is None:
        return state
    forgets = control.forgets_between(state.decided, tick, policy.forecast_grace)
    return state.unlearned() if forgets else state


def _policy(control: JobControl, tick: datetime) -> Policy | None:
    spec = control.spec(tick)
    return spec.policy if spec else None


def _complete(control: JobControl, state: PlannerState, opened: OpenTick) -> bool:
    """Whether all that a tick waits for is there; nothing, when its job is not declared."""
    policy = _policy(control, opened.tick)
    if policy is None:
        return True
    return (
        capacity_of(state, opened.tick) is not None
        and forecast_of(state, opened.tick, policy) is not None
    )


def _may_be_decided(control: JobControl, state: PlannerState) -> bool:
    opened = state.open[0]
    if _policy(control, opened.tick) is None:
        return capacity_of(state, opened.tick) is not None
    return _complete(control, state, opened)


def _overdue(control: JobControl, opened: OpenTick, report: JobMetrics) -> bool:
    """Whether the metrics have passed the tick's end by the grace."""
    policy = _policy(control, opened.tick)
    if policy is None:
        return False
    return report.at >= opened.tick + timedelta(seconds=policy.forecast_grace)
