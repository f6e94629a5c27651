"""Events of one job around one rescale, as the services would publish them."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from nicegui import Client, core
from nicegui.page import page

from daedalus_shared.events import (
    Candidate,
    CapacityPoint,
    CapacityUpdate,
    Decision,
    Declaration,
    Downtime,
    Event,
    Forecast,
    JobMetrics,
    Promise,
    Recovery,
    Sample,
    ScaleCommand,
    ScaleOutcome,
    Skew,
    Status,
    Worker,
    Workload,
)
from daedalus_shared.job_spec import JobSpec, read_spec

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

YSB = """
apiVersion: daedalus/v1
job: ysb
engine: {kind: flink, rest: http://jobmanager:8081}
input: {bootstrap: kafka:9092, topics: [ad-events], group: ysb}
workers: {kind: none}
scale: {min: 1, max: 8}
policy: {mode: act}
"""


@pytest.fixture
def ysb_file() -> str:
    return YSB


@pytest.fixture
def ysb() -> JobSpec:
    return read_spec(YSB)


@pytest.fixture
def noon() -> datetime:
    return NOON


@pytest.fixture
async def client(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    """A page's parts as a browser would have them, without one."""
    monkeypatch.setattr(core, "loop", asyncio.get_running_loop())
    found = Client(page("/nowhere"))
    yield found
    found.delete()


@dataclass(frozen=True)
class Past:
    """A scale-up from 4 to 6 workers at noon."""

    metrics: JobMetrics
    update: CapacityUpdate
    forecast: Forecast
    decision: Decision
    command: ScaleCommand
    outcome: ScaleOutcome
    recovery: Recovery
    declaration: Declaration

    @property
    def events(self) -> list[Event]:
        return [
            self.declaration,
            self.metrics,
            self.update,
            self.forecast,
            self.decision,
            self.command,
            self.outcome,
            self.recovery,
        ]


@pytest.fixture
def past(ysb: JobSpec) -> Past:
    promise = Promise(capacity=78_000, downtime=30, recovery=80)
    update = CapacityUpdate(
        job="ysb",
        at=NOON,
        tick=NOON,
        source="analyzer/analyzer",
        loop=7,
        scale_out=4,
        capacity=52_300,
        capacity_error=900,
        table=(CapacityPoint(scale_out=4, capacity=52_300, basis="observed", at=NOON),),
        workload=Workload(mean=41_200, minimum=38_000, maximum=44_000, level=43_000, slope=30),
        skew=Skew(hottest="tm-3", gap=0.12, capacity_without=60_000, gain_of_one_more=12_000),
        lag=104_600,
        downtime_up=Downtime(mean=30, spread=3, seen=4),
        downtime_down=Downtime(mean=15, spread=0, seen=0),
    )
    forecast = Forecast(
        job="ysb",
        at=NOON,
        tick=NOON,
        source="forecaster/daedalus",
        step=300,
        horizon=900,
        mean=(45_000, 50_000, 55_100),
        forecaster="daedalus",
        model="arima(2,1,1)",
        wape=0.04,
    )
    command = ScaleCommand(
        job="ysb",
        at=NOON,
        tick=NOON,
        source="planner/rules",
        from_scale_out=4,
        to_scale_out=6,
        expires_at=NOON + timedelta(minutes=2),
        decision="d",
        promise=promise,
    )
    decision = Decision(
        job="ysb",
        at=NOON,
        tick=NOON,
        source="planner/rules",
        planner="rules",
        scale_out=4,
        chosen=6,
        reason="scale_up",
        sentence="Scale from 4 to 6 workers: 55.1k/s are expected, 4 process 52.3k/s.",
        candidates=(
            Candidate(
                scale_out=4,
                capacity=52_300,
                basis="observed",
                recovery=200,
                forecast_max=55_100,
                verdict="below_forecast",
            ),
            Candidate(scale_out=5, capacity=40_000, basis="estimated", never=True, verdict="slow"),
            Candidate(
                scale_out=6,
                capacity=78_000,
                basis="estimated",
                recovery=80,
                forecast_max=55_100,
                verdict="lasts",
                why="78k/s last for the whole horizon",
            ),
        ),
        inputs=(update.id, forecast.id),
        workload=41_200,
        forecast_max=55_100,
        lag=104_600,
        promise=promise,
        command=command.id,
    )
    return Past(
        metrics=JobMetrics(
            job="ysb",
            at=NOON,
            source="monitor/monitor",
            tick=NOON,
            samples=(
                Sample(at=NOON - timedelta(seconds=5), scale_out=4, workload=41_000, lag=100_000),
                Sample(
                    at=NOON,
                    scale_out=4,
                    workload=43_000,
                    lag=104_600,
                    workers=(Worker(id="tm-1", cpu=0.9, throughput=10_000),),
                    unknown={"latency": "no such metric"},
                ),
            ),
        ),
        update=update,
        forecast=forecast,
        decision=decision,
        command=command,
        outcome=ScaleOutcome(
            job="ysb",
            at=NOON + timedelta(seconds=15),
            tick=NOON,
            source="executor/executor",
            command=command.id,
            from_scale_out=4,
            to_scale_out=6,
            scale_out=6,
            generation=1,
            status=Status.APPLIED,
            downtime=9.5,
            started_at=NOON + timedelta(seconds=1),
            converged_at=NOON + timedelta(seconds=14),
            promise=promise,
        ),
        recovery=Recovery(
            job="ysb",
            at=NOON + timedelta(seconds=90),
            tick=NOON,
            source="analyzer/analyzer",
            command=command.id,
            from_scale_out=4,
            to_scale_out=6,
            recovery=95,
            downtime=9.5,
            worst_lag=400_000,
            promise=promise,
        ),
        declaration=Declaration(
            job="ysb", at=NOON - timedelta(hours=1), source="console/ada", spec=ysb
        ),
    )
