"""The services decide under SIGKILL as they do undisturbed, on a real broker."""

import random
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from daedalus_shared.events import CapacityUpdate, Decision, Forecast, JobMetrics, ScaleOutcome
from harness.broker import running_broker
from harness.closed_loop import ClosedLoop, Played
from harness.replicas import Replica
from harness.services import STAGES, service

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(1800)]

JOBS = 50


class Killer:
    """SIGKILLs random replicas at random instants, and starts them again."""

    def __init__(
        self, replicas: Sequence[Replica], kills: int, rng: random.Random, away: float = 0.0
    ) -> None:
        """Start the killed one again after `away` seconds of event time."""
        self._replicas = replicas
        self._left = kills
        self._rng = rng
        self._away = away
        self._gone: Replica | None = None
        self._next = 20.0
        self.killed: list[str] = []

    def __call__(self, played: float) -> None:
        for replica in self._replicas:
            if replica is not self._gone:
                replica.tend()
        if self._gone is None and self._left and played >= self._next:
            self._gone = self._rng.choice(self._replicas)
            self._gone.kill()
            self.killed.append(self._gone.name)
            self._left -= 1
            self._next = played + self._away
        if self._gone is not None and played >= self._next:
            self._gone.start()
            self._gone = None
            self._next = played + self._rng.uniform(3, 11)


def tend(replicas: Sequence[Replica]) -> Callable[[float], None]:
    def each(_played: float) -> None:
        for replica in replicas:
            replica.tend()

    return each


def run(
    directory: Path,
    *,
    replicas: int,
    grace: float,
    duration: float,
    speed: float,
    disturb: Callable[[list[Replica]], Callable[[float], None]],
    ahead: float | None = None,
) -> Played:
    with ExitStack() as stack:
        broker = stack.enter_context(running_broker(directory / "kafka"))
        services = [
            service(stage, number, broker, directory)
            for stage in STAGES
            for number in range(replicas)
        ]
        for each in services:
            each.start()
            stack.callback(each.kill)
        try:
            loop = ClosedLoop(broker, JOBS, grace)
            played = loop.play(duration, speed, disturb(services), ahead=ahead)
        except AssertionError:
            for each in services:
                print(f"--- {each.name}\n{each.tail(15)}")
            raise
        played.keep(directory / "events.jsonl")
        crashes = {each.name: each.crashes for each in services if each.crashes}
        print(f"ended by themselves: {crashes or 'none'}")
        return played


def assert_commands_are_answered_once(played: Played) -> None:
    answered = [each.command for each in played.of(ScaleOutcome)]
    assert len(answered) == len(set(answered)), "a command was applied twice"


def duration_of(kills: int) -> float:
    """Seconds of event time in which so many kills find room, and commands follow from commands."""
    return max(210.0, 60.0 + kills * 7.5)


def test_decisions_are_those_of_an_undisturbed_run(
    tmp_path: Path, kills: int, rng: random.Random
) -> None:
    """Grace above the restart time; two replicas of each service, killed at random instants."""
    grace, duration = 40.0, duration_of(kills)
    calm = run(
        tmp_path / "calm",
        replicas=1,
        grace=grace,
        duration=duration,
        speed=6,
        disturb=tend,
        ahead=grace / 2,  # whatever the machine does, nothing is missing here
    )
    killers: list[Killer] = []

    def killing(services: list[Replica]) -> Callable[[float], None]:
        killers.append(Killer(services, kills, rng))
        return killers[0]

    began = time.monotonic()
    killed = run(
        tmp_path / "killed",
        replicas=2,
        grace=grace,
        duration=duration,
        speed=1,
        disturb=killing,
        ahead=grace - 6,  # where a restart takes longer than the grace, what happens waits for it
    )
    print(f"killed {killers[0].killed} in {time.monotonic() - began:.0f} s")

    expected, found = calm.decisions(), killed.decisions()
    several = {key for key, each in found.items() if len(each) > 1}
    other = {key for key in expected if found.get(key) != expected[key]}
    missing = {"forecast_missing", "analyzer_missing"}
    marked = [each for each in killed.of(Decision) if missing & set(each.marks)]
    print(
        f"{len(expected)} decisions, {len(several)} contradict themselves, {len(other)} differ; "
        f"{len(calm.commands())} commands; {len(marked)} marked"
    )
    assert len(calm.commands()) >= JOBS, "the run must have commands to lose"
    assert len(killers[0].killed) == kills
    assert not marked, f"{marked[0].marks}: {marked[0].sentence}"
    assert not several, _show(several, expected, found)
    assert not other, _show(other, expected, found)
    assert killed.commands() == calm.commands()
    assert_commands_are_answered_once(killed)


def test_what_is_missing_when_the_grace_has_passed_is_marked_and_rightly(
    tmp_path: Path, kills: int, rng: random.Random
) -> None:
    """Grace below the time away: decisions go on, and say what they had to do without."""
    grace, away = 2.0, 9.0  # longer than a loop and a report: every job has a tick in it
    killers: list[Killer] = []
    kills = max(4, kills // 4)

    def killing(services: list[Replica]) -> Callable[[float], None]:
        victims = [each for each in services if not each.name.startswith("planner")]
        killers.append(Killer(victims, kills, rng, away))
        return killers[0]

    played = run(
        tmp_path, replicas=1, grace=grace, duration=30 + kills * 20, speed=1, disturb=killing
    )
    assert len(killers[0].killed) == kills

    assert all(len(each) == 1 for each in played.decisions().values())
    assert_commands_are_answered_once(played)
    marks = {"forecast_missing": 0, "analyzer_missing": 0}
    for decision in played.of(Decision):
        for mark, kind in (("forecast_missing", Forecast), ("analyzer_missing", CapacityUpdate)):
            if mark in decision.marks:
                marks[mark] += 1
                _assert_was_not_there(played, decision, kind, grace)
    print(f"killed {killers[0].killed}: {marks}")
    assert any(marks.values()), "an absence longer than the grace must show"


def _assert_was_not_there(
    played: Played, decision: Decision, kind: type[Forecast | CapacityUpdate], grace: float
) -> None:
    """The missing event was written after the metrics that passed the grace, or never."""
    end = decision.tick + timedelta(seconds=grace)
    passed = min(
        each.written_at
        for each in played.found
        if isinstance(each.event, JobMetrics)
        and each.event.job == decision.job
        and each.event.at >= end
    )
    for each in played.found:
        if isinstance(each.event, kind) and (each.event.job, each.event.tick) == (
            decision.job,
            decision.tick,
        ):
            assert each.written_at >= passed, f"{decision.marks} at {decision.tick}: it was there"


def _show(
    keys: set[tuple[str, datetime]],
    expected: dict[tuple[str, datetime], set[str]],
    found: dict[tuple[str, datetime], set[str]],
) -> str:
    first = min(keys)
    return f"{len(keys)}, first {first}:\n{expected.get(first)}\n{found.get(first)}"
