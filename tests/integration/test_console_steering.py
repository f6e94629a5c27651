"""Steering and accounts on a real broker: words on what waits, standings, promises, costs."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from confluent_kafka import Producer
from typer.testing import CliRunner

from daedalus_console.cli import build
from daedalus_local.kafka import running_kafka
from daedalus_shared.events import (
    Asked,
    Basis,
    CapacityPoint,
    CapacityUpdate,
    Decision,
    Declaration,
    Downtime,
    Event,
    Forecast,
    Promise,
    Recovery,
    ScaleOutcome,
    Status,
    Workload,
    encode,
    headers,
)
from daedalus_shared.job_spec import JobSpec
from daedalus_shared.topics import partition_of, topic_of
from harness.fixtures import need_tools

pytestmark = pytest.mark.kafka

PARTITIONS = 4
LOOPS = 30


class Console:
    """The command in this process, and a producer that writes what the services would."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.producer = Producer({"bootstrap.servers": bootstrap})

    def __call__(self, *arguments: str, code: int = 0) -> str:
        found = CliRunner().invoke(
            build(), [*arguments, "--bootstrap", self.bootstrap], env={"COLUMNS": "100"}
        )
        assert found.exit_code == code, found.output
        return found.output

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))

    def send(self, *events: Event) -> None:
        for event in events:
            self.producer.produce(
                topic_of(type(event)),
                key=event.key,
                value=encode(event),
                partition=partition_of(event.key, PARTITIONS),
                headers=list(headers(event).items()),
            )
        assert self.producer.flush(60) == 0


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    need_tools("java", "mvn")
    with running_kafka(tmp_path_factory.mktemp("kafka")) as server:
        found = Console(server.bootstrap)
        found("topics", "create", "--partitions", str(PARTITIONS))
        yield found


@cache
def now() -> datetime:
    """When the first event of this module was made: it may be run long after it is imported."""
    return datetime.now(UTC).replace(microsecond=0)


def begin() -> str:
    """When the recorded past begins, however long ago it was recorded."""
    return (now() - timedelta(minutes=31)).isoformat()


def at(loop: int) -> datetime:
    return now() + timedelta(minutes=loop - LOOPS)


def declared(job: str, **policy: Any) -> Declaration:
    spec = JobSpec.model_validate(
        {
            "job": job,
            "engine": {"kind": "flink", "rest": "http://jobmanager:8081"},
            "input": {"bootstrap": "kafka:9092", "topics": ["ad-events"], "group": "ysb"},
            "workers": {"kind": "none"},
            "scale": {"min": 1, "max": 8},
            "policy": {"mode": "act", **policy},
        }
    )
    return Declaration(job=job, at=at(-60), source="console/ada", spec=spec)


def update(job: str, loop: int, workers: int) -> CapacityUpdate:
    down = Downtime(mean=20.0, spread=0.0, seen=1)
    return CapacityUpdate(
        job=job,
        at=at(loop),
        tick=at(loop),
        source="analyzer/analyzer",
        loop=loop,
        scale_out=workers,
        capacity=100.0 * workers,
        capacity_error=1.0,
        table=tuple(
            CapacityPoint(scale_out=q, capacity=100.0 * q, basis=Basis.OBSERVED)
            for q in range(1, 9)
        ),
        workload=Workload(mean=250.0, minimum=250.0, maximum=250.0, level=250.0, slope=0.0),
        lag=0.0,
        downtime_up=down,
        downtime_down=down,
    )


def decision(job: str, tick: datetime, planner: str, chosen: int, **changed: Any) -> Decision:
    return Decision(
        job=job,
        at=tick,
        tick=tick,
        source=f"planner/{planner}",
        planner=planner,
        scale_out=4,
        chosen=chosen,
        reason="cheapest",
        sentence=f"Stay at {chosen} workers.",
        **changed,
    )


def forecast(job: str, loop: int, forecaster: str, rate: float) -> Forecast:
    return Forecast(
        job=job,
        at=at(loop),
        tick=at(loop),
        source=f"forecaster/{forecaster}",
        step=60.0,
        horizon=600.0,
        mean=(rate,) * 10,
        forecaster=forecaster,
        model="line",
    )


@pytest.fixture(scope="module")
def past(console: Console) -> str:
    """Half an hour of a job of four workers, a shadow of each kind, and a rescale from five."""
    job = "past"
    console.send(declared(job))
    promise = Promise(capacity=500.0, downtime=10.0, recovery=60.0)
    about: dict[str, Any] = {"job": job, "tick": at(4), "command": "c", "promise": promise}
    outcome = ScaleOutcome(
        **about,
        at=at(5),
        source="executor/executor",
        from_scale_out=5,
        to_scale_out=4,
        scale_out=4,
        generation=1,
        status=Status.APPLIED,
        downtime=20.0,
        converged_at=at(5),
    )
    caught_up = Recovery(
        **about, at=at(7), source="analyzer/analyzer", to_scale_out=4, recovery=30.0
    )
    for loop in range(1, LOOPS + 1):
        console.send(
            *([outcome] if loop == 5 else []),
            *([caught_up] if loop == 7 else []),
            update(job, loop, 5 if loop < 5 else 4),
            decision(job, at(loop), "horizon", 4),
            decision(job, at(loop), "mine", 3, shadow=True),
            forecast(job, loop, "daedalus", 200.0),
            forecast(job, loop, "mine", 240.0),
        )
    return job


def test_a_rescale_that_waits_is_listed_approved_and_rejected(console: Console) -> None:
    console.send(declared("asks", approval="required"))
    assert "no recent decision" in console("approve", "asks", "--why", "x", code=4)
    first = decision("asks", now(), "horizon", 4)
    until = datetime.now(UTC) + timedelta(minutes=10)
    asks = first.model_copy(update={"asked": Asked(decision=first.id, scale_out=6, until=until)})
    console.send(asks)

    listed = " ".join(console("overrides", "asks").split())
    assert "waits for approval: 4 → 6" in listed
    assert f"decision {first.id[:8]}" in listed

    assert "approves 4 → 6: a sale" in console("approve", "asks", "--why", "a sale")
    (answered,) = console.json("overrides", "asks")
    assert (answered["answer"]["answer"], answered["answer"]["scale_out"]) == ("approve", 6)
    assert answered["answer"]["decision"] == first.id

    said = console.json(
        "reject", "asks", "--decision", first.id[:8], "--why", "no", "--until", "1h"
    )
    assert (said["answer"], said["why"]) == ("reject", "no")
    assert "rejects 4 → 6" in " ".join(console("overrides").split())
    assert "no job 'nobody'" in console("approve", "nobody", "--why", "x", code=4)


def test_standings_rank_what_was_recorded_and_the_best_is_promoted(
    console: Console, past: str
) -> None:
    found = console.json("standings", past, "--since", begin())

    planners = {each["name"]: each for each in found["planners"]}
    assert [each["name"] for each in found["planners"]] == ["mine", "horizon"]
    assert planners["mine"]["mean_workers"] == pytest.approx(3.0, abs=0.01)
    assert planners["mine"]["ratio"] < 0.8
    assert planners["horizon"]["obeyed"]
    near = {each["name"]: each["distances"]["60"]["wape"] for each in found["forecasters"]}
    assert near == pytest.approx({"daedalus": 0.2, "mine": 0.04})
    table = console("standings", past, "--since", begin())
    assert "obeyed" in table
    assert max(map(len, table.splitlines())) <= 100

    assert "nothing was heard of planner 'gone'" in console(
        "promote", past, "--planner", "gone", "--why", "x", code=1
    )
    said = console("promote", past, "--planner", "mine", "--why", "a quarter less")
    assert "policy.planner horizon → mine" in said
    (job,) = [each for each in console.json("jobs") if each["job"] == past]
    assert (job["planner"], job["mode"], job["max"]) == ("mine", "act", 8)


def test_costs_and_promises_are_told(console: Console, past: str) -> None:
    (found,) = console.json("cost", past, "--since", begin())

    ran, hpa, mean, most = found["lines"]
    assert ran["mean_workers"] == pytest.approx(4.15, abs=0.05)
    assert mean["name"] == "static at 5 (the mean)"
    assert most["worker_hours"] == pytest.approx(8 * LOOPS / 60, rel=0.01)
    assert hpa["seconds"] > 0
    since = (datetime.now(UTC) - now()).total_seconds()
    assert found["unknown_seconds"] - since < 120
    assert "static at 8 (the max)" in console("cost", past, "--since", begin())
    assert "against HPA" in console("cost", "--since", begin())

    (kept,) = console.json("calibration", past, "--since", begin())
    assert kept["total"]["rescales"] == 1
    assert kept["total"]["downtime"]["median_seen_over_promised"] == pytest.approx(2.0)
    assert kept["total"]["recovery"]["kept"] == 1.0
    assert kept["total"]["capacity"]["median_seen_over_promised"] == pytest.approx(0.8)
    assert "2.00 x" in console("calibration", past, "--since", begin(), "--periods", "2")
    assert past in console("calibration", "--since", begin())


def test_what_was_learned_is_forgotten_and_the_job_stays(console: Console) -> None:
    console.send(declared("anew"))

    assert "is learned anew" in console("forget", "anew", "--learned", "--why", "rewritten")
    assert "anew" in [job["job"] for job in console.json("jobs")]
    assert "leaves it alone" in console("forget", "anew")
    assert "anew" not in [job["job"] for job in console.json("jobs")]
    assert "is not past" in console("cost", "--since", "2030-01-01", code=2)
