"""A hand-made job for the analyzer: 60-s loops of 5-s samples in reports of 15 s."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from daedalus_analyzer.analyzer import Analyzer
from daedalus_analyzer.state import AnalyzerState
from daedalus_shared.control import JobControl
from daedalus_shared.events import (
    CapacityUpdate,
    Declaration,
    Event,
    JobMetrics,
    Recovery,
    Sample,
    ScaleOutcome,
    Status,
    Worker,
)
from daedalus_shared.job_spec import JobSpec

Signals = dict[str, tuple[float | None, float | None]]
"""Worker → CPU, throughput."""

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def spec(policy: dict[str, Any] | None = None, **scale: int) -> JobSpec:
    return JobSpec.model_validate(
        {
            "job": "ysb",
            "engine": {"kind": "flink", "rest": "http://jobmanager:8081"},
            "input": {"bootstrap": "kafka:9092", "topics": ["ads"], "group": "ysb"},
            "workers": {"kind": "none"},
            "scale": {"min": 1, "max": 4} | scale,
            "policy": policy or {},
        }
    )


def sample(second: float, workers: Signals, **known: Any) -> Sample:
    """A sample of workers {id: (cpu, throughput)}; arrivals equal the throughput unless given."""
    rates = [throughput for _, throughput in workers.values() if throughput is not None]
    values: dict[str, Any] = {
        "scale_out": len(workers) or None,
        "workload": sum(rates),
        "lag": 100.0,
        "uptime": 10_000.0 + second,
    }
    return Sample(
        at=at(second),
        workers=tuple(Worker(id=w, cpu=cpu, throughput=t) for w, (cpu, t) in workers.items()),
        **(values | known),
    )


def line(cpu: float) -> tuple[float, float]:
    """A worker of 900 records/s at full load that burns a tenth of its CPU when idle."""
    return cpu, 1000.0 * (cpu - 0.1)


def even(second: float, **cpus: float) -> Sample:
    """Workers on that line, alternating 0.1 around their mean CPU."""
    swing = 0.1 if round(second / 5) % 2 else -0.1
    return sample(second, {worker: line(cpu + swing) for worker, cpu in cpus.items()})


def reports(samples: Sequence[Sample], tick: float | None = None, **known: Any) -> list[JobMetrics]:
    """The samples of one loop in reports of three, the last of which closes the tick."""
    parts = [samples[i : i + 3] for i in range(0, len(samples), 3)] or [[]]
    found = []
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        end = at(tick) if last and tick is not None else part[-1].at
        closes = at(tick) if last and tick is not None else None
        found.append(
            JobMetrics(
                job="ysb",
                at=end,
                source="monitor/monitor",
                samples=tuple(part),
                tick=closes,
                **known,
            )
        )
    return found


def outcome(known_at: float, **known: Any) -> ScaleOutcome:
    values: dict[str, Any] = {
        "command": "command-1",
        "tick": START,
        "from_scale_out": 2,
        "to_scale_out": 3,
        "scale_out": 3,
        "generation": 1,
        "status": Status.APPLIED,
    }
    return ScaleOutcome(job="ysb", at=at(known_at), source="executor/executor", **(values | known))


@dataclass
class Play:
    """An analyzer whose state goes through JSON after each event, as a restart would send it."""

    control: JobControl
    analyzer: Analyzer = field(default_factory=Analyzer)
    state: AnalyzerState | None = None
    sent: list[Event] = field(default_factory=list)

    def feed(self, *events: Event) -> list[Event]:
        found: list[Event] = []
        for event in events:
            step = self.analyzer.handle(self.control, self.state, event)
            found += step.events
            self.state = None
            if step.state is not None:
                text = json.dumps(step.state.model_dump(mode="json"), allow_nan=False)
                self.state = AnalyzerState.model_validate(json.loads(text))
                assert self.state == step.state
        self.sent += found
        return found

    def loop(self, number: int, shape: Callable[[float], Sample], **known: Any) -> CapacityUpdate:
        """Feed the loop that ends at 60 · `number` s."""
        end = 60.0 * number
        samples = [shape(end - 55 + 5 * index) for index in range(12)]
        self.feed(*reports(samples, tick=end, **known))
        return self.updates[-1]

    @property
    def updates(self) -> list[CapacityUpdate]:
        return [event for event in self.sent if isinstance(event, CapacityUpdate)]

    @property
    def recoveries(self) -> list[Recovery]:
        return [event for event in self.sent if isinstance(event, Recovery)]


@dataclass(frozen=True)
class Kit:
    """The builders above, for tests that may not import from one another."""

    START = START
    at = staticmethod(at)
    spec = staticmethod(spec)
    sample = staticmethod(sample)
    line = staticmethod(line)
    even = staticmethod(even)
    reports = staticmethod(reports)
    outcome = staticmethod(outcome)

    @staticmethod
    def declared(declared: JobSpec) -> JobControl:
        event = Declaration(job="ysb", at=at(-3600), source="console/cli", spec=declared)
        return JobControl().fold(event)

    def play(self, policy: dict[str, Any] | None = None, **scale: int) -> Play:
        return Play(self.declared(spec(policy, **scale)))


@pytest.fixture(scope="session")
def kit() -> Kit:
    return Kit()
