"""The relay's order, on a log in memory that can crash at any write."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from pydantic import BaseModel, ConfigDict

from daedalus_shared import telemetry
from daedalus_shared.control import JobControl
from daedalus_shared.events import (
    ControlEvent,
    DeadLetter,
    Decision,
    Event,
    Forget,
    JobMetrics,
    Knowledge,
    Recovery,
    ScaleOutcome,
    Status,
    decode,
    encode,
    headers,
)
from daedalus_shared.relay import Assignment, Hooks, Record, Relay, Write
from daedalus_shared.service import Step
from daedalus_shared.topics import partition_of, topic_of

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
METRICS, CONTROL, KNOWLEDGE = (topic_of(each) for each in (JobMetrics, ControlEvent, Knowledge))


class CrashError(Exception):
    """The process died."""


class MemoryLog:
    """Kafka in memory; the write number `crash_at` is not made and raises."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, int], list[Record]] = defaultdict(list)
        self.writes = 0
        self.crash_at: int | None = None
        self.member = True
        self._reading = False

    def append(self, event: Event, partition: int = 0) -> Record:
        return self.append_raw(
            topic_of(type(event)), event.key, encode(event), headers(event), partition
        )

    def append_raw(
        self,
        topic: str,
        key: str,
        value: bytes | None,
        told: Mapping[str, bytes],
        partition: int = 0,
    ) -> Record:
        place = self.records[topic, partition]
        record = Record(
            topic, partition, len(place), key.encode(), value, told, NOON + timedelta(days=1)
        )
        place.append(record)
        return record

    async def ends(self, topics: Iterable[str], partition: int) -> Mapping[str, int]:
        return {topic: len(self.records[topic, partition]) for topic in topics}

    async def read(self, topic: str, partition: int, start: int, end: int) -> AsyncIterator[Record]:
        assert not self._reading, "there is one reader: a read must end before the next begins"
        self._reading = True
        for record in self.records[topic, partition][start:end]:
            await asyncio.sleep(0)
            yield record
        self._reading = False

    async def write(self, writes: Sequence[Write]) -> None:
        for each in writes:
            self.writes += 1
            if self.writes == self.crash_at:
                raise CrashError
            if each.event is None:
                self.append_raw(each.topic, each.key, None, {}, each.partition)
            else:
                self.append(each.event, each.partition)

    async def confirm(self) -> bool:
        return self.member

    def events(self, kind: type[Event]) -> list[Event]:
        return [
            decode(record.value, record.headers)
            for (topic, _), records in sorted(self.records.items())
            if topic == topic_of(kind)
            for record in records
            if record.value is not None
        ]


class Sum(BaseModel):
    model_config = ConfigDict(frozen=True)

    reports: int = 0
    recoveries: int = 0


class Summing:
    """Counts reports; each tells how many recoveries were known when a tick closed."""

    SOURCES: ClassVar[tuple[type[Event], ...]] = (JobMetrics, Recovery, ScaleOutcome)
    RESULTS: ClassVar[tuple[type[Event], ...]] = (Decision,)
    KIND: ClassVar[str] = "Sum"
    VERSION: ClassVar[int] = 1
    STATE: ClassVar[type[BaseModel]] = Sum
    name = "summing"
    instance = "one"

    def needs(self, control: JobControl, state: Sum | None, event: Event) -> frozenset[type[Event]]:
        if isinstance(event, JobMetrics) and event.tick:
            return frozenset({Recovery, ControlEvent})
        return frozenset({ScaleOutcome}) if isinstance(event, Recovery) else frozenset()

    def handle(self, control: JobControl, state: Sum | None, event: Event) -> Step[Sum]:
        state = state or Sum()
        match event:
            case Forget():
                return Step(None)
            case Recovery():
                return Step(state.model_copy(update={"recoveries": state.recoveries + 1}))
            case JobMetrics():
                after = state.model_copy(update={"reports": state.reports + 1})
                return Step(after, (told(event, after),))
        return Step(state)


def told(event: Event, state: Sum) -> Decision:
    return Decision(
        job=event.job,
        at=event.at,
        tick=event.at,
        source="summing/one",
        planner="one",
        reason="summed",
        sentence=f"{state.reports} {state.recoveries}",
    )


def report(number: int, *, job: str = "ysb", ticks: bool = False) -> JobMetrics:
    at = NOON + timedelta(seconds=number)
    return JobMetrics(job=job, at=at, source="m/m", samples=(), tick=at if ticks else None)


def recovery(number: int) -> Recovery:
    at = NOON + timedelta(seconds=number)
    return Recovery(
        job="ysb", at=at, tick=at, source="a/a", command=f"c{number}", to_scale_out=2, recovery=1.0
    )


def forget(number: int) -> Forget:
    return Forget(job="ysb", at=NOON + timedelta(seconds=number), source="c/c", author="me")


def outcome(number: int) -> ScaleOutcome:
    at = NOON + timedelta(seconds=number)
    return ScaleOutcome(
        job="ysb",
        at=at,
        tick=at,
        source="e/e",
        command=f"c{number}",
        to_scale_out=2,
        generation=number,
        status=Status.APPLIED,
    )


async def start(
    log: MemoryLog, committed: Mapping[str, int], *, hooks: Hooks[Sum] | None = None, epoch: int = 1
) -> Relay[Sum]:
    relay = Relay(Summing(), log, hooks)
    positions = {(topic, 0): committed.get(topic, 0) for topic in relay.topics}
    await relay.restore(Assignment(epoch, positions))
    return relay


async def drain(relay: Relay[Sum], log: MemoryLog, committed: dict[str, int]) -> None:
    """Deliver everything, topic after topic, acknowledging each."""
    for topic in relay.topics:
        for record in log.records[topic, 0][committed.get(topic, 0) :]:
            await relay.process(record)
            committed[topic] = record.offset + 1


@pytest.mark.parametrize("crash_at", range(1, 13))
async def test_a_crash_at_any_write_neither_loses_nor_doubles(crash_at: int) -> None:
    log = MemoryLog()
    for number in range(6):
        log.append(report(number))
    log.crash_at = crash_at
    committed: dict[str, int] = {}

    with pytest.raises(CrashError):
        await drain(await start(log, committed), log, committed)
    log.crash_at = None
    await drain(await start(log, committed, epoch=2), log, committed)

    decisions = {each.id: each for each in log.events(Decision)}
    assert [each.sentence for each in decisions.values() if isinstance(each, Decision)] == [
        f"{number} 0" for number in range(1, 7)
    ]


async def test_results_are_with_the_broker_before_the_state_is() -> None:
    log = MemoryLog()
    log.append(report(1))
    relay = await start(log, {})
    log.crash_at = 2  # the snapshot

    with pytest.raises(CrashError):
        await drain(relay, log, {})

    assert len(log.events(Decision)) == 1
    assert log.events(Knowledge) == []


async def test_a_tick_sees_what_lies_on_the_side_topics_however_late_they_are_delivered() -> None:
    log = MemoryLog()
    log.append(outcome(1))
    log.append(outcome(2))
    log.append(recovery(1))  # itself needs the outcomes first
    log.append(recovery(2))
    log.append(report(3, ticks=True))
    relay = await start(log, {})

    await drain(relay, log, {})  # metrics first

    [decision] = log.events(Decision)
    assert isinstance(decision, Decision)
    assert decision.sentence == "1 2"
    assert relay.jobs()["ysb"][1] == Sum(reports=1, recoveries=2)
    snapshots = [each for each in log.events(Knowledge) if isinstance(each, Knowledge)]
    assert [each.revision for each in snapshots] == list(range(1, len(snapshots) + 1))


async def test_of_several_snapshots_the_highest_epoch_wins_not_the_last() -> None:
    log = MemoryLog()
    log.append(report(1))
    log.append(report(2))
    zombie = await start(log, {}, epoch=1)
    owner = await start(log, {}, epoch=2)
    await drain(owner, log, {})
    await drain(zombie, log, {})  # writes after the owner, from an older assignment

    restored = await start(log, {METRICS: 2}, epoch=3)

    snapshots = [each for each in log.events(Knowledge) if isinstance(each, Knowledge)]
    assert [each.epoch for each in snapshots] == [2, 2, 1, 1]
    assert restored.jobs()["ysb"][1] == Sum(reports=2)


async def test_an_epoch_rises_even_when_the_groups_generation_began_anew() -> None:
    log = MemoryLog()
    log.append(report(1))
    await drain(await start(log, {}, epoch=7), log, {})
    log.append(report(2))
    await drain(await start(log, {METRICS: 1}, epoch=1), log, {METRICS: 1})

    assert [each.epoch for each in log.events(Knowledge) if isinstance(each, Knowledge)] == [7, 8]


@pytest.mark.parametrize(
    ("topic", "value", "told", "why"),
    [
        pytest.param(METRICS, b"garbage", {"ce_type": b"daedalus.metrics.v1"}, "Invalid JSON"),
        pytest.param(METRICS, b"{}", {}, "no ce_type header"),
        pytest.param(METRICS, b"{}", {"ce_type": b"daedalus.metrics.v9"}, "major version 9"),
        pytest.param(METRICS, b"{}", {"ce_type": b"daedalus.recoveries.v1"}, "does not belong"),
        pytest.param(METRICS, None, {"ce_type": b"daedalus.metrics.v1"}, "without a value"),
        pytest.param(METRICS, b"\xff\xfe", {"ce_type": b"\xff"}, "unknown event type"),
        pytest.param(CONTROL, b"{}", {"ce_type": b"daedalus.control.Forget.v1"}, "job: Field req"),
    ],
)
async def test_what_does_not_decode_becomes_a_dead_letter_and_the_rest_goes_on(
    topic: str, value: bytes | None, told: dict[str, bytes], why: str
) -> None:
    log = MemoryLog()
    log.append_raw(topic, "ysb", value, told)
    log.append(report(1))

    await drain(await start(log, {}), log, {})

    [letter] = log.events(DeadLetter)
    assert isinstance(letter, DeadLetter)
    assert why in letter.why
    assert (letter.topic, letter.offset) == (topic, 0)
    assert len(log.events(Decision)) == 1


async def test_an_event_from_the_future_does_not_mute_its_job() -> None:
    log = MemoryLog()
    ahead = report(1).model_copy(update={"at": NOON + timedelta(days=400)})
    log.append(ahead)
    log.append(report(2))

    await drain(await start(log, {}), log, {})

    assert len(log.events(DeadLetter)) == 1
    assert len(log.events(Decision)) == 1


async def test_a_tick_from_the_future_does_not_mute_its_job() -> None:
    """Told at a right instant: the ticks up to it would be taken for old."""
    log = MemoryLog()
    log.append(report(1, ticks=True).model_copy(update={"tick": NOON + timedelta(days=400)}))
    log.append(report(2))

    await drain(await start(log, {}), log, {})

    [letter] = log.events(DeadLetter)
    assert isinstance(letter, DeadLetter)
    assert letter.why.startswith("tick 2027-02-05T12:00:00+00:00 lies ")
    assert len(log.events(Decision)) == 1


async def test_an_event_on_another_partition_is_a_dead_letter_and_moves_no_job() -> None:
    log = MemoryLog()
    home = partition_of("ysb", 2)
    away = 1 - home
    for partition in (away, home):
        log.append(report(1), partition)
        log.append(forget(2), partition)
    relay = Relay(Summing(), log, partitions=2)
    positions = {(topic, each): 0 for topic in relay.topics for each in range(2)}
    await relay.restore(Assignment(1, positions))

    for record in log.records[METRICS, away] + log.records[CONTROL, away]:
        await relay.process(record)
    for record in log.records[METRICS, home]:
        await relay.process(record)

    letters = [each for each in log.events(DeadLetter) if isinstance(each, DeadLetter)]
    assert {each.topic for each in letters} == {METRICS, CONTROL}
    assert {each.why for each in letters} == {
        f"ysb belongs on partition {home}, not on {away}: "
        "the partitioner is murmur2 of the job (librdkafka: murmur2_random)"
    }
    assert len(log.events(Decision)) == 1
    assert len(log.records[topic_of(Decision), home]) == 1


async def test_a_dead_letter_is_short_however_much_is_wrong() -> None:
    """It has to fit where the message did, or its writing would fail for ever."""
    log = MemoryLog()
    wrong = json.dumps({"samples": [{"at": "x" * 10_000}] * 1000}).encode()
    many = {f"h{number}": b"\xff" * 10_000 for number in range(50)}
    log.append_raw(METRICS, "ysb", wrong, {"ce_type": b"daedalus.metrics.v1", **many})

    await drain(await start(log, {}), log, {})

    [letter] = log.events(DeadLetter)
    assert isinstance(letter, DeadLetter)
    assert letter.why.endswith("and 998 more")
    assert letter.why.count("; ") == 5
    assert len(encode(letter)) < 150_000


async def test_unreadable_knowledge_is_left_aside() -> None:
    log = MemoryLog()
    log.append_raw(KNOWLEDGE, "ysb/Sum/one", b"garbage", {})
    relay = await start(log, {})

    assert relay.jobs() == {}


async def test_another_instances_knowledge_is_not_ours() -> None:
    log = MemoryLog()
    log.append(report(1))
    await drain(await start(log, {}), log, {})
    other = Summing()
    other.instance = "two"
    relay = Relay(other, log)
    await relay.restore(Assignment(1, {(topic, 0): 1 for topic in relay.topics}))

    assert relay.jobs() == {}


async def test_a_forgotten_job_leaves_a_tombstone() -> None:
    log = MemoryLog()
    log.append(report(1))
    log.append(Forget(job="ysb", at=NOON, source="console/me", author="me"))

    await drain(await start(log, {}), log, {})

    last = log.records[KNOWLEDGE, 0][-1]
    assert (last.key, last.value) == (b"ysb/Sum/one", None)
    restored = await start(log, {METRICS: 1, CONTROL: 1})
    assert restored.jobs()["ysb"][1] is None


async def test_a_change_from_outside_is_stored_only_by_the_owner() -> None:
    log = MemoryLog()
    log.append(report(1))
    seen: list[Sum | None] = []

    class Recording(Hooks[Sum]):
        def stored(self, job: str, control: JobControl, state: Sum | None) -> None:
            seen.append(state)

    relay = await start(log, {}, hooks=Recording())
    await drain(relay, log, {})

    assert await relay.apply("ysb", lambda _: Step(Sum(reports=9)))
    assert relay.jobs()["ysb"][1] == Sum(reports=9)
    assert not await relay.apply("another", lambda _: Step(Sum()))
    relay.revoke()
    assert not await relay.apply("ysb", lambda _: Step(Sum()))
    assert seen == [Sum(reports=1), Sum(reports=9)]


async def test_ownership_is_confirmed_by_the_broker_not_by_memory() -> None:
    log = MemoryLog()
    log.append(report(1))
    relay = await start(log, {})
    await drain(relay, log, {})

    assert await relay.confirm("ysb")
    log.member = False
    assert not await relay.confirm("ysb")


async def test_a_replica_that_was_replaced_tells_nothing_from_outside_the_events() -> None:
    """Its memory still says that the job is its own, as after a stop past its session."""
    log = MemoryLog()
    log.append(report(1))
    relay = await start(log, {})
    await drain(relay, log, {})
    written = len(log.events(Knowledge))
    log.member = False

    assert not await relay.apply("ysb", lambda _: Step(Sum(reports=9)))

    assert relay.owns("ysb")
    assert relay.jobs()["ysb"][1] == Sum(reports=1)
    assert len(log.events(Knowledge)) == written


async def test_a_restore_waits_for_the_message_that_is_being_handled() -> None:
    log = MemoryLog()
    record = log.append(report(1))
    go = asyncio.Event()

    class Slow(Hooks[Sum]):
        async def prepare(self, control: JobControl, state: Sum | None, event: Event) -> None:
            await go.wait()

    relay = await start(log, {}, hooks=Slow())
    handling = asyncio.create_task(relay.process(record))
    await asyncio.sleep(0)
    restoring = asyncio.create_task(
        relay.restore(Assignment(2, {(topic, 0): 0 for topic in relay.topics}))
    )
    await asyncio.sleep(0)
    go.set()
    await asyncio.gather(handling, restoring)

    assert relay.jobs()["ysb"][1] == Sum(reports=1)


async def test_a_job_that_is_forgotten_or_moves_away_is_exported_no_more() -> None:
    def exported() -> set[str]:
        return {
            sample.labels["job_name"]
            for family in telemetry.JOBS.collect()
            for sample in family.samples
        }

    log = MemoryLog()
    partitions = {job: partition_of(job, 2) for job in ("ysb", "wordcount")}
    assert partitions == {"ysb": 0, "wordcount": 1}, "each its own, or this tests nothing"
    relay = Relay(Summing(), log, partitions=2)

    async def assign(generation: int, *places: int) -> None:
        positions = {(topic, place): 0 for topic in relay.topics for place in places}
        await relay.restore(Assignment(generation, positions))

    await assign(1, 0, 1)
    for job, partition in partitions.items():
        await relay.process(log.append(report(1, job=job), partition))
    assert exported() == {"ysb", "wordcount"}

    relay.revoke()
    assert exported() == set()
    await assign(2, 0)
    assert exported() == {"ysb"}, "wordcount is another replica's now"

    await relay.process(log.append(forget(2)))
    assert exported() == set()


class Straying(Summing):
    """Publishes what it does not declare."""

    RESULTS: ClassVar[tuple[type[Event], ...]] = ()


async def test_a_service_publishes_nothing_that_it_does_not_declare() -> None:
    log = MemoryLog()
    relay = Relay(Straying(), log)
    await relay.restore(Assignment(1, {(METRICS, 0): 0}))

    with pytest.raises(
        TypeError, match="summing/one publishes Decision, which it does not declare"
    ):
        await relay.process(log.append(report(1)))

    assert log.events(Decision) == []


async def test_a_password_in_an_address_gets_neither_into_a_dead_letter_nor_into_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = MemoryLog()
    relay = Relay(Summing(), log)
    await relay.restore(Assignment(1, {(CONTROL, 0): 0}))
    spec = (
        b'{"job":"ysb","at":"2026-01-01T12:00:00Z","source":"c/c","spec":{"job":"ysb",'
        b'"engine":{"kind":"flink","rest":"http://me:hush@jm:8081"},"workers":{"kind":"none"},'
        b'"input":{"bootstrap":"me:hush@kafka:9092","topics":["a"],"group":"g"},"scale":{"max":2}}}'
    )
    told = {"ce_type": b"daedalus.control.JobSpec.v1"}

    await relay.process(log.append_raw(CONTROL, "ysb/JobSpec", spec, told))

    [letter] = log.events(DeadLetter)
    assert "must not hold credentials" in letter.model_dump_json()
    assert "hush" not in letter.model_dump_json() + caplog.text


class NewerSumming(Summing):
    """A release in which the state means something else."""

    VERSION: ClassVar[int] = 2


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(Summing(), NewerSumming(), id="upgrade"),
        pytest.param(NewerSumming(), Summing(), id="roll back"),
    ],
)
async def test_a_state_of_another_version_is_left_aside_and_told(
    before: Summing, after: Summing, caplog: pytest.LogCaptureFixture
) -> None:
    log = MemoryLog()
    relay = Relay(before, log)
    await relay.restore(Assignment(1, {(METRICS, 0): 0}))
    await relay.process(log.append(report(1)))

    other = Relay(after, log)
    await other.restore(Assignment(2, {(METRICS, 0): 1}))
    assert "ysb" not in other.jobs()
    assert f"snapshots of version {before.VERSION}, not {after.VERSION}" in caplog.text

    await other.process(log.append(report(2)))
    _, state = other.jobs()["ysb"]
    assert state == Sum(reports=1), "it goes on from nothing, at the offsets committed"
