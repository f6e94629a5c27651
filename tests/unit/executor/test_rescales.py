"""From stored intents to outcomes: the real relay on a log in memory, and targets that record.

Each executor is a relay of its own; they share the log, as replicas share a broker.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from daedalus_executor.domain.checks import Found
from daedalus_executor.domain.state import ExecutorState
from daedalus_executor.executor import Executor
from daedalus_executor.ports import (
    NotAllowedError,
    Permit,
    Rescaled,
    Target,
    TargetError,
)
from daedalus_executor.rescale import Means
from daedalus_executor.rescales import Rescales
from daedalus_shared import telemetry
from daedalus_shared.events import (
    Declaration,
    Event,
    Forget,
    Promise,
    ScaleCommand,
    ScaleOutcome,
    Status,
    encode,
    headers,
)
from daedalus_shared.job_spec import JobSpec
from daedalus_shared.relay import Assignment, Record, Relay, Write
from daedalus_shared.topics import topic_of
from harness.rescaling import NOON, Clock

TOPICS = (topic_of(ScaleCommand), "daedalus.control")


@dataclass
class MemoryLog:
    """One partition of each topic; `broker` is shared by all who speak to it."""

    broker: dict[str, list[Record]]
    clock: Clock
    owner: bool = True
    delay: float = 0.0
    confirmed: int = 0

    async def ends(self, topics: Iterable[str], partition: int) -> Mapping[str, int]:
        return {topic: len(self.broker.get(topic, [])) for topic in topics}

    async def read(self, topic: str, partition: int, start: int, end: int) -> AsyncIterator[Record]:
        for record in self.broker.get(topic, [])[start:end]:
            yield record

    async def write(self, writes: Sequence[Write]) -> None:
        await asyncio.sleep(0)
        for write in writes:
            self.append(write.topic, write.key, write.event)

    async def confirm(self) -> bool:
        self.confirmed += 1
        self.clock.passed += self.delay
        return self.owner

    def append(self, topic: str, key: str, event: Event | None) -> Record:
        records = self.broker.setdefault(topic, [])
        record = Record(
            topic=topic,
            partition=0,
            offset=len(records),
            key=key.encode(),
            value=None if event is None else encode(event),
            headers={} if event is None else headers(event),
            written_at=datetime.now(UTC),  # the relay stamps its snapshots with the wall clock
        )
        records.append(record)
        return record


@dataclass
class Job:
    """A job in the world, and what happens to it."""

    scale_out: int = 4
    running: bool = True
    most: int = 12
    changes: list[int] = field(default_factory=list)
    tidied: int = 0
    fails: str = ""
    converges: bool = True
    declared: bool = False
    """Whether its scale-out is written down somewhere, as on Kubernetes."""
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """Lets the change go on, once it has begun."""
    reading: asyncio.Event = field(default_factory=asyncio.Event)
    """Lets a look at the job go on."""
    arrives: tuple[float, int] | None = None
    """When it runs again, and with how many workers."""
    clock: Clock | None = None
    before_change: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.gate.set()
        self.reading.set()

    async def read(self) -> Found:
        await self.reading.wait()
        if self.fails == "read":
            raise TargetError("http://flink:8081 does not answer: refused")
        if self.arrives and self.clock and self.clock.passed >= self.arrives[0]:
            self.running, self.scale_out, self.arrives = True, self.arrives[1], None
        status = "RUNNING" if self.running else "RESTARTING"
        return Found(
            scale_out=self.scale_out,
            running=self.running,
            status=status,
            most=self.most,
            declared=self.declared,
            limit="pool ysb holds 12 workers",
        )

    async def scale(self, wanted: int, permit: Permit) -> Rescaled:
        self.before_change()
        await permit()
        if self.fails == "scale":
            raise TargetError("ysb-0005 did not register")
        if self.scale_out != wanted:
            self.changes.append(wanted)
            self.scale_out = wanted if self.converges else wanted - 1
        await self.gate.wait()
        if not self.converges:
            why = f"{self.scale_out} of {wanted} workers run after 120 s"
            return Rescaled(scale_out=self.scale_out, downtime=None, converged_at=None, why=why)
        return Rescaled(scale_out=wanted, downtime=2.5, converged_at=NOON)

    async def tidy(self, permit: Permit) -> None:
        await permit(finishing=True)
        self.tidied += 1


@dataclass
class World:
    """Jobs, a broker, and executors."""

    clock: Clock = field(default_factory=Clock)
    broker: dict[str, list[Record]] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    running: list[asyncio.Task[None]] = field(default_factory=list)
    epochs: int = 0
    told: list[tuple[str, Status]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.jobs |= {name: Job(clock=self.clock) for name in ("ysb", "wordcount")}
        self.outside = MemoryLog(self.broker, self.clock)

    def target(self, spec: JobSpec) -> Target:
        if spec.workers.pool == "forbidden":
            raise NotAllowedError("no pool 'forbidden' in EXECUTOR_POOLS, only ysb")
        return self.jobs[spec.job]

    async def tell(self, spec: JobSpec, outcome: ScaleOutcome) -> None:
        self.told.append((spec.job, outcome.status))

    async def executor(self, start: int = 0) -> "Replica":
        """Start a replica that owns the partition and resumes commands at an offset."""
        log = MemoryLog(self.broker, self.clock)
        means = Means(
            target=self.target,
            tell=self.tell,
            clock=self.clock,
            source="executor/executor",
            fresh=1.0,
            look=0.5,
        )
        rescales = Rescales(means)
        relay = Relay(Executor(), log, rescales)
        self.epochs += 1
        positions = {(topic, 0): start if topic == TOPICS[0] else 0 for topic in TOPICS}
        await relay.restore(Assignment(self.epochs, positions))
        background = asyncio.create_task(rescales.background(relay))
        self.running.append(background)
        await asyncio.sleep(0)
        return Replica(log, relay, background)

    def declare(
        self, job: str = "ysb", mode: str = "act", pool: str = "ysb", at: int = -60
    ) -> Record:
        spec = {
            "job": job,
            "engine": {"kind": "flink", "rest": "http://flink:8081"},
            "input": {"bootstrap": "kafka:9092", "topics": ["ads"], "group": job},
            "workers": {"kind": "processes", "pool": pool},
            "scale": {"min": 1, "max": 8},
            "policy": {"mode": mode},
        }
        when = NOON + timedelta(seconds=at)
        event = Declaration.model_validate(
            {"job": job, "at": when, "source": "console/cli", "spec": spec}
        )
        return self.outside.append(TOPICS[1], event.key, event)

    def command(self, job: str = "ysb", minute: int = 0, **changes: Any) -> Record:
        tick = NOON + timedelta(minutes=minute)
        fields: dict[str, Any] = {
            "job": job,
            "at": tick,
            "tick": tick,
            "source": "planner/horizon",
            "from_scale_out": 4,
            "to_scale_out": 6,
            "expires_at": tick + timedelta(minutes=2),
            "decision": "d",
            "promise": Promise(),
        }
        event = ScaleCommand(**fields | changes)
        return self.outside.append(TOPICS[0], event.key, event)

    @property
    def outcomes(self) -> list[ScaleOutcome]:
        records = self.broker.get(topic_of(ScaleOutcome), [])
        return [ScaleOutcome.model_validate_json(record.value or b"") for record in records]

    @property
    def statuses(self) -> list[str]:
        return [outcome.status.value for outcome in self.outcomes]


@dataclass
class Replica:
    """One executor."""

    log: MemoryLog
    relay: Relay[ExecutorState]
    background: asyncio.Task[None]

    async def handle(self, *records: Record) -> None:
        for record in records:
            await self.relay.process(record)
        await settle()

    def state(self, job: str = "ysb") -> ExecutorState:
        state = self.relay.jobs()[job][1]
        assert state is not None
        return state

    async def die(self) -> None:
        """Vanish as by SIGKILL: nothing is written any more."""
        self.relay.revoke()
        self.background.cancel()
        await settle()


async def settle() -> None:
    """Let all tasks run until each waits for something that does not come by itself."""
    for _ in range(200):
        await asyncio.sleep(0)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    for task in made.running:
        task.cancel()
    await asyncio.gather(*made.running, return_exceptions=True)


async def test_carries_out_a_command_and_says_so(world: World) -> None:
    executor = await world.executor()

    await executor.handle(world.declare(), world.command())

    assert world.jobs["ysb"].changes == [6]
    (outcome,) = world.outcomes
    assert outcome.status is Status.APPLIED
    assert (outcome.from_scale_out, outcome.scale_out, outcome.generation) == (4, 6, 1)
    assert (outcome.downtime, outcome.converged_at) == (2.5, NOON)
    assert outcome.started_at == NOON
    assert world.told == [("ysb", Status.APPLIED)]
    assert executor.state().pending is None


async def test_a_command_delivered_twice_is_carried_out_once(world: World) -> None:
    executor = await world.executor()
    command = world.command()
    await executor.handle(world.declare(), command)
    await executor.die()

    again = await world.executor()
    await again.handle(command)
    world.jobs["ysb"].scale_out = 4
    await again.handle(world.command(), world.command())

    assert world.jobs["ysb"].changes == [6]
    assert world.statuses == ["applied"]


async def test_a_rescale_of_one_job_does_not_hold_up_another(world: World) -> None:
    executor = await world.executor()
    world.jobs["ysb"].gate.clear()
    await executor.handle(world.declare("ysb"), world.declare("wordcount"))

    await executor.handle(world.command("ysb"), world.command("wordcount"))

    assert [outcome.job for outcome in world.outcomes] == ["wordcount"]
    world.jobs["ysb"].gate.set()
    await settle()
    assert [outcome.job for outcome in world.outcomes] == ["wordcount", "ysb"]


async def test_a_newer_command_supersedes_one_not_begun(world: World) -> None:
    executor = await world.executor()
    world.jobs["ysb"].reading.clear()
    await executor.handle(world.declare(), world.command(minute=0))

    await executor.handle(world.command(minute=1, to_scale_out=7))
    world.jobs["ysb"].reading.set()
    await settle()

    assert world.statuses == ["superseded", "applied"]
    assert world.jobs["ysb"].changes == [7]


async def test_a_newer_command_waits_for_one_that_is_under_way(world: World) -> None:
    executor = await world.executor()
    world.jobs["ysb"].gate.clear()
    await executor.handle(world.declare(), world.command(minute=0))

    await executor.handle(world.command(minute=1, from_scale_out=6, to_scale_out=7))
    assert world.jobs["ysb"].changes == [6]
    world.jobs["ysb"].gate.set()
    await settle()

    assert world.statuses == ["applied", "applied"]
    assert world.jobs["ysb"].changes == [6, 7]
    assert world.outcomes[-1].generation == 2


@pytest.mark.parametrize("after_change", [False, True], ids=["before the change", "after it"])
async def test_a_new_owner_resumes_what_a_killed_one_had_begun(
    world: World, after_change: bool
) -> None:
    job = world.jobs["ysb"]
    job.gate.clear()
    killed = await world.executor()
    if not after_change:
        job.fails = "read"  # so that the fold alone is done
        job.reading.clear()
    await killed.handle(world.declare(), world.command())
    assert job.changes == ([6] if after_change else [])
    await killed.die()

    job.fails = ""
    job.gate.set()
    job.reading.set()
    await world.executor(start=1)
    await settle()

    assert job.changes == [6]
    assert world.statuses == ["applied"]
    assert world.outcomes[0].generation == 1


async def test_a_resumed_command_waits_until_the_job_is_out_of_transit(world: World) -> None:
    job = world.jobs["ysb"]
    job.gate.clear()
    killed = await world.executor()
    await killed.handle(world.declare(), world.command())
    await killed.die()
    job.running = False
    job.scale_out = 1

    job.arrives = (5.0, 6)

    job.gate.set()
    await world.executor(start=1)
    await settle()

    assert job.changes == [6]
    assert world.statuses == ["applied"]
    assert world.outcomes[0].generation == 1


async def test_a_command_that_became_void_in_a_crash_is_not_applied_late(world: World) -> None:
    job = world.jobs["ysb"]
    killed = await world.executor()
    job.before_change = killed.relay.revoke
    await killed.handle(world.declare(), world.command())
    await killed.die()
    assert job.changes == []

    job.before_change = lambda: None
    world.clock.passed = 300
    await world.executor(start=1)
    await settle()

    assert job.changes == []
    assert job.tidied == 1
    assert world.statuses == ["expired"]


async def test_a_void_command_is_not_looked_into(world: World) -> None:
    executor = await world.executor()
    world.clock.passed = 120
    world.jobs["ysb"].fails = "read"

    await executor.handle(world.declare(), world.command())

    assert world.statuses == ["expired"]


async def test_a_command_that_becomes_void_on_the_way_is_not_applied(world: World) -> None:
    job = world.jobs["ysb"]

    def late() -> None:
        world.clock.passed = 120

    job.before_change = late
    executor = await world.executor()

    await executor.handle(world.declare(), world.command())

    assert job.changes == []
    assert world.statuses == ["expired"]
    assert world.outcomes[0].scale_out == 4


async def test_a_dry_run_looks_at_the_target_and_changes_nothing(world: World) -> None:
    executor = await world.executor()

    await executor.handle(world.declare(mode="advise"), world.command(dry_run=True))

    assert world.jobs["ysb"].changes == []
    assert world.statuses == ["would_apply"]
    assert world.outcomes[0].dry_run
    assert world.outcomes[0].started_at is None
    assert world.outcomes[0].generation == 0


async def test_a_dry_run_fails_where_the_real_one_would(world: World) -> None:
    executor = await world.executor()
    world.jobs["ysb"].fails = "read"

    await executor.handle(world.declare(mode="advise"), world.command(dry_run=True))

    assert world.statuses == ["failed"]


@pytest.mark.parametrize(
    ("changes", "spec", "why"),
    [
        pytest.param({}, {"mode": "advise"}, "the job's mode is advise", id="advise"),
        pytest.param({"to_scale_out": 9}, {}, "9 workers are not within 1 to 8", id="bounds"),
        pytest.param({"from_scale_out": 3}, {}, "it assumes 3 workers, 4 run", id="other start"),
        pytest.param({"expected_generation": 7}, {}, "at generation 7", id="generation"),
        pytest.param({}, {"pool": "forbidden"}, "EXECUTOR_POOLS", id="not allowed"),
    ],
)
async def test_refuses_with_a_reason(
    world: World, changes: dict[str, Any], spec: dict[str, Any], why: str
) -> None:
    executor = await world.executor()

    await executor.handle(world.declare(**spec), world.command(**changes))

    assert world.jobs["ysb"].changes == []
    assert world.statuses == ["refused"]
    assert why in world.outcomes[0].why


async def test_a_job_that_nobody_declared_is_refused_and_not_remembered(world: World) -> None:
    executor = await world.executor()

    await executor.handle(world.command())

    assert world.statuses == ["refused"]
    assert executor.relay.jobs()["ysb"][1] is None


async def test_a_foreign_change_is_named_counted_and_not_fought(world: World) -> None:
    executor = await world.executor()
    await executor.handle(world.declare(), world.command(expected_generation=0))
    world.jobs["ysb"].scale_out = 2

    await executor.handle(
        world.command(minute=1, from_scale_out=6, to_scale_out=7, expected_generation=1)
    )
    await executor.handle(
        world.command(minute=2, from_scale_out=2, to_scale_out=3, expected_generation=2)
    )

    assert world.statuses == ["applied", "refused", "applied"]
    assert world.outcomes[1].why == "somebody else changed the job from 6 to 2 workers"
    assert [outcome.generation for outcome in world.outcomes] == [1, 2, 3]
    assert world.jobs["ysb"].changes == [6, 3]


async def test_a_failure_is_an_outcome_and_the_next_command_is_carried_out(world: World) -> None:
    job = world.jobs["ysb"]
    executor = await world.executor()
    job.fails = "scale"
    await executor.handle(world.declare(), world.command())

    (failed,) = world.outcomes
    assert failed.status is Status.FAILED
    assert failed.why == "ysb-0005 did not register"
    assert (failed.scale_out, failed.generation) == (4, 0)
    assert job.scale_out == 4

    job.fails = ""
    await executor.handle(world.command(minute=1, expected_generation=0))
    assert world.statuses == ["failed", "applied"]


async def test_what_does_not_converge_is_reported_with_what_runs(world: World) -> None:
    executor = await world.executor()
    world.jobs["ysb"].converges = False

    await executor.handle(world.declare(), world.command())

    (outcome,) = world.outcomes
    assert outcome.status is Status.DID_NOT_CONVERGE
    assert outcome.why == "5 of 6 workers run after 120 s"
    assert (outcome.scale_out, outcome.generation, outcome.converged_at) == (5, 1, None)


async def test_a_zombie_starts_no_call(world: World) -> None:
    job = world.jobs["ysb"]
    zombie = await world.executor()
    job.reading.clear()
    await zombie.handle(world.declare(), world.command())

    # Stopped past its session and taken over; when it wakes up its relay knows nothing of it.
    zombie.log.owner = False
    world.clock.passed += 20
    job.reading.set()
    looks = zombie.log.confirmed
    for _ in range(20):
        await asyncio.sleep(0)

    assert zombie.log.confirmed > looks
    assert zombie.relay.owns("ysb")
    assert job.changes == []
    assert job.tidied == 0


async def test_an_answer_that_is_old_is_no_permit(world: World) -> None:
    """It was the owner when asked, but slept before it could send the request."""
    executor = await world.executor()
    executor.log.delay = 20

    await executor.handle(world.declare(), world.command(expires_at=NOON + timedelta(hours=1)))

    assert world.jobs["ysb"].changes == []
    assert world.statuses == ["failed"]
    assert "more than 1 s to say who serves ysb" in world.outcomes[0].why


async def test_a_lost_assignment_stops_the_work_and_the_next_owner_ends_it(world: World) -> None:
    job = world.jobs["ysb"]
    job.gate.clear()
    first = await world.executor()
    await first.handle(world.declare(), world.command())

    first.relay.revoke()
    job.gate.set()
    await settle()
    assert world.statuses == []

    await world.executor(start=1)
    await settle()
    assert world.statuses == ["applied"]
    assert job.changes == [6]


async def test_a_job_forgotten_meanwhile_is_forgotten_with_the_outcome(world: World) -> None:
    job = world.jobs["ysb"]
    job.gate.clear()
    executor = await world.executor()
    await executor.handle(world.declare(), world.command())
    forget = Forget(job="ysb", at=NOON, source="console/cli", author="me")
    await executor.handle(world.outside.append(TOPICS[1], forget.key, forget))

    job.gate.set()
    await settle()

    assert world.statuses == ["applied"]
    assert executor.relay.jobs()["ysb"][1] is None
    assert world.broker["daedalus.knowledge"][-1].value is None


async def test_a_new_owner_exports_the_last_outcome_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exported() -> dict[str, float]:
        return {
            sample.name: sample.value
            for family in telemetry.JOBS.collect()
            for sample in family.samples
        }

    monkeypatch.setattr(telemetry, "JOBS", telemetry.Jobs())
    executor = await world.executor()
    await executor.handle(world.declare(), world.command(promise=Promise(downtime=3.0)))
    told = exported()
    assert told["daedalus_job_downtime_seconds"] == 2.5
    assert told["daedalus_job_promised_downtime_seconds"] == 3.0
    assert told["daedalus_job_generation"] == 1
    await executor.die()

    monkeypatch.setattr(telemetry, "JOBS", telemetry.Jobs())  # another process
    await world.executor()

    assert exported() == told


async def test_a_bug_ends_the_service(world: World) -> None:
    executor = await world.executor()

    def bug() -> None:
        raise ZeroDivisionError

    world.jobs["ysb"].before_change = bug
    await executor.handle(world.declare(), world.command())

    with pytest.raises(ZeroDivisionError):
        await executor.background


async def test_what_somebody_sets_back_is_not_fought(world: World) -> None:
    """A GitOps tool has the number in its files, and the executor does not."""
    executor = await world.executor()
    world.jobs["ysb"].declared = True
    await executor.handle(world.declare(), world.command(minute=0))
    world.jobs["ysb"].scale_out = 4

    await executor.handle(world.command(minute=1))
    world.clock.passed = 2 * 60
    await executor.handle(world.command(minute=2))
    world.clock.passed = 12 * 60
    await executor.handle(world.command(minute=12))

    assert world.statuses == ["applied", "refused", "refused", "applied"]
    assert world.outcomes[1].why == (
        "somebody set it back from 6 to 4 workers: it is left so until 2026-01-01T12:11:00+00:00"
    )
    assert world.jobs["ysb"].changes == [6, 6]


async def test_a_worker_that_died_is_replaced_at_once(world: World) -> None:
    executor = await world.executor()
    await executor.handle(world.declare(), world.command(minute=0))
    world.jobs["ysb"].scale_out = 4

    world.clock.passed = 60
    await executor.handle(world.command(minute=1))

    assert world.statuses == ["applied", "applied"]
