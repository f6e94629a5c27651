"""Writes control events and snapshots; all of them, or an error says why not."""

from collections.abc import Iterable

from confluent_kafka import KafkaError, Message, Producer

from daedalus_console.adapters.kafka import TIMEOUT, Kafka
from daedalus_console.errors import ConsoleError, UnreachableError
from daedalus_shared.events import Event, encode, headers
from daedalus_shared.topics import partition_of, topic_of

LARGEST = 4_000_000
"""Bytes of an event at most: services write snapshots of up to 1.05 MB, more than the default."""

HEAD = 100_000
"""Bytes left for its key and headers."""


def publish(kafka: Kafka, events: Iterable[Event]) -> None:
    """Write events, and return when the broker has all of them.

    Raises:
        ConsoleError: One is too large, and none was written; or the broker did not take one, and
            has the others.
        UnreachableError: The broker does not answer.
    """
    written = [(event, encode(event)) for event in events]
    for event, value in written:
        if len(value) > LARGEST:
            raise ConsoleError(
                f"{event.key} takes {len(value)} bytes, {LARGEST} is the most: nothing is written"
            )
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
                "message.max.bytes": LARGEST + HEAD,  # before compression; the broker judges after
                "delivery.timeout.ms": int(2 * TIMEOUT * 1000),
            }
        )
        for event, value in written:
            topic = topic_of(type(event))
            producer.produce(
                topic,
                key=event.key.encode(),
                value=value,
                headers=list(headers(event).items()),
                partition=partition_of(event.key, kafka.count(topic)),
                on_delivery=delivered,
            )
        left = producer.flush(3 * TIMEOUT)
    if failed:
        raise ConsoleError(f"Kafka did not take it: {failed[0].str()}")
    if left:
        raise UnreachableError(f"Kafka at {kafka.address} did not confirm within {3 * TIMEOUT:g} s")
