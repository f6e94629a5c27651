"""Each service is replaced by somebody else's, which speaks only the topics: the loop goes on.

The stand-ins (`harness.stand_ins`) and the example are plain confluent-kafka and JSON; all others
are our services as processes.
"""

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from confluent_kafka.cimpl import NewTopic

from daedalus_shared.events import (
    CapacityUpdate,
    DeadLetter,
    Decision,
    Declaration,
    Forecast,
    JobMetrics,
    Override,
    OverrideKind,
    ScaleCommand,
    ScaleOutcome,
    Status,
)
from daedalus_shared.job_spec import JobSpec, Policy
from daedalus_simulator.simulator import compressed
from harness.broker import Broker
from harness.closed_loop import E
from harness.fake_flink import FakeFlink
from harness.replicas import Replica, running
from harness.services import service

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[2]
SPEED = 10.0
PATIENCE = 300.0

REFUSED = ("nan", "negative", "length", "huge", "nojson", "future")
"""Nonsense that becomes a dead letter."""

MISSING = ("stops", "late")
"""What leaves nothing to use in time."""


def stand_in(stage: str, broker: Broker, directory: Path, **env: str) -> Replica:
    environment = {"BOOTSTRAP": broker.bootstrap, "PYTHONPATH": str(ROOT / "tests"), **env}
    return Replica(f"their-{stage}", ["-m", f"harness.stand_ins.{stage}"], environment, directory)


def example(broker: Broker, directory: Path) -> Replica:
    environment = {"BOOTSTRAP": broker.bootstrap, "NAME": "mine"}
    return Replica("example", [str(ROOT / "examples/forecaster.py")], environment, directory)


@contextmanager
def ending(*replicas: Replica) -> Iterator[None]:
    """Kill, at the end, what was started meanwhile."""
    try:
        yield
    finally:
        for replica in replicas:
            if replica._process is not None:
                replica.kill()


class Loop:
    """What the services say of their jobs."""

    def __init__(self, broker: Broker, replicas: list[Replica]) -> None:
        self._replicas = replicas
        kinds = (JobMetrics, CapacityUpdate, Forecast, Decision, ScaleCommand, ScaleOutcome)
        self.tap = broker.tap(*kinds, DeadLetter, strict=False)

    def of(self, kind: type[E], job: str, source: str = "") -> list[E]:
        return [
            each.event
            for each in self.tap.found
            if isinstance(each.event, kind)
            and each.event.job == job
            and each.event.source.startswith(source)
        ]

    def decisions(self, job: str, source: str = "planner/horizon") -> list[Decision]:
        return self.of(Decision, job, source)

    def until(self, done: Callable[[], bool], what: str) -> None:
        if self.tap.until(done, PATIENCE):
            return
        tails = [f"--- {each.name}\n{each.tail(8)}" for each in self._replicas if each.log.exists()]
        said = [
            f"{type(each.event).__name__}: {each.event.model_dump_json()[:700]}"
            for each in self.tap.found
            if isinstance(each.event, (Decision, ScaleCommand, ScaleOutcome))
        ]
        pytest.fail("\n".join([what, *tails, *said[-6:]]))

    def more(self, count: int, *jobs: str, source: str = "planner/horizon") -> dict[str, int]:
        """Wait for so many more decisions of each job; return how many there were before."""
        before = {job: len(self.decisions(job, source)) for job in jobs}
        self.until(
            lambda: all(len(self.decisions(job, source)) >= before[job] + count for job in jobs),
            f"{count} more decisions of {jobs}",
        )
        return before


def declare(broker: Broker, job: str, forecaster: str, planner: str = "horizon") -> None:
    policy = compressed(Policy(mode="act", planner=planner, forecaster=forecaster), SPEED)
    at = datetime.now(UTC) - timedelta(seconds=60)
    broker.send(Declaration(job=job, at=at, source="console/test", spec=spec(job, policy)))


def spec(job: str, policy: Policy, rest: str = "http://simulated", topic: str = "in") -> JobSpec:
    return JobSpec.model_validate(
        {
            "job": job,
            "engine": {"kind": "flink", "rest": rest},
            "input": {"bootstrap": "simulated:1", "topics": [topic], "group": job},
            "workers": {"kind": "none"},
            "scale": {"min": 1, "max": 12},
            "policy": policy,
        }
    )


def marked(decisions: list[Decision], mark: str) -> list[bool]:
    return [mark in each.marks for each in decisions]


def test_forecaster_analyzer_and_planner_are_replaced(broker: Broker, tmp_path: Path) -> None:
    broken = {f"bad-{fault}": fault for fault in (*REFUSED, *MISSING)}
    for job in broken:
        declare(broker, job, "broken")
    declare(broker, "mine", "mine")
    declare(broker, "ours", "daedalus")
    declare(broker, "theirs", "mine", planner="standin")
    broker.flush()
    simulator = service("simulator", 0, broker, tmp_path, JOBS="0", SPEED=str(SPEED), WORKERS="3")
    analyzer, forecaster, planner = (
        service(stage, 0, broker, tmp_path) for stage in ("analyzer", "forecaster", "planner")
    )
    faults = {"NAME": "broken", "FAULTS_OF": json.dumps(broken), "LATE": "9", "ENDS": "1"}
    their_analyzer = stand_in("analyzer", broker, tmp_path)
    started = [
        simulator,
        analyzer,
        forecaster,
        planner,
        example(broker, tmp_path),
        stand_in("forecaster", broker, tmp_path, **faults),
        stand_in("planner", broker, tmp_path),
    ]
    loop = Loop(broker, [*started, their_analyzer])
    with running(*started), ending(their_analyzer):
        loop.until(lambda: bool(loop.decisions("ours")), "the first decision")
        loop.until(
            lambda: (
                all(len(loop.of(Forecast, job, "forecaster/mine")) > 1 for job in ("mine", "ours"))
                and all(loop.of(Forecast, job, "forecaster/daedalus") for job in ("mine", "ours"))
            ),
            "forecasts of both forecasters",
        )
        before = loop.more(4, "mine", "ours", "theirs", *broken)
        assert_chosen_and_shadow(loop, before)
        for job, fault in broken.items():
            assert_it_goes_on(loop, job, fault)
        assert_a_planner_of_somebody_else_is_obeyed(loop)

        forecaster.kill()
        analyzer.kill()
        their_analyzer.start()
        loop.until(
            lambda: bool(loop.of(CapacityUpdate, "mine", "analyzer/standin")), "their capacities"
        )
        loop.more(1, "mine", "ours")
        before = loop.more(2, "mine", "ours")
        assert_the_analyzer_is_replaced(loop, before)

        planner.kill()
        loop.more(2, "theirs", source="planner/standin")
    loop.tap.close()


def assert_chosen_and_shadow(loop: Loop, before: dict[str, int]) -> None:
    """A policy's name chooses; the other one's forecasts lie on the topic, and are not used."""
    for job, chosen, other in (("mine", "mine", "daedalus"), ("ours", "daedalus", "mine")):

        def used(job: str = job, chosen: str = chosen) -> bool:
            """Four in a row: on a busy machine a forecast may come after the grace."""
            last = loop.decisions(job)[before[job] :][-4:]
            theirs = {each.id for each in loop.of(Forecast, job, f"forecaster/{chosen}")}
            by_theirs = [bool(theirs & set(each.inputs)) for each in last]
            return by_theirs == [True] * 4 and not any(marked(last, "forecast_missing"))

        loop.until(used, f"four decisions in a row of {job} by the forecasts of {chosen}")
        theirs = {each.id for each in loop.of(Forecast, job, f"forecaster/{chosen}")}
        for decision in loop.decisions(job)[before[job] :]:
            assert theirs & set(decision.inputs) or "forecast_missing" in decision.marks, decision
        shadow = {each.id for each in loop.of(Forecast, job, f"forecaster/{other}")}
        assert shadow, f"{other} says nothing of {job}"
        assert not any(shadow & set(each.inputs) for each in loop.decisions(job)), job


def assert_it_goes_on(loop: Loop, job: str, fault: str) -> None:
    """Nonsense is a dead letter; what is missing is marked; each tick is decided all the same."""
    letters = [
        each.event
        for each in loop.tap.found
        if isinstance(each.event, DeadLetter)
        and each.event.headers.get("ce_subject") == job
        and each.event.source == "planner/horizon"
    ]
    decisions = loop.decisions(job)
    assert all(marked(decisions, "forecast_missing")[-3:]), (job, decisions[-1].marks)
    assert "stands in for the missing forecast" in decisions[-1].sentence, job
    if fault in REFUSED:
        assert letters, f"no dead letter for {fault}"
        assert all(len(each.why) < 500 for each in letters), letters[0].why
        assert not loop.of(Forecast, job, "forecaster/broken") or fault == "future"
    else:
        assert not letters, letters
    ticks = [each.tick for each in decisions]
    assert ticks == sorted(set(ticks)), f"{job}: each tick once"


def assert_a_planner_of_somebody_else_is_obeyed(loop: Loop) -> None:
    """Its commands are carried out; ours decides too, as a shadow, and commands nothing."""
    commands = {each.id for each in loop.of(ScaleCommand, "theirs", "planner/standin")}
    outcomes = [each for each in loop.of(ScaleOutcome, "theirs") if each.status is Status.APPLIED]
    assert outcomes, "the stand-in never rescaled its job"
    assert {each.command for each in outcomes} <= commands
    assert all(each.shadow and each.command is None for each in loop.decisions("theirs"))
    assert not loop.of(ScaleCommand, "theirs", "planner/horizon")
    assert not loop.of(ScaleCommand, "mine", "planner/standin")


def assert_the_analyzer_is_replaced(loop: Loop, before: dict[str, int]) -> None:
    """Our planner plans with their capacities; without our forecaster its job has a fallback."""

    def planned() -> bool:
        """Two in a row: on a busy machine an answer may come after the grace."""
        last = loop.decisions("mine")[before["mine"] :][-2:]
        theirs = {each.id for each in loop.of(CapacityUpdate, "mine", "analyzer/standin")}
        missing = marked(last, "analyzer_missing") + marked(last, "forecast_missing")
        by_theirs = [bool(theirs & set(each.inputs)) for each in last]
        return by_theirs == [True] * 2 and not any(missing)

    loop.until(planned, "two decisions in a row of mine by their capacities")
    theirs = {each.id for each in loop.of(CapacityUpdate, "mine", "analyzer/standin")}
    for decision in loop.decisions("mine")[before["mine"] :]:
        assert theirs & set(decision.inputs) or "analyzer_missing" in decision.marks, decision
    assert all(marked(loop.decisions("ours")[before["ours"] :], "forecast_missing"))


# -- monitor and executor -------------------------------------------------------------------------

TOPIC = "their-input"


@pytest.fixture
def flink(rng: random.Random) -> Iterator[FakeFlink]:
    with FakeFlink(rng, slow=0.05).running() as found:
        yield found


def pin(broker: Broker, workers: int) -> None:
    at = datetime.now(UTC)
    broker.send(
        Override(
            job="job",
            at=at,
            source="console/test",
            kind=OverrideKind.PIN,
            scale_out=workers,
            until=at + timedelta(hours=1),
            author="ada",
        )
    )
    broker.flush()


def test_monitor_and_executor_are_replaced(
    broker: Broker, flink: FakeFlink, tmp_path: Path
) -> None:
    """First ours watches and theirs acts, then theirs watches and ours acts."""
    flink.add("job", 2)
    broker.admin.create_topics([NewTopic(TOPIC, 8)])[TOPIC].result(30)
    policy = Policy(
        mode="act", loop=4.0, report=2.0, sample=1.0, forecast_grace=2.0, command_expiry_loops=10.0
    )
    told = spec("job", policy, flink.url, TOPIC)
    told = told.model_copy(
        update={"input": told.input.model_copy(update={"bootstrap": broker.bootstrap})}
    )
    at = datetime.now(UTC) - timedelta(seconds=60)
    broker.send(Declaration(job="job", at=at, source="console/test", spec=told))
    broker.flush()
    allowed = {"EXECUTOR_ALLOWED_REST": json.dumps([flink.url])}
    analyzer, planner, monitor = (
        service(stage, 0, broker, tmp_path) for stage in ("analyzer", "planner", "monitor")
    )
    executor = service("executor", 0, broker, tmp_path, ALLOWED_REST=json.dumps([flink.url]))
    their_monitor = stand_in("monitor", broker, tmp_path)
    their_executor = stand_in("executor", broker, tmp_path, **allowed)
    loop = Loop(broker, [analyzer, planner, monitor, executor, their_monitor, their_executor])

    with running(analyzer, planner, monitor, their_executor), ending(executor, their_monitor):
        loop.until(lambda: len(loop.decisions("job")) > 1, "the first decisions")
        pin(broker, 4)
        assert_rescaled(loop, flink, 4, watched_by="monitor/monitor", by="executor/standin")

        monitor.kill()
        their_executor.kill()
        their_monitor.start()
        executor.start()
        loop.until(lambda: bool(loop.of(JobMetrics, "job", "monitor/standin")), "their reports")
        pin(broker, 3)
        assert_rescaled(loop, flink, 3, watched_by="monitor/standin", by="executor/executor")
    loop.tap.close()

    assert flink.changes("job") == [4, 3]


def assert_rescaled(
    loop: Loop, flink: FakeFlink, workers: int, *, watched_by: str, by: str
) -> None:
    """The command is carried out and told, and seen by the monitor and then by the planner."""

    def applied() -> list[ScaleOutcome]:
        outcomes = loop.of(ScaleOutcome, "job", by)
        return [
            each
            for each in outcomes
            if (each.status, each.to_scale_out) == (Status.APPLIED, workers)
        ]

    def seen() -> bool:
        reports = loop.of(JobMetrics, "job", watched_by)
        samples = [sample for report in reports for sample in report.samples]
        return any(sample.scale_out == workers for sample in samples)

    def decided() -> bool:
        return any(each.scale_out == workers for each in loop.decisions("job"))

    loop.until(lambda: bool(applied()) and seen() and decided(), f"{workers} workers by {by}")
    assert len(applied()) == 1
    assert flink.changes("job")[-1] == workers
    [command] = [each for each in loop.of(ScaleCommand, "job") if each.id == applied()[0].command]
    assert applied()[0].promise == command.promise
