"""The whole loop on real engines: the load doubles and falls again, and the job follows it.

Kafka, Flink and the five services run as processes, started by the local stack; the topics and
Flink itself are asked what came of it.
"""

import math
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from daedalus_local import lifecycle
from daedalus_local.flink_rest import FlinkRest
from daedalus_local.home import Home, Options, Stack
from daedalus_local.tape import Tape
from daedalus_shared.events import (
    DeadLetter,
    Decision,
    Event,
    JobMetrics,
    Recovery,
    ScaleCommand,
    ScaleOutcome,
    Status,
)
from harness.fixtures import need_tools

pytestmark = [pytest.mark.kafka, pytest.mark.flink, pytest.mark.timeout(900)]

FACTOR = 10.0
LOW, HIGH = 1200.0, 3600.0
QUIET, RISE, PEAK, FALL = 900, 2800, 300, 300
"""Seconds of the job's time: low, rising, high, falling; low again until the test ends. The rise is
slow enough for a trend to show in the minute in which the rules let a rescale settle."""

EVENTS = (JobMetrics, Decision, ScaleCommand, ScaleOutcome, Recovery, DeadLetter)


def trace(path: Path) -> Path:
    """Write a workload that rises to the threefold, holds, and falls."""
    # A load that never moves would not show how throughput follows CPU.
    rates = [LOW * (1 + 0.15 * math.sin(2 * math.pi * second / 720)) for second in range(QUIET)]
    rates += [LOW + (HIGH - LOW) * second / RISE for second in range(RISE)]
    rates += [HIGH] * PEAK
    rates += [HIGH - (HIGH - LOW) * second / FALL for second in range(FALL)]
    rates += [LOW] * 3000
    rows = [f"{second},{rate:.0f}" for second, rate in enumerate(rates)]
    path.write_text("\n".join(["second,count", *rows]) + "\n")
    return path


class Watched:
    """A running stack and what it has put on its topics."""

    def __init__(self, stack: Stack) -> None:
        assert stack.bootstrap is not None
        assert stack.flink is not None
        self.flink = FlinkRest(stack.flink)
        self._tape = Tape(stack.bootstrap, EVENTS)
        self.events: list[Event] = []

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]

    def until(self, what: str, done: Callable[[], bool], timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not done():
            assert time.monotonic() < deadline, (
                f"not within {timeout:.0f} s: {what}\n{self.story()}"
            )
            self.events += self._tape.read(0.5)

    def applied(self, *, up: bool) -> list[ScaleOutcome]:
        return [
            event
            for event in self.events
            if isinstance(event, ScaleOutcome)
            and event.status is Status.APPLIED
            and event.from_scale_out is not None
            and (event.to_scale_out > event.from_scale_out) is up
        ]

    def story(self) -> str:
        told = [
            f"{event.at:%H:%M:%S} {event.reason}: {event.sentence}"
            for event in self.events
            if isinstance(event, Decision)
        ]
        told += [
            f"{event.at:%H:%M:%S} {event.status} {event.to_scale_out}: {event.why}"
            for event in self.events
            if isinstance(event, ScaleOutcome)
        ]
        return "\n".join(sorted(told)[-40:])

    def parallelism(self) -> set[int]:
        """Return the parallelism of the running job's vertices, as Flink itself tells it."""
        [job] = [
            job for job in self.flink.get("/jobs/overview")["jobs"] if job["state"] == "RUNNING"
        ]
        return {
            vertex["parallelism"] for vertex in self.flink.get(f"/jobs/{job['jid']}")["vertices"]
        }

    def close(self) -> None:
        self._tape.close()


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    need_tools("java", "javac", "mvn")
    home = Home(tmp_path / ".daedalus")
    # The rules: a load that halves within seconds leaves `horizon`, which weighs how wrong its
    # forecasts were, waiting for longer than a test may take.
    options = Options(
        factor=FACTOR,
        trace=str(trace(tmp_path / "trace.csv")),
        peak=HIGH,
        first_workers=2,
        planner="rules",
    )
    stack = lifecycle.up(home, options, print, leash=True)
    try:
        found = Watched(stack)
        yield found
        found.close()
    finally:
        lifecycle.down(home)


def test_the_job_follows_its_load_up_and_down(watched: Watched) -> None:
    watched.until("a scale-up was applied", lambda: bool(watched.applied(up=True)), 240)
    up = watched.applied(up=True)[0]
    assert up.converged_at is not None
    assert up.downtime is not None
    assert up.promise is not None
    assert up.scale_out == up.to_scale_out

    watched.until(
        "a scale-down after the peak",
        lambda: any(down.at > up.at for down in watched.applied(up=False)),
        480,
    )
    down = next(down for down in watched.applied(up=False) if down.at > up.at)
    assert down.scale_out == down.to_scale_out
    watched.until("a recovery", lambda: bool(watched.of(Recovery)), 120)

    last = max(watched.applied(up=True) + watched.applied(up=False), key=lambda each: each.at)
    assert watched.parallelism() == {last.to_scale_out}
    assert watched.of(DeadLetter) == []
    _assert_all_can_be_traced(watched)
    _assert_a_scale_up_was_ahead_of_the_load(watched)
    watched.until("the backlog is gone", lambda: _caught_up(watched), 120)


def _assert_all_can_be_traced(watched: Watched) -> None:
    """Every outcome and recovery leads back to one command, decision and report, by its tick."""
    commands = {event.id: event for event in watched.of(ScaleCommand)}
    decisions = {event.id: event for event in watched.of(Decision)}
    ticks = {event.tick for event in watched.of(JobMetrics) if isinstance(event, JobMetrics)}
    for event in watched.of(ScaleOutcome) + watched.of(Recovery):
        assert isinstance(event, (ScaleOutcome, Recovery))
        command = commands[event.command]
        assert isinstance(command, ScaleCommand)
        decision = decisions[command.decision]
        assert event.correlation == command.correlation == decision.correlation
        assert command.tick in ticks
    outcomes = [
        event.command for event in watched.of(ScaleOutcome) if isinstance(event, ScaleOutcome)
    ]
    assert len(outcomes) == len(set(outcomes))


def _assert_a_scale_up_was_ahead_of_the_load(watched: Watched) -> None:
    """At least one scale-up ran before the workload passed what the workers before it could do."""
    ahead = []
    for up in watched.applied(up=True):
        before = _capacity_before(watched, up)
        passed = _first_above(watched, before, since=up.tick) if before else None
        ahead.append((up.to_scale_out, before, up.converged_at, passed))
        if before and passed and up.converged_at and up.converged_at < passed:
            return
    pytest.fail(f"no scale-up was ahead of its load: {ahead}\n{watched.story()}")


def _capacity_before(watched: Watched, up: ScaleOutcome) -> float | None:
    for event in watched.of(Decision):
        if isinstance(event, Decision) and event.command == up.command:
            for candidate in event.candidates:
                if candidate.scale_out == up.from_scale_out:
                    return candidate.capacity
    return None


def _first_above(watched: Watched, rate: float, since: datetime) -> datetime | None:
    """Return when the workload, over ten seconds, first lay above `rate`."""
    samples = [
        sample
        for event in watched.of(JobMetrics)
        if isinstance(event, JobMetrics)
        for sample in event.samples
        if sample.workload is not None and sample.at >= since
    ]
    for sample in samples:
        near = [
            other.workload or 0.0
            for other in samples
            if timedelta(0) <= other.at - sample.at < timedelta(seconds=10)
        ]
        if sum(near) / len(near) > rate:
            return sample.at
    return None


def _caught_up(watched: Watched) -> bool:
    """Whether less than ten seconds of arrivals wait in the newest sample that knows."""
    known = [
        sample
        for event in watched.of(JobMetrics)
        if isinstance(event, JobMetrics)
        for sample in event.samples
        if sample.lag is not None and sample.workload
    ]
    newest = max(known, key=lambda sample: sample.at)
    return newest.lag is not None and newest.lag < 10 * (newest.workload or 0.0)
