"""Simulated jobs that answer commands in event time: the same commands give the same metrics."""

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zlib import crc32

from daedalus_shared.events import (
    Declaration,
    JobMetrics,
    Sample,
    ScaleCommand,
    ScaleOutcome,
    Status,
    Worker,
)
from daedalus_shared.job_spec import JobSpec, Policy
from daedalus_shared.policy import Prices
from daedalus_shared.ticks import next_end

CAPACITY = 1000.0
"""Records/s that one worker processes at full load."""

MOST = 8
"""Workers at most."""


def policy(grace: float, planner: str = "horizon") -> Policy:
    """Return a policy with a 6-s loop; times that follow from the loop are cut alike.

    `rules` plans with the reference's forecasts, as in the reference.
    """
    return Policy(
        mode="act",
        planner=planner,
        model="arima" if planner == "rules" else "ensemble",
        loop=6.0,
        sample=1.0,
        report=3.0,
        forecast_grace=grace,
        horizon=240.0,
        rules_horizon=90.0,
        forecast_step=6.0,
        prices=Prices().compressed(10.0),
        recovery_target=60.0,
        settle=12.0,
        quiet=30.0,
        near=6.0,
        warm_up=6.0,
        downtime_up=3.0,
        downtime_down=2.0,
        checkpoint_interval=1.0,
        training_window=300.0,
        least_history=60.0,
        fallback_horizon=60.0,
        recovery_watch=60.0,
        anomaly_gap=3.0,
        command_expiry_loops=40.0,
    )


def declaration(job: str, at: datetime, settings: Policy) -> Declaration:
    """Return the declaration of a simulated job."""
    spec = JobSpec.model_validate(
        {
            "job": job,
            "engine": {"kind": "flink", "rest": "http://nowhere:1"},
            "input": {"bootstrap": "nowhere:1", "topics": ["in"], "group": job},
            "workers": {"kind": "none"},
            "scale": {"min": 1, "max": MOST},
            "policy": settings.model_dump(),
        }
    )
    return Declaration(job=job, at=at, source="console/test", spec=spec)


@dataclass
class SimulatedJob:
    """One job, stepped by the second; a command applies `delay` seconds after its tick."""

    name: str
    at: datetime
    policy: Policy
    delay: float
    scale_out: int = 4
    lag: float = 0.0
    generation: int = 0
    since: datetime = field(init=False)
    commands: dict[str, ScaleCommand] = field(default_factory=dict)
    _answered: set[str] = field(default_factory=set)
    _samples: list[Sample] = field(default_factory=list)
    _down_until: datetime = field(init=False)

    def __post_init__(self) -> None:
        # The first tick has a whole loop of samples, and looks are taken on the grid of the ticks.
        whole = self.at + timedelta(seconds=self.policy.loop)
        self._next_tick = next_end(self.name, self.policy.loop, whole)
        self.at = self._next_tick - timedelta(seconds=self.policy.loop)
        self.since = self._down_until = self.at
        self._phase = crc32(self.name.encode()) % 1000 / 1000 * 2 * math.pi

    def workload(self, at: datetime) -> float:
        """Return the arrivals at an instant, records/s."""
        seconds = (at - datetime(2026, 1, 1, tzinfo=at.tzinfo)).total_seconds()
        wave = math.sin(2 * math.pi * seconds / 150 + self._phase)
        ripple = math.sin(seconds * 1.7 + self._phase) * 0.04
        return round(MOST * CAPACITY * (0.45 + 0.33 * wave + ripple), 3)

    def step(self) -> list[JobMetrics | ScaleOutcome]:
        """Advance by one second, and return what is published then."""
        self.at += timedelta(seconds=1)
        events: list[JobMetrics | ScaleOutcome] = []
        events += self._apply_due()
        self._look()
        left = round((self._next_tick - self.at).total_seconds())
        if left % round(self.policy.report) == 0:
            events.append(self._report(self.at if left == 0 else None))
        if left == 0:
            self._next_tick = next_end(self.name, self.policy.loop, self.at)
        return events

    def _report(self, tick: datetime | None) -> JobMetrics:
        samples, self._samples = tuple(self._samples), []
        return JobMetrics(
            job=self.name,
            at=self.at,
            source="monitor/test",
            samples=samples,
            input_partitions=12,
            max_parallelism=MOST,
            checkpoint_interval=1.0,
            tick=tick,
        )

    def _apply_due(self) -> list[ScaleOutcome]:
        outcomes = []
        for command in self.commands.values():
            due = command.tick + timedelta(seconds=self.delay)
            if command.id in self._answered or due > self.at:
                continue
            self._answered.add(command.id)
            self.generation += 1
            before, self.scale_out = self.scale_out, command.to_scale_out
            self.since = self._down_until = self.at + timedelta(seconds=2)
            outcomes.append(
                ScaleOutcome(
                    job=self.name,
                    at=self.at,
                    tick=command.tick,
                    source="executor/test",
                    command=command.id,
                    from_scale_out=before,
                    to_scale_out=command.to_scale_out,
                    scale_out=command.to_scale_out,
                    generation=self.generation,
                    status=Status.APPLIED,
                    downtime=2.0,
                    started_at=self.at,
                    converged_at=self.at + timedelta(seconds=2),
                    promise=command.promise,
                )
            )
        return outcomes

    def _look(self) -> None:
        arrivals = self.workload(self.at)
        down = self.at < self._down_until
        skews = [1.0 + 0.1 * (-1) ** number for number in range(self.scale_out)]
        possible = 0.0 if down else CAPACITY * sum(skews) / max(skews)
        done = min(arrivals + self.lag, possible)
        self.lag = round(self.lag + arrivals - done, 3)
        shares = [skew / sum(skews) for skew in skews]
        workers = tuple(
            Worker(
                id=f"w{number}",
                cpu=round(min(1.0, 0.08 + 0.92 * done * share / CAPACITY), 6),
                throughput=round(done * share, 3),
                since=self.since,
            )
            for number, share in enumerate(shares)
        )
        self._samples.append(
            Sample(
                at=self.at,
                scale_out=self.scale_out,
                workload=arrivals,
                lag=self.lag,
                uptime=max(0.0, (self.at - self.since).total_seconds()),
                workers=workers,
                unknown={"latency": "not simulated"},
            )
        )
