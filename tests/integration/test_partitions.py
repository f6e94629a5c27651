"""One partitioner everywhere: also a client that is not ours puts a job where we read it."""

import pytest
from confluent_kafka import Message, Producer

from daedalus_shared.topics import CATALOGUE, partition_of, partitions_of
from harness.broker import PARTITIONS, Broker

pytestmark = pytest.mark.kafka


def test_librdkafka_with_murmur2_agrees(broker: Broker) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap, "partitioner": "murmur2_random"})
    found: dict[str, int | None] = {}

    def delivered(error: object, message: Message) -> None:
        assert error is None
        found[(message.key() or b"").decode()] = message.partition()

    jobs = [f"job-{number}" for number in range(40)]
    for job in jobs:
        producer.produce("daedalus.forecasts", key=job, value=b"{}", on_delivery=delivered)
    producer.flush(30)

    assert found == {job: partition_of(job, PARTITIONS) for job in jobs}
    assert len(set(found.values())) == PARTITIONS


def test_all_topics_exist_with_equally_many_partitions(broker: Broker) -> None:
    assert partitions_of(broker.admin) == {topic.name: PARTITIONS for topic in CATALOGUE}
