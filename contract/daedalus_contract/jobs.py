"""The jobs that are played to a service: their names, their specs, and what happens to them.

All in event time, and the same for the same run: a tick's events are made anew byte by byte.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from daedalus_shared.events import (
    Basis,
    CapacityPoint,
    CapacityUpdate,
    Declaration,
    Downtime,
    Forecast,
    JobMetrics,
    Sample,
    Worker,
    Workload,
)
from daedalus_shared.job_spec import JobSpec
from daedalus_shared.ticks import next_end
from daedalus_shared.topics import partition_of

LOOP, REPORT, SAMPLE = 6.0, 3.0, 1.0
"""Seconds between two ticks, reports and samples: a tenth of what is usual."""

LEAST, MOST = 1, 8
"""Workers that a job may have."""

CAPACITY = 100.0
"""Records/s that one worker can process."""

PLAYER = "contract"
"""Who plays all roles but the one under test."""

SPREAD = 3
"""Partitions that the jobs lie on at least, where there are as many."""


def names(run: str, count: int, partitions: int) -> list[str]:
    """Return jobs' names on several partitions.

    >>> jobs = names("x", 4, 12)
    >>> len({partition_of(job, 12) for job in jobs})
    4
    """
    found: list[str] = []
    taken: set[int] = set()
    number = 0
    while len(found) < count:
        name = f"contract-{run}-{number}"
        place = partition_of(name, partitions)
        number += 1
        if place not in taken or len(taken) == partitions:
            found.append(name)
            taken.add(place)
    return found


def spec(job: str, grace: float, **policy: Any) -> JobSpec:
    """Return the spec of a job whose time is a tenth of what is usual."""
    engine = policy.pop("engine", {"kind": "flink", "rest": "http://contract"})
    read = policy.pop("input", {"bootstrap": "contract", "topics": ["in"], "group": job})
    return JobSpec.model_validate(
        {
            "job": job,
            "engine": engine,
            "input": read,
            "workers": {"kind": "none"},
            "scale": {"min": LEAST, "max": MOST},
            "policy": {
                "mode": "act",
                "loop": LOOP,
                "report": REPORT,
                "sample": SAMPLE,
                "forecast_grace": grace,
                "horizon": 240.0,
                "rules_horizon": 90.0,
                "forecast_step": 6.0,
                "settle": 6.0,
                "quiet": 6.0,
                "warm_up": 3.0,
                "checkpoint_interval": 1.0,
                "recovery_watch": 18.0,
                "recovery_target": 60.0,
                "converge_within": 30.0,
                **policy,
            },
        }
    )


def declaration(found: JobSpec, at: datetime) -> Declaration:
    """Return the control event that declares a job."""
    return Declaration(job=found.job, at=at, source=f"console/{PLAYER}", spec=found)


@dataclass
class Course:
    """What happens to one job, tick by tick."""

    job: str
    tick: datetime
    """The end of the tick that was told last."""

    scale_out: int = 4
    lag: float = 0.0
    load: float = 0.6
    """Arrivals as a part of what four workers can process."""

    @classmethod
    def before(cls, job: str, moment: datetime, ticks: int) -> "Course":
        """Return a course whose next so many ticks all end before `moment`."""
        first = moment - timedelta(seconds=(ticks + 2) * LOOP)
        return cls(job, next_end(job, LOOP, first))

    def workload(self, at: datetime) -> float:
        """Return the arrivals, records/s."""
        seconds = (at - datetime(2026, 1, 1, tzinfo=at.tzinfo)).total_seconds()
        return round(4 * CAPACITY * self.load * (1 + 0.2 * math.sin(seconds / 20)), 3)

    def advance(self, *, known: bool = True) -> list[JobMetrics]:
        """Return the reports of the next tick, the last of which closes it.

        With `known=False` nobody could read what arrives.
        """
        begin = self.tick
        self.tick = next_end(self.job, LOOP, begin)
        seconds = range(1, round(LOOP) + 1)
        samples = [self._sample(begin + timedelta(seconds=each), known) for each in seconds]
        half = len(samples) // 2
        return [
            self._report(samples[:half], samples[half - 1].at, None),
            self._report(samples[half:], self.tick, self.tick),
        ]

    def update(self, loop: int) -> CapacityUpdate:
        """Return what an analyzer would say of the tick that was told last."""
        mean = self.workload(self.tick)
        prior = Downtime(mean=3.0, spread=0.0, seen=0)
        return CapacityUpdate(
            job=self.job,
            at=self.tick,
            tick=self.tick,
            source=f"analyzer/{PLAYER}",
            loop=loop,
            scale_out=self.scale_out,
            capacity=CAPACITY * self.scale_out,
            capacity_error=CAPACITY * 0.02,
            table=tuple(
                CapacityPoint(scale_out=each, capacity=CAPACITY * each, basis=Basis.FITTED)
                for each in range(LEAST, MOST + 1)
            ),
            workload=Workload(mean=mean, minimum=mean, maximum=mean, level=mean, slope=0.0),
            lag=self.lag,
            uptime=3600.0,
            checkpoint_interval=1.0,
            downtime_up=prior,
            downtime_down=prior,
        )

    def forecast(self) -> Forecast:
        """Return what a forecaster would say of the tick that was told last."""
        return Forecast(
            job=self.job,
            at=self.tick,
            tick=self.tick,
            source=f"forecaster/{PLAYER}",
            step=6.0,
            horizon=240.0,
            mean=(self.workload(self.tick),) * 40,
            forecaster=PLAYER,
            model="constant",
        )

    def _report(self, samples: list[Sample], at: datetime, tick: datetime | None) -> JobMetrics:
        return JobMetrics(
            job=self.job,
            at=at,
            source=f"monitor/{PLAYER}",
            samples=tuple(samples),
            input_partitions=12,
            max_parallelism=128,
            checkpoint_interval=1.0,
            tick=tick,
        )

    def _sample(self, at: datetime, known: bool) -> Sample:
        arrivals = self.workload(at)
        possible = CAPACITY * self.scale_out
        done = min(arrivals + self.lag, possible)
        self.lag = round(self.lag + arrivals - done, 3)
        return Sample(
            at=at,
            scale_out=self.scale_out,
            workload=arrivals if known else None,
            lag=self.lag,
            uptime=3600.0,
            workers=tuple(self._workers(done)),
            unknown={"latency": "not played"} | ({} if known else {"workload": "not played"}),
        )

    def _workers(self, done: float) -> Iterator[Worker]:
        for number in range(self.scale_out):
            rate = done / self.scale_out
            cpu = min(1.0, 0.05 + 0.95 * rate / CAPACITY)
            yield Worker(id=f"w{number}", cpu=round(cpu, 4), throughput=round(rate, 3))


GARBAGE: tuple[tuple[str, bytes | None, str | None], ...] = (
    ("no JSON", b"\xff\xfe{no JSON", ""),
    ("an unknown major version", b"{}", ".v99"),
    ("no headers", b"{}", None),
    ("no value", None, ""),
    ("JSON that is no event", b'["x", NaN, {"samples": 7}]', ""),
)
"""What a service must survive: what it is, the value, and what its type ends with instead of `.v1`
(None for no headers at all)."""
