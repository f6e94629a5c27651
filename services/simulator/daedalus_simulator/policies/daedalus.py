"""Daedalus as a policy: monitor and executor are played, all else is the services' own code."""

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from daedalus_shared.events import (
    Approval,
    ControlEvent,
    Event,
    JobMetrics,
    Override,
    Sample,
    ScaleCommand,
    ScaleOutcome,
)
from daedalus_shared.events.scaling import Status
from daedalus_shared.job_spec import JobSpec
from daedalus_shared.ticks import next_end
from daedalus_simulator.controller import Controller
from daedalus_simulator.domain.policy import View
from daedalus_simulator.domain.seen import Monitor
from daedalus_simulator.domain.world import MOST

JOB = "backtest"

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

_FAR = datetime(9000, 1, 1, tzinfo=UTC)
"""An end that is as good as none, and can be moved."""


def declared(engine: str = "flink", policy: Mapping[str, Any] | None = None) -> JobSpec:
    """Return the spec of a simulated job.

    Args:
        engine: A name in `ENGINES`.
        policy: Settings of the policy; the others have their defaults.
    """
    streams = engine == "kafka-streams"
    kind: dict[str, str] = {"kind": engine} if streams else {"kind": "flink", "rest": "http://none"}
    return JobSpec.model_validate(
        {
            "job": JOB,
            "engine": kind,
            "input": {"bootstrap": "none:9092", "topics": ["input"], "group": JOB},
            "workers": {"kind": "none"},
            "scale": {"min": 1, "max": MOST},
            "policy": {"mode": "act", **(policy or {})},
        }
    )


class DaedalusPolicy:
    """Feeds a `Controller` with what it sees of a job, and carries out its commands."""

    def __init__(
        self,
        spec: JobSpec,
        *,
        keep: bool = False,
        begin: datetime = _EPOCH,
        control: Iterable[ControlEvent] = (),
    ) -> None:
        """Make a policy.

        Args:
            spec: The job's; a run always acts, whatever its mode.
            keep: Keep all events in `events`, for plots and explanations.
            begin: When the run begins, at most a loop later; windows of the calendar depend on it.
            control: What people ask for meanwhile, at its instants after `begin`.
        """
        acting = spec.policy.model_copy(update={"mode": "act"})
        self._spec = spec.model_copy(update={"policy": acting})
        self._controller = Controller(self._spec)
        self._keep = keep
        self.events: list[Event] = []
        self.name = f"daedalus/{acting.planner}"
        self.interval = max(1, round(acting.sample))
        # A tick ends with the run's first second, so that ticks fall on whole seconds.
        self._start = next_end(spec.job, acting.loop, begin)
        later = self._start - begin
        asked = sorted((_moved(event, later) for event in control), key=lambda event: event.at)
        self._asked = deque(asked)
        self._tick = next_end(spec.job, acting.loop, self._start)
        self._reported = self._start
        self._samples: list[Sample] = []
        self._command: ScaleCommand | None = None
        self._monitor = Monitor(spec.engine.kind)
        self._generation = 0

    def decide(self, job: View) -> int | None:
        """Look at the job; report each interval, and return what a command asks for."""
        look = job.look(self.interval)
        now = self._start + timedelta(seconds=look.second)
        self._samples.append(self._monitor.sample(look, now))
        if job.outage is not None and self._command is not None:
            self._observe(self._outcome(now, self._command, job.outage))
        while self._asked and self._asked[0].at <= now:
            self._observe(self._asked.popleft())
        wanted = None
        if now >= min(self._reported + timedelta(seconds=self._spec.policy.report), self._tick):
            for event in self._observe(self._report(now)):
                if isinstance(event, ScaleCommand) and not event.dry_run:
                    self._command = event
                    wanted = event.to_scale_out
        return wanted

    def _observe(self, event: Event) -> list[Event]:
        found = self._controller.observe(event)
        if self._keep:
            self.events += [event, *found]
        return found

    def _report(self, now: datetime) -> JobMetrics:
        tick = None
        if now >= self._tick:
            tick, self._tick = now, next_end(self._spec.job, self._spec.policy.loop, now)
        samples, self._samples = tuple(self._samples), []
        self._reported = now
        # The values are ours, and validating them again takes longer than all else here.
        return JobMetrics.model_construct(
            job=self._spec.job,
            at=now,
            source="monitor/backtest",
            samples=samples,
            checkpoint_interval=self._spec.policy.checkpoint_interval,
            tick=tick,
        )

    def _outcome(self, now: datetime, command: ScaleCommand, outage: float) -> ScaleOutcome:
        self._command = None
        self._generation += 1
        converged = command.at + timedelta(seconds=outage)
        return ScaleOutcome(
            job=command.job,
            at=now,
            tick=command.tick,
            source="executor/backtest",
            command=command.id,
            from_scale_out=command.from_scale_out,
            to_scale_out=command.to_scale_out,
            scale_out=command.to_scale_out,
            generation=self._generation,
            status=Status.APPLIED,
            downtime=outage,
            started_at=command.at,
            converged_at=min(converged, now),
            promise=command.promise,
        )


def _moved(event: ControlEvent, later: timedelta) -> ControlEvent:
    """Return an event as if it had been asked for later, and ended later."""
    moved = {"at": event.at + later}
    until = event.until if isinstance(event, (Override, Approval)) else None
    if until is not None:
        moved["until"] = min(until, _FAR) + later
    return event.model_copy(update=moved)
