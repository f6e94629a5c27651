"""The same metrics give the same decisions through Kafka and through the `Controller`.

What the services decided in a run on a real broker, with two replicas each and one of each killed,
is held against one object that is fed the same events of each job in their order.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest

from daedalus_shared.events import (
    Decision,
    Declaration,
    Event,
    JobMetrics,
    ScaleCommand,
    ScaleOutcome,
)
from daedalus_simulator.controller import Controller
from harness.broker import running_broker
from harness.closed_loop import START, ClosedLoop, Played
from harness.fixtures import need_tools
from harness.replicas import Replica
from harness.services import service

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

JOBS = 50
GRACE = 8.0
"""Seconds; however long a restart takes, metrics wait for the decisions of half as long before."""

DURATION = 90.0
"""Seconds of event time: a dozen decisions a job, and commands that follow from commands."""

PLANNERS = ("horizon", "rules")
"""Instances that the jobs obey in turn; each is a shadow to the jobs of the other."""

FED = (Declaration, JobMetrics, ScaleOutcome)
"""What comes from outside the loop."""

MISSING = {"forecast_missing", "analyzer_missing"}
"""Marks of ticks that had to do without an event that another process had not sent yet."""


def test_services_on_kafka_decide_as_the_controller_does(tmp_path: Path) -> None:
    need_tools("java", "mvn")
    played = on_kafka(tmp_path)
    through_kafka = {(each.job, each.tick): each for each in played.of(Decision) if not each.shadow}
    last = max(tick for _, tick in through_kafka)
    said = list(through_controllers(played))
    decided = {
        (each.job, each.tick): each
        for each in said
        if isinstance(each, Decision) and each.tick <= last
    }
    commanded = {
        each.id: each for each in said if isinstance(each, ScaleCommand) and each.tick <= last
    }

    marked = {key for key, each in through_kafka.items() if MISSING & set(each.marks)}
    other = {key for key in through_kafka.keys() - marked if decided.get(key) != through_kafka[key]}
    for planner in PLANNERS:
        of_it = [each for each in through_kafka.values() if each.planner == planner]
        commands = sum(each.command is not None for each in of_it)
        reasons = dict(Counter(str(each.reason) for each in of_it))
        print(f"{planner}: {len(of_it)} decisions, {commands} commands, {reasons}")
        assert len({each.job for each in of_it}) == JOBS / len(PLANNERS)
        assert commands >= 10, "the run must have commands to compare"
    print(f"{len(other)} decisions differ, {len(marked)} are marked as without an event")
    assert not marked, through_kafka[min(marked)].sentence
    assert not other, _show(other, decided, through_kafka)
    # The run's last reports close ticks that are decided after it.
    assert through_kafka.keys() <= decided.keys()
    assert {key: commanded.get(key) for key in played.commands()} == played.commands()


def on_kafka(directory: Path) -> Played:
    """Play the jobs against two replicas of each service; one of each stage is killed."""
    with ExitStack() as stack:
        broker = stack.enter_context(running_broker(directory / "kafka"))
        replicas = [
            service(stage, number, broker, directory, **settings)
            for number in range(2)
            for stage, settings in _stages()
        ]
        for each in replicas:
            each.start()
            stack.callback(each.kill)
        try:
            return ClosedLoop(broker, JOBS, GRACE, PLANNERS).play(
                DURATION, speed=6, disturb=_killing(replicas), ahead=GRACE / 2
            )
        except AssertionError:
            for each in replicas:
                print(f"--- {each.name}\n{each.tail(15)}")
            raise


def _stages() -> list[tuple[str, dict[str, str]]]:
    return [
        ("analyzer", {}),
        ("forecaster", {}),
        *(("planner", {"INSTANCE": planner}) for planner in PLANNERS),
    ]


def through_controllers(played: Played) -> Iterable[Event]:
    """Yield what a controller a job says to the same events, in the order of event time."""
    fed: dict[str, list[Event]] = {}
    for each in played.found:
        if isinstance(each.event, FED):
            fed.setdefault(each.event.job, []).append(each.event)
    for events in fed.values():
        [declared] = {each.id: each for each in events if isinstance(each, Declaration)}.values()
        controller = Controller(declared.spec)
        for event in sorted(_unique(events), key=_order):
            yield from controller.observe(event)


def _killing(replicas: list[Replica]) -> Callable[[float], None]:
    """Return what kills one replica of each stage, one after the other."""
    victims = replicas[: len(replicas) // 2]
    due = [DURATION * (number + 1) / (len(victims) + 1) for number, _ in enumerate(victims)]

    def disturb(played: float) -> None:
        if due and played >= due[0]:
            due.pop(0)
            victim = victims.pop(0)
            victim.kill()
            victim.start()
        for each in replicas:
            each.tend()

    return disturb


def _unique(events: Iterable[Event]) -> Iterable[Event]:
    return {each.id: each for each in events}.values()


def _order(event: Event) -> tuple[datetime, bool]:
    """Metrics last among what is of one instant: they close ticks."""
    return event.at, isinstance(event, JobMetrics)


def _show(
    keys: set[tuple[str, datetime]],
    decided: dict[tuple[str, datetime], Decision],
    through_kafka: dict[tuple[str, datetime], Decision],
) -> str:
    """Return the first decision that differs, field by field."""
    key = min(keys, key=lambda each: (each[1], each[0]))
    ours, theirs = decided.get(key), through_kafka[key]
    if ours is None:
        return f"{key}: the controller decided nothing; through Kafka: {theirs.sentence}"
    fields = [
        f"{name}:\n  controller {getattr(ours, name)}\n  kafka      {getattr(theirs, name)}"
        for name in Decision.model_fields
        if getattr(ours, name) != getattr(theirs, name)
    ]
    seconds = (key[1] - START).total_seconds()
    return "\n".join([f"{key[0]} at {seconds:g} s, of {len(keys)}:", *fields])
