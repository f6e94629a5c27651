"""The rule of Kubernetes' HorizontalPodAutoscaler as a planner: CPU in, commands out.

It reads metrics alone, forecasts nothing and learns nothing. While a command of its own is on its
way it waits, as the real one finds its Deployment's replicas already changed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from daedalus_shared.control import JobControl
from daedalus_shared.events import (
    ControlEvent,
    Decision,
    Event,
    JobMetrics,
    Promise,
    ScaleCommand,
    ScaleOutcome,
)
from daedalus_shared.events.base import Instant
from daedalus_shared.hpa import STABILISATION_DOWN, STABILISATION_UP, Behavior, desired
from daedalus_shared.job_spec import JobSpec
from daedalus_shared.service import Step


class HpaState(BaseModel):
    """What it remembers of a job."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    at: Instant
    """`at` of the newest report: what is not newer was seen."""

    seen: tuple[tuple[int, int], ...] = ()
    """Job's second → workers that the rule recommended then, as long as they count."""

    pending: str | None = None
    """Id of the command whose outcome is awaited."""

    until: Instant | None = None
    """How long it is awaited."""

    generation: int | None = Field(default=None, ge=0)
    """Generation of the newest outcome."""


@dataclass(frozen=True, slots=True)
class View:
    """What a report says to the rule."""

    at: datetime
    """Its end."""

    scale_out: int
    """Workers then."""

    utilisation: float
    """Mean CPU of the workers over the report, as a part of what they may use."""


class Hpa:
    """The service's fold."""

    SOURCES: ClassVar[tuple[type[Event], ...]] = (JobMetrics, ScaleOutcome)
    RESULTS: ClassVar[tuple[type[Event], ...]] = (Decision, ScaleCommand)
    KIND: ClassVar[str] = "HpaState"
    VERSION: ClassVar[int] = 1
    STATE: ClassVar[type[BaseModel]] = HpaState

    name = "planner"

    def __init__(self, instance: str = "hpa", target: float = 0.8, speed: float = 1.0) -> None:
        """Make the service.

        Args:
            instance: By which a job's spec chooses it as its planner.
            target: Mean CPU wanted, as a part of what a worker may use.
            speed: Seconds of the job's time in one second: its windows are so much shorter.
        """
        self.instance = instance
        self._target = target
        self._speed = speed

    def needs(
        self, control: JobControl, state: HpaState | None, event: Event
    ) -> frozenset[type[Event]]:
        """Return what must be read before a report: bounds, and what became of the last command."""
        del control, state
        return frozenset({ControlEvent, ScaleOutcome} if isinstance(event, JobMetrics) else ())

    def handle(self, control: JobControl, state: HpaState | None, event: Event) -> Step[HpaState]:
        """Fold one event; a report may lead to a command."""
        if isinstance(event, ControlEvent):
            return Step(state if control.newest is not None else None)
        if isinstance(event, ScaleOutcome):
            return Step(_answered(state, event))
        if not isinstance(event, JobMetrics) or (state is not None and event.at <= state.at):
            return Step(state)
        before = state or HpaState(at=event.at)
        after = before.model_copy(update={"at": event.at})
        spec, view = control.spec(event.at), _view(event)
        if spec is None or spec.policy.planner != self.instance or view is None:
            return Step(after)
        return self._sync(spec, after, view)

    def _sync(self, spec: JobSpec, state: HpaState, view: View) -> Step[HpaState]:
        """Look once, as the real one does each 15 s."""
        recommended = desired(view.scale_out, view.utilisation, self._target)
        second = round(view.at.timestamp() * self._speed)
        behavior = Behavior(least=spec.scale.min, most=spec.scale.max)
        # What runs at first counts as recommended before.
        earlier = state.seen or ((second - 1, view.scale_out),)
        for moment, pods in earlier:
            behavior.obey(moment, view.scale_out, pods)
        wanted = behavior.obey(second, view.scale_out, recommended)
        window = max(STABILISATION_UP, STABILISATION_DOWN)
        seen = (*(one for one in earlier if one[0] > second - window), (second, recommended))
        state = state.model_copy(update={"seen": seen})
        waits = state.pending is not None and state.until is not None and view.at < state.until
        if wanted == view.scale_out or waits:
            return Step(state)
        decision, command = self._command(spec, state, view, wanted)
        until = command.expires_at + timedelta(seconds=spec.policy.converge_within)
        pending = {"pending": command.id, "until": until}
        return Step(state.model_copy(update=pending), (decision, command))

    def _command(
        self, spec: JobSpec, state: HpaState, view: View, wanted: int
    ) -> tuple[Decision, ScaleCommand]:
        policy = spec.policy
        told = f"{view.utilisation:.0%} of the CPU is used on average, {self._target:.0%} is wanted"
        command = ScaleCommand(
            job=spec.job,
            at=view.at,
            tick=view.at,
            source=f"planner/{self.instance}",
            from_scale_out=view.scale_out,
            to_scale_out=wanted,
            expected_generation=state.generation,
            expires_at=view.at + timedelta(seconds=policy.command_expiry_loops * policy.loop),
            decision="",
            promise=Promise(),
            dry_run=policy.mode == "advise",
        )
        decision = Decision(
            job=spec.job,
            at=view.at,
            tick=view.at,
            source=command.source,
            planner=self.instance,
            scale_out=view.scale_out,
            chosen=wanted,
            reason="scale_up" if wanted > view.scale_out else "scale_down",
            sentence=f"Scale from {view.scale_out} to {wanted} workers: {told}.",
            command=command.id,
            dry_run=command.dry_run,
        )
        return decision, command.model_copy(update={"decision": decision.id})


def _answered(state: HpaState | None, outcome: ScaleOutcome) -> HpaState | None:
    if state is None:
        return None
    known = max(state.generation or 0, outcome.generation)
    change: dict[str, object] = {"generation": known}
    if outcome.command == state.pending:
        change |= {"pending": None, "until": None}
    after = state.model_copy(update=change)
    return state if after == state else after


def _view(report: JobMetrics) -> View | None:
    """Return the scale-out at a report's end and the mean CPU over it; None when unknown."""
    known = [sample for sample in report.samples if sample.scale_out]
    if not known or known[-1].at < report.samples[-1].at:
        return None
    last = known[-1].scale_out or 0
    used = [
        worker.cpu
        for sample in known
        if sample.scale_out == last
        for worker in sample.workers
        if worker.cpu is not None
    ]
    if not used:
        return None
    return View(report.at, last, sum(used) / len(used))
