"""The same metrics give the same decisions through Kafka and through the `Controller`.

What the services decided in a run on a real broker, with two replicas each and one of each killed,
is held against one object that is fed the same events of each job in their order. The recorded run
is then replayed by the command, from the topics and from exported files.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

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
from harness.broker import Broker, running_broker
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


@pytest.fixture(scope="module", name="recorded")
def _recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Played, Broker]]:
    """A run, and the broker that still holds it."""
    need_tools("java", "mvn")
    directory = tmp_path_factory.mktemp("run")
    with running_broker(directory / "kafka") as broker:
        yield on_kafka(broker, directory), broker


def test_services_on_kafka_decide_as_the_controller_does(
    recorded: tuple[Played, Broker],
) -> None:
    played, _ = recorded
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


def daedalus(*arguments: str) -> tuple[int, Any]:
    """Run the command; return its exit code and the JSON that it printed."""
    found = subprocess.run(
        [sys.executable, "-m", "daedalus_console", *arguments, "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert found.stdout, found.stderr
    return found.returncode, json.loads(found.stdout)


@pytest.mark.parametrize("suffix", ["topics", "jsonl.gz", "parquet"])
def test_a_replay_takes_the_decisions_that_were_taken(
    recorded: tuple[Played, Broker], tmp_path: Path, suffix: str
) -> None:
    played, broker = recorded
    # The planners are obeyed in turn. Of a job both are judged, the shadow too.
    jobs = {"topics": ("job-00", "job-01"), "jsonl.gz": ("job-00",), "parquet": ("job-01",)}[suffix]
    where = ["--bootstrap", broker.bootstrap]
    decided = {each.id for each in played.of(Decision) if each.job in jobs}

    judged = 0
    for job in jobs:
        source, place = "topics", where
        if suffix != "topics":
            source, place = str(tmp_path / f"{job}.{suffix}"), []
            code, exported = daedalus("export", source, "--job", job, *where)
            assert (code, exported["no_event"]) == (0, 0)
        code, found = daedalus("replay", source, "--job", job, *place)
        assert code == 0, found
        assert (found["different"], found["cannot_be_judged"]) == (0, 0)
        assert found["jobs"][0]["planner_alone"] == 0
        judged += found["same"]
    assert judged >= len(decided) > 20 * len(jobs)


def test_a_part_is_judged_wholly_by_what_the_services_remembered_then(
    recorded: tuple[Played, Broker],
) -> None:
    played, broker = recorded
    decided = sorted(
        each.written_at
        for each in played.found
        if isinstance(each.event, Decision) and each.event.job == "job-03"
    )
    midway = datetime.fromtimestamp(decided[len(decided) // 3], UTC).isoformat()
    part = ["--job", "job-03", "--since", midway, "--bootstrap", broker.bootstrap]

    code, found = daedalus("replay", "topics", *part)

    assert code in {0, 5}, found
    assert found["different"] == 0
    assert found["jobs"][0]["whole_from"] is not None
    assert found["same"] - found["jobs"][0]["planner_alone"] >= 5


def test_other_settings_are_played_on_what_the_topics_hold(
    recorded: tuple[Played, Broker],
) -> None:
    _, broker = recorded
    where = ["--since", "start", "--bootstrap", broker.bootstrap]

    code, found = daedalus("whatif", "job-00", "--set", "scale.min=8", *where)

    assert code == 0
    assert found["recorded"]["workers"] > 0
    assert found["recorded"]["rescales"] > 0
    assert found["changed"]["workers"] > found["modelled"]["workers"]
    assert found["notes"][0].startswith("both settings are played on one model of the job")


def test_a_metric_that_was_tampered_with_is_found(
    recorded: tuple[Played, Broker], tmp_path: Path
) -> None:
    _, broker = recorded
    path = tmp_path / "job.jsonl"
    code, _ = daedalus("export", str(path), "--job", "job-02", "--bootstrap", broker.bootstrap)
    assert code == 0
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    reports = [row for row in rows if row.get("type") == "JobMetrics"]
    report = reports[len(reports) // 2]["event"]
    report["samples"][0]["workload"] += 1.0
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    code, found = daedalus("replay", str(path))

    assert code == 1
    first = found["jobs"][0]["first_difference"]
    late = datetime.fromisoformat(first["tick"]) - datetime.fromisoformat(report["at"])
    assert timedelta(0) <= late <= timedelta(seconds=6), "in the tick that the report belongs to"
    assert first["fields"][0]["event"] == "CapacityUpdate"
    assert first["fields"][0]["field"].startswith("workload.")


def on_kafka(broker: Broker, directory: Path) -> Played:
    """Play the jobs against two replicas of each service; one of each stage is killed."""
    with ExitStack() as stack:
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
