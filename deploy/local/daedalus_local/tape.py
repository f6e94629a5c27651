"""Reads what a run has left on Kafka: the events of its job, and the job's own output."""

import json
import time
from collections.abc import Iterator, Sequence

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from daedalus_local.score import Delay
from daedalus_shared.events import Event
from daedalus_shared.events.codec import DecodeError, decode
from daedalus_shared.topics import topic_of


class Tape:
    """Follows topics of events from their beginning."""

    def __init__(self, bootstrap: str, events: Sequence[type[Event]]) -> None:
        self._consumer = _consumer(bootstrap)
        topics = self._consumer.list_topics(timeout=10.0).topics
        names = sorted({topic_of(event) for event in events})
        self._consumer.assign(
            [
                TopicPartition(name, partition, OFFSET_BEGINNING)
                for name in names
                for partition in topics[name].partitions
            ]
        )

    def read(self, timeout: float) -> list[Event]:
        """Return the events that came within `timeout` seconds, by their time."""
        messages = self._consumer.consume(500, timeout)
        found = [event for message in messages if (event := _event(message)) is not None]
        return sorted(found, key=lambda event: event.at)

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()


def delays(bootstrap: str, topic: str, *, since: float) -> list[Delay]:
    """Return how late each row of a job's output was, of those taken after a Unix time."""
    return [
        Delay(taken, taken - row["newest"] / 1000, int(row["seen"]))
        for taken, row in _rows(bootstrap, topic)
        if taken >= since
    ]


def _rows(bootstrap: str, topic: str) -> Iterator[tuple[float, dict[str, int]]]:
    """Yield all rows that are on the topic now, each with the Unix time the broker took it."""
    consumer = _consumer(bootstrap)
    try:
        left = 0
        places = []
        for partition in consumer.list_topics(topic, timeout=10.0).topics[topic].partitions:
            place = TopicPartition(topic, partition, OFFSET_BEGINNING)
            low, high = consumer.get_watermark_offsets(place, timeout=10.0)
            left += high - low
            places.append(place)
        consumer.assign(places)
        deadline = time.monotonic() + 30.0
        while left > 0 and time.monotonic() < deadline:
            for message in consumer.consume(min(left, 5000), 1.0):
                value = message.value()
                if message.error() is None and value is not None:
                    left -= 1
                    yield message.timestamp()[1] / 1000, json.loads(value)
    finally:
        consumer.close()


def _consumer(bootstrap: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "daedalus-demo",
            "enable.auto.commit": False,
            "log_level": 0,
        }
    )


def _event(message: Message) -> Event | None:
    if message.error() is not None:
        return None
    found = dict(message.headers() or [])
    headers = {name: value for name, value in found.items() if isinstance(value, bytes)}
    try:
        return decode(message.value(), headers)
    except DecodeError:
        return None  # the dead-letters topic tells of it; here it is only not shown
