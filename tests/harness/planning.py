"""A planner under test: its events made from plain values, and delivered as the shell does."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from daedalus_planner.planner import Planner
from daedalus_planner.state import PlannerState
from daedalus_shared.control import JobControl
from daedalus_shared.events import (
    Basis,
    CapacityPoint,
    CapacityUpdate,
    ControlEvent,
    Decision,
    Declaration,
    Downtime,
    Event,
    Forecast,
    JobMetrics,
    Override,
    OverrideKind,
    Sample,
    ScaleCommand,
    ScaleOutcome,
    Status,
    Workload,
)
from daedalus_shared.job_spec import JobSpec

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def declared(at: float = -3600, scale_max: int = 8, **policy: Any) -> Declaration:
    spec = JobSpec.model_validate(
        {
            "job": "j",
            "engine": {"kind": "flink", "rest": "http://jobmanager:8081"},
            "input": {"bootstrap": "kafka:9092", "topics": ["in"], "group": "j"},
            "workers": {"kind": "none"},
            "scale": {"min": 1, "max": scale_max},
            "policy": {"mode": "act", "planner": "rules", **policy},
        }
    )
    return Declaration(job="j", at=after(at), source="console/cli", spec=spec)


def metrics(at: float, tick: float | None = None, scale_out: int | None = 4) -> JobMetrics:
    return JobMetrics(
        job="j",
        at=after(at),
        source="monitor/monitor",
        samples=(Sample(at=after(at), scale_out=scale_out),),
        tick=None if tick is None else after(tick),
    )


def closing(tick: float, scale_out: int | None = 4) -> JobMetrics:
    return metrics(tick, tick, scale_out)


def capacity(tick: float, **changed: Any) -> CapacityUpdate:
    """Four workers of 100 records/s each, and 250/s to do: three would last."""
    rate = changed.pop("rate", 250.0)
    prior = Downtime(mean=30.0, spread=0.0, seen=0)
    found = CapacityUpdate(
        job="j",
        at=after(tick),
        tick=after(tick),
        source="analyzer/analyzer",
        loop=1,
        scale_out=4,
        capacity=400.0,
        table=tuple(
            CapacityPoint(scale_out=q, capacity=100.0 * q, basis=Basis.ESTIMATED)
            for q in range(1, 9)
        ),
        workload=Workload(mean=rate, minimum=rate, maximum=rate, level=rate, slope=0.0),
        lag=0.0,
        uptime=3600.0,
        downtime_up=prior,
        downtime_down=prior.model_copy(update={"mean": 15.0}),
    )
    return found.model_copy(update=changed)


def forecast(tick: float, rate: float = 250.0, forecaster: str = "daedalus") -> Forecast:
    return Forecast(
        job="j",
        at=after(tick),
        tick=after(tick),
        source=f"forecaster/{forecaster}",
        step=60.0,
        horizon=900.0,
        mean=(rate,) * 15,
        quantiles={"0.5": (rate,) * 15},
        forecaster=forecaster,
        model="constant",
    )


def outcome(command: ScaleCommand, at: float, status: Status, **changed: Any) -> ScaleOutcome:
    done = status is Status.APPLIED
    found = ScaleOutcome(
        job="j",
        at=after(at),
        tick=command.tick,
        source="executor/executor",
        command=command.id,
        from_scale_out=command.from_scale_out,
        to_scale_out=command.to_scale_out,
        scale_out=command.to_scale_out if done else command.from_scale_out,
        generation=1,
        status=status,
        started_at=after(at - 5) if done else None,
        converged_at=after(at - 1) if done else None,
        dry_run=command.dry_run,
    )
    return found.model_copy(update=changed)


def override(kind: OverrideKind, at: float, until: float, **changed: Any) -> Override:
    return Override(
        job="j",
        at=after(at),
        source="console/cli",
        kind=kind,
        until=after(until),
        author="ada",
        **changed,
    )


@dataclass
class Shell:
    """Delivers events as the real shell does: what `needs` names is read to its end first."""

    planner: Planner = field(default_factory=lambda: Planner("rules"))
    control: JobControl = field(default_factory=JobControl)
    state: PlannerState | None = None
    topics: dict[str, list[Event]] = field(default_factory=dict)
    read: dict[str, int] = field(default_factory=dict)
    published: list[Event] = field(default_factory=list)
    restarting: bool = False
    twice: bool = False
    reading: set[str] = field(default_factory=set)

    def feed(self, *events: Event) -> list[Event]:
        """Write events to their topics and deliver them in this order."""
        before = len(self.published)
        for event in events:
            self.topics.setdefault(event.NAME, []).append(event)
            if self.read.get(event.NAME, 0) < len(self.topics[event.NAME]):
                self.deliver(event.NAME)
        return self.published[before:]

    def deliver(self, topic: str) -> None:
        """Deliver the next event of a topic, if one is left."""
        place = self.read.get(topic, 0)
        if place == len(self.topics.get(topic, [])):
            return
        event = self.topics[topic][place]
        if isinstance(event, ControlEvent):
            self.control = self.control.fold(event)
        self.reading.add(topic)
        needed = {other.NAME for other in self.planner.needs(self.control, self.state, event)}
        assert topic not in needed
        for other in sorted(needed - self.reading):
            for _ in range(len(self.topics.get(other, [])) - self.read.get(other, 0)):
                self.deliver(other)
        self.reading.discard(topic)
        self.fold(event)
        self.read[topic] = place + 1

    def fold(self, event: Event) -> None:
        step = self.planner.handle(self.control, self.state, event)
        self.published.extend(step.events)
        self.state = step.state
        if self.twice:
            again = self.planner.handle(self.control, self.state, event)
            assert again.state is self.state
            assert again.events == ()
        if self.restarting and self.state is not None:
            snapshot = json.dumps(self.state.model_dump(mode="json"))
            self.state = PlannerState.model_validate(json.loads(snapshot))

    @property
    def decisions(self) -> list[Decision]:
        return [event for event in self.published if isinstance(event, Decision)]

    @property
    def commands(self) -> list[ScaleCommand]:
        return [event for event in self.published if isinstance(event, ScaleCommand)]

    def tick(self, at: float, **changed: Any) -> Decision:
        """Feed all of one tick and return its decision."""
        rate = changed.get("rate", 250.0)
        p = changed.get("scale_out", 4)
        self.feed(closing(at, p), capacity(at, **changed), forecast(at, rate))
        last = self.decisions[-1]
        assert last.tick == after(at)
        return last


def running(**policy: Any) -> Shell:
    shell = Shell()
    shell.feed(declared(**policy))
    return shell
