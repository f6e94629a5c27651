"""Writes control events; all of them, or an error says why not."""

from collections.abc import Iterable

from confluent_kafka import KafkaError, Message, Producer

from daedalus_console.adapters.kafka import TIMEOUT, Kafka
from daedalus_console.errors import ConsoleError, UnreachableError
from daedalus_shared.events import Event, encode, headers
from daedalus_shared.topics import partition_of, topic_of


def publish(kafka: Kafka, events: Iterable[Event]) -> None:
    """Write control events, and return when the broker has all of them.

    Raises:
        ConsoleError: One was not taken.
        UnreachableError: The broker does not answer.
    """
    failed: list[KafkaError] = []

    def delivered(error: KafkaError | None, _message: Message) -> None:
        if error is not None:
            failed.append(error)

    with kafka.translated():
        producer = Producer(
            {
                **kafka.config,
                # One request at a time keeps the order, and once more is the same wish. Idempotence
                # would turn a refusal into a fatal error that does not name the topic.
                "acks": "all",
                "max.in.flight.requests.per.connection": 1,
                "compression.type": "zstd",
                "delivery.timeout.ms": int(2 * TIMEOUT * 1000),
            }
        )
        for event in events:
            topic = topic_of(type(event))
            producer.produce(
                topic,
                key=event.key.encode(),
                value=encode(event),
                headers=list(headers(event).items()),
                partition=partition_of(event.key, kafka.count(topic)),
                on_delivery=delivered,
            )
        left = producer.flush(3 * TIMEOUT)
    if failed:
        raise ConsoleError(f"Kafka did not take it: {failed[0].str()}")
    if left:
        raise UnreachableError(f"Kafka at {kafka.address} did not confirm within {3 * TIMEOUT:g} s")
