"""A running local stack, what it has put on its topics, and what must hold of it."""

import hashlib
import math
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from statistics import mean
from typing import Self

import pytest

from daedalus_local import lifecycle
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

SLOW = 2.0
"""A machine that takes so many times longer than it can is slow: others want each core always."""

FEW_WORKERS = Options(
    factor=10.0,
    first_workers=1,
    max_workers=3,
    quota=0.4,
    cpu_us=900,
    # A load that falls within seconds leaves `horizon`, which weighs how wrong its forecasts were,
    # waiting for longer than a test may take.
    planner="rules",
)
"""Few workers with much CPU each: what a JVM needs when idle is little of what it may use. So their
capacity is known early and well, also where the machine is several times slower than usual."""

EVENTS = (JobMetrics, Decision, ScaleCommand, ScaleOutcome, Recovery, DeadLetter)


def rise_and_fall(
    path: Path, low: float, high: float, *, quiet: int, rise: int, peak: int, fall: int
) -> Path:
    """Write a workload that is low, rises, holds, falls, and stays low until the test ends.

    The four lengths are seconds of the job's time.
    """
    # A load that never moves would not show how throughput follows CPU.
    rates = [low * (1 + 0.15 * math.sin(2 * math.pi * second / 720)) for second in range(quiet)]
    rates += [low + (high - low) * second / rise for second in range(rise)]
    rates += [high] * peak
    rates += [high - (high - low) * second / fall for second in range(fall)]
    rates += [low] * 3000
    rows = [f"{second},{rate:.0f}" for second, rate in enumerate(rates)]
    path.write_text("\n".join(["second,count", *rows]) + "\n")
    return path


class Watched:
    """A running stack and what it has put on its topics."""

    def __init__(self, home: Home, stack: Stack) -> None:
        assert stack.bootstrap is not None
        self.home = home
        self.stack = stack
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

    @property
    def last(self) -> ScaleOutcome:
        """The newest change."""
        return max(self.applied(up=True) + self.applied(up=False), key=lambda each: each.at)

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

    def close(self) -> None:
        self._tape.close()


@contextmanager
def watching(home: Path, options: Options) -> Iterator[Watched]:
    """Run a stack in `home`, and end it."""
    where = Home(home)
    stack = lifecycle.up(where, options, print, leash=True)
    try:
        found = Watched(where, stack)
        yield found
        found.close()
    finally:
        lifecycle.down(where)


@contextmanager
def following(home: Path, options: Options, quiet: float) -> Iterator[Watched]:
    """Run a stack until its job went up and down with the load.

    Nobody is ahead of a load that outgrows the first workers from its beginning, nor on a machine
    that is held up by others. Where that made all scale-ups late, it is played once more, and has
    to hold then.

    Args:
        home: A folder for the stacks.
        options: Of the stack.
        quiet: Records/s that the load begins with.
    """
    for folder in ("first", "second"):
        with watching(home / folder / ".daedalus", options) as found:
            with Pace() as pace:
                followed_up_and_down(found)
            why = _why_again(found, quiet, pace.slowness) if folder == "first" else ""
            if not why:
                yield found
                return
        warnings.warn(f"the loop was played once more: {why}", stacklevel=2)  # pytest shows it


def _why_again(watched: Watched, quiet: float, slowness: float) -> str:
    if any(ahead for ahead, _ in _scale_ups(watched)):
        return ""
    before = _capacity_before(watched, watched.applied(up=True)[0])
    if before is not None and before <= quiet:
        return f"the first workers carried {before:.0f}/s of {quiet:.0f}/s"
    if slowness > SLOW:
        return f"the machine was {slowness:.1f} times slower than it can be"
    return ""


class Pace:
    """How many times longer a little work takes than it can, because the cores are wanted.

    The stack itself wants them, too. Measured, since no counter tells it: the pressure on the CPU
    counts workers at their quota.
    """

    def __init__(self) -> None:
        self._took: list[float] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._measure, daemon=True)

    @property
    def slowness(self) -> float:
        return mean(self._took) / min(self._took)

    def _measure(self) -> None:
        block = bytes(1 << 20)
        while True:
            began = time.perf_counter()
            # Pieces of a millisecond or two: one of them is disturbed by nobody.
            for _ in range(20):
                hashlib.sha256(block).digest()
                ended = time.perf_counter()
                self._took.append(ended - began)
                began = ended
            if self._over.wait(2.0):
                return

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        print(f"the machine took {self.slowness:.2f} times as long as it can")


def followed_up_and_down(watched: Watched) -> None:
    """Wait until the job was scaled up, and down after."""
    watched.until("a scale-up was applied", lambda: bool(watched.applied(up=True)), 480)
    up = watched.applied(up=True)[0]
    assert up.converged_at is not None
    assert up.downtime is not None
    assert up.promise is not None
    assert up.scale_out == up.to_scale_out

    watched.until(
        "a scale-down after the peak",
        lambda: any(down.at > up.at for down in watched.applied(up=False)),
        720,
    )
    down = next(down for down in watched.applied(up=False) if down.at > up.at)
    assert down.scale_out == down.to_scale_out
    watched.until("a recovery", lambda: bool(watched.of(Recovery)), 300)
    assert watched.of(DeadLetter) == []


def assert_all_can_be_traced(watched: Watched) -> None:
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


def assert_a_scale_up_was_ahead_of_the_load(watched: Watched) -> None:
    """At least one scale-up ran before the workload passed what the workers before it could do."""
    ups = list(_scale_ups(watched))
    if not any(ahead for ahead, _ in ups):
        pytest.fail(f"no scale-up was ahead of its load: {ups}\n{watched.story()}")


def _scale_ups(watched: Watched) -> Iterator[tuple[bool, object]]:
    """Yield whether each scale-up was ahead, and what tells."""
    for up in watched.applied(up=True):
        before = _capacity_before(watched, up)
        passed = _first_above(watched, before, since=up.tick) if before else None
        ahead = bool(before and passed and up.converged_at and up.converged_at < passed)
        yield ahead, (up.to_scale_out, before, up.converged_at, passed)


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


def caught_up(watched: Watched) -> bool:
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
