"""Offsets from a real broker: workload, lag, and a broker that goes away."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.cimpl import NewTopic

from daedalus_monitor.adapters import kafka
from daedalus_monitor.adapters.kafka import Brokers, KafkaOffsets, StreamsOffsets
from daedalus_monitor.domain.counters import Moment
from daedalus_monitor.domain.offsets import Offsets, lag, partitions, workload
from daedalus_monitor.domain.readings import Unknown
from daedalus_monitor.inquiry import Inquiry
from daedalus_monitor.ports import SourceError, Sources
from daedalus_shared.credentials import Credentials
from daedalus_shared.job_spec import Input
from harness.broker import Broker, running_broker
from harness.fixtures import need_tools

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One broker for all tests here: each has topics of its own."""
    need_tools("java", "mvn")
    with running_broker(tmp_path_factory.mktemp("kafka")) as found:
        yield found


def make(broker: Broker, topic: str, count: int) -> None:
    for future in broker.admin.create_topics([NewTopic(topic, count, 1)]).values():
        future.result(30)


def fill(broker: Broker, topic: str, partition: int, records: int) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for number in range(records):
        producer.produce(topic, value=str(number).encode(), partition=partition)
    assert producer.flush(30) == 0


def commit(broker: Broker, group: str, *offsets: TopicPartition) -> None:
    """Commit as a job would; the coordinator of a young broker may not be there yet."""
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": group})
    deadline = time.monotonic() + 30
    while True:
        try:
            consumer.commit(offsets=list(offsets), asynchronous=False)
            break
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
    consumer.close()


def source(broker: Broker, *topics: str, group: str = "ysb") -> KafkaOffsets:
    where = Input(bootstrap=broker.bootstrap, topics=topics, group=group)
    return KafkaOffsets(Brokers(Credentials()), where, patience=1.0)


async def ask(inquiry: Inquiry, budget: float = 2.0) -> Offsets:
    now = Moment(datetime.now(UTC), time.monotonic())
    return (await inquiry.look(now, budget))[1]


async def known(inquiry: Inquiry) -> Offsets:
    """Ask until the ends are known, as a watch would: each interval again."""
    deadline = time.monotonic() + 60
    while isinstance((found := await ask(inquiry)).ends, Unknown):
        assert time.monotonic() < deadline, found.ends.why
        await asyncio.sleep(0.2)
    return found


async def test_reads_workload_lag_and_partitions(server: Broker) -> None:
    make(server, "ads", 3)
    make(server, "clicks", 1)
    offsets = source(server, "ads", "clicks")
    fill(server, "ads", 0, 100)
    fill(server, "clicks", 0, 10)
    before = await offsets.look()

    # Partitions 1 and 2 of ads are empty and were never committed: nothing waits there.
    commit(server, "ysb", TopicPartition("ads", 0, 40), TopicPartition("clicks", 0, 10))
    fill(server, "ads", 0, 50)
    fill(server, "clicks", 0, 50)
    now = await offsets.look()

    assert workload(before.ends, now.ends, 5.0) == 20.0
    assert lag(now) == 150 - 40 + 60 - 10
    assert partitions(now) == 3
    assert isinstance(lag(before), Unknown)


async def test_a_group_without_commits_has_no_lag_where_records_wait(server: Broker) -> None:
    make(server, "silent", 2)
    fill(server, "silent", 1, 5)

    found = await source(server, "silent", group="never-seen").look()

    assert lag(found) == Unknown("the group has committed nothing on silent-1")


async def test_what_waits_between_the_steps_of_a_streams_job_is_lag_and_no_workload(
    server: Broker,
) -> None:
    inner, others = "count-words-repartition", "count-2-words-repartition"
    make(server, "sentences", 2)
    make(server, inner, 3)
    make(server, "count-words-changelog", 1)
    fill(server, "sentences", 0, 100)
    fill(server, inner, 2, 70)
    fill(server, "count-words-changelog", 0, 5)
    commit(server, "count", TopicPartition("sentences", 0, 90), TopicPartition(inner, 2, 30))
    where = Input(bootstrap=server.bootstrap, topics=("sentences",), group="count")

    found = await StreamsOffsets(Brokers(Credentials()), where, patience=1.0).look()

    assert found.ends == {("sentences", 0): 100, ("sentences", 1): 0}
    assert lag(found) == 10 + 40
    assert partitions(found) == 2

    # Another job's group begins alike: who knows it names the topics.
    make(server, others, 1)
    fill(server, others, 0, 9)
    found = await StreamsOffsets(Brokers(Credentials()), where, patience=1.0).look()
    assert lag(found) == Unknown(f"the group has committed nothing on {others}-0")
    for named, waiting in (((inner,), 50.0), ((), 10.0)):
        told = where.model_copy(update={"repartition": named})
        assert (
            lag(await StreamsOffsets(Brokers(Credentials()), told, patience=1.0).look()) == waiting
        )

    gone = where.model_copy(update={"repartition": ("no-such-repartition",)})
    found = await StreamsOffsets(Brokers(Credentials()), gone, patience=1.0).look()
    unknown = lag(found)
    assert isinstance(unknown, Unknown)
    assert "topic no-such-repartition" in unknown.why
    assert found.ends == {("sentences", 0): 100, ("sentences", 1): 0}


async def test_a_repartition_topic_that_is_made_anew_or_later_is_found(
    server: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka, "REFRESH", 2)
    make(server, "letters", 1)
    commit(server, "spell", TopicPartition("letters", 0, 0))
    where = Input(bootstrap=server.bootstrap, topics=("letters",), group="spell")
    offsets = StreamsOffsets(Brokers(Credentials()), where, patience=1.0)
    assert lag(await offsets.look()) == 0.0

    inner = "spell-by-word-repartition"
    make(server, inner, 1)
    fill(server, inner, 0, 7)
    commit(server, "spell", TopicPartition(inner, 0, 3))
    deadline = time.monotonic() + 30
    while lag(await offsets.look()) != 4.0:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)

    server.admin.delete_topics([inner])[inner].result(30)
    while lag(await offsets.look()) != 0.0:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)


async def test_a_job_that_starts_for_the_first_time_has_its_topics_at_its_first_commit(
    server: Broker,
) -> None:
    make(server, "early", 1)
    fill(server, "early", 0, 9)
    where = Input(bootstrap=server.bootstrap, topics=("early",), group="first")
    offsets = StreamsOffsets(Brokers(Credentials()), where, patience=1.0)
    assert lag(await offsets.look()) == Unknown("the group has committed nothing on early-0")

    inner = "first-by-word-repartition"
    make(server, inner, 1)
    fill(server, inner, 0, 7)
    commit(server, "first", TopicPartition("early", 0, 5), TopicPartition(inner, 0, 3))

    assert lag(await offsets.look()) == 4 + 4


async def test_a_topic_that_is_not_there_is_named(server: Broker) -> None:
    with pytest.raises(SourceError, match="topic no-such-topic"):
        await source(server, "no-such-topic").look()


async def test_a_topic_made_anew_is_told(server: Broker) -> None:
    make(server, "anew", 1)
    fill(server, "anew", 0, 100)
    inquiry = Inquiry(Sources((), source(server, "anew")))
    before = await known(inquiry)

    server.admin.delete_topics(["anew"])["anew"].result(30)
    deadline = time.monotonic() + 30
    while not isinstance((await ask(inquiry)).ends, Unknown):
        assert time.monotonic() < deadline, "a deleted topic has no offsets"
        await asyncio.sleep(0.2)
    make(server, "anew", 1)
    found = await known(inquiry)

    arriving = workload(before.ends, found.ends, 5.0)
    assert arriving == Unknown("anew-0 began anew since the last look")


async def test_a_broker_that_goes_away_is_unknown_in_time_and_holds_nobody_up(
    server: Broker,
) -> None:
    make(server, "lasting", 1)
    fill(server, "lasting", 0, 10)
    inquiry = Inquiry(Sources((), source(server, "lasting")))
    assert (await known(inquiry)).ends == {("lasting", 0): 10}

    server.server.kill()
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0.01)
            turns += 1

    turning = asyncio.create_task(turn())
    began = time.monotonic()
    away = await ask(inquiry)
    took = time.monotonic() - began
    turning.cancel()

    assert isinstance(away.ends, Unknown)
    assert away.ends.why.startswith(("no answer within", f"Kafka at {server.bootstrap}"))
    assert took < 4
    assert turns > 10 * took, "the event loop went on meanwhile"

    server.server.start()
    assert (await known(inquiry)).ends == {("lasting", 0): 10}
