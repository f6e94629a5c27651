"""Plays simulated jobs against the running services, in lockstep with their decisions."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from daedalus_shared.events import (
    CapacityUpdate,
    Decision,
    Declaration,
    Event,
    Forecast,
    JobMetrics,
    Recovery,
    ScaleCommand,
    ScaleOutcome,
)
from harness.broker import Broker, Found
from harness.jobs import SimulatedJob, declaration, policy

START = datetime(2026, 1, 1, 1, tzinfo=UTC)

E = TypeVar("E", bound=Event)

PATIENCE = 400.0
"""Seconds without a decision after which the services are taken for dead."""


@dataclass
class Played:
    """What a run left on the topics."""

    found: list[Found] = field(default_factory=list)

    def of(self, kind: type[E]) -> list[E]:
        return [each.event for each in self.found if isinstance(each.event, kind)]

    def decisions(self) -> dict[tuple[str, datetime], set[str]]:
        """Return (job, tick) → the distinct decisions, whole, as JSON."""
        grouped: dict[tuple[str, datetime], set[str]] = {}
        for each in self.of(Decision):
            grouped.setdefault((each.job, each.tick), set()).add(each.model_dump_json())
        return grouped

    def keep(self, path: Path) -> None:
        """Write all events to a file, for whoever wants to know what happened."""
        with path.open("w") as file:
            for each in self.found:
                told = {"written_at": each.written_at, "type": type(each.event).__name__}
                file.write(json.dumps(told)[:-1] + f', "event": {each.event.model_dump_json()}}}\n')

    def commands(self) -> dict[str, ScaleCommand]:
        return {each.id: each for each in self.of(ScaleCommand)}


class ClosedLoop:
    """Simulated jobs on one side, the services' decisions on the other."""

    def __init__(
        self, broker: Broker, jobs: int, grace: float, planners: Sequence[str] = ("horizon",)
    ) -> None:
        """Declare the jobs; they obey these planner instances in turn."""
        names = [f"job-{number:02}" for number in range(jobs)]
        self._broker = broker
        self._grace = grace
        self._delay = grace + 12.0
        policies = [
            policy(grace, planners[number % len(planners)]) for number, _ in enumerate(names)
        ]
        self._jobs = [
            SimulatedJob(name, START, settings, self._delay)
            for name, settings in zip(names, policies, strict=True)
        ]
        self._commands = {job.name: job.commands for job in self._jobs}
        self._undecided: set[tuple[str, datetime]] = set()
        self._announced: set[str] = set()
        self._tap = broker.tap(
            Declaration,
            JobMetrics,
            CapacityUpdate,
            Forecast,
            Decision,
            ScaleCommand,
            ScaleOutcome,
            Recovery,
        )
        for name, settings in zip(names, policies, strict=True):
            broker.send(declaration(name, START - timedelta(seconds=grace + 1), settings))
        broker.flush()

    def play(
        self,
        duration: float,
        speed: float,
        disturb: Callable[[float], None],
        *,
        ahead: float | None = None,
        spread: float = 0.0,
    ) -> Played:
        """Play `duration` seconds of event time, at most `speed` times as fast as the clock.

        Metrics of an instant are sent once the decisions of all ticks that a command could have
        come from are there, so that what a job does never depends on the clock.

        Args:
            duration: Seconds of event time.
            speed: Seconds of event time a second, at most.
            disturb: Called often, with the seconds of event time played.
            ahead: Seconds that the metrics may be ahead of the oldest tick without a decision;
                below the grace nothing can be missing. By default as long as a command takes.
            spread: Seconds of the clock over which the jobs' events of a second are sent.
        """
        ahead = self._delay if ahead is None else ahead
        due = time.monotonic()
        for second in range(1, round(duration) + 1):
            now = START + timedelta(seconds=second)
            due = max(due + 1 / speed, time.monotonic() - 1.0)
            self._wait(now - timedelta(seconds=ahead), due, lambda: disturb(second))  # noqa: B023 -- called at once
            self._step(spread / len(self._jobs))
        self._broker.flush()
        last = START + timedelta(seconds=duration - self._grace - 3)
        self._wait(last, time.monotonic(), lambda: disturb(duration))
        played = Played([each for each in self._tap.found if not _later(each.event, last)])
        self._tap.close()
        return played

    def _step(self, pause: float) -> None:
        for job in self._jobs:
            time.sleep(pause)
            for event in job.step():
                self._broker.send(event)
                if isinstance(event, JobMetrics) and event.tick is not None:
                    self._undecided.add((job.name, event.tick))

    def _wait(self, until: datetime, due: float, disturb: Callable[[], None]) -> None:
        """Wait for the clock, and for the decisions of all ticks up to `until`."""
        began = time.monotonic()
        while True:
            disturb()
            self._listen()
            late = sorted(each for each in self._undecided if each[1] <= until)
            if not late and time.monotonic() >= due:
                return
            assert time.monotonic() - began < PATIENCE, f"no decisions of {late[:5]}"

    def _listen(self) -> None:
        """Take in what is new; a decision counts once the command that it names is here too."""
        for each in self._tap.poll(0.02):
            match each.event:
                case Decision(shadow=False) as decision:
                    if decision.command is None or decision.command in self._commands[decision.job]:
                        self._undecided.discard((decision.job, decision.tick))
                    else:
                        self._announced.add(decision.command)
                case ScaleCommand() as command:
                    self._commands[command.job][command.id] = command
                    if command.id in self._announced:
                        self._undecided.discard((command.job, command.tick))


def _later(event: Event, last: datetime) -> bool:
    """Whether an event belongs to the end of a run, where the next report is not there yet."""
    return isinstance(event, (Decision, ScaleCommand)) and event.tick > last
