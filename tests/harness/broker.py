"""A real Kafka broker with the project's topics, and plain clients of it."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from daedalus_local.kafka import KafkaServer, running_kafka
from daedalus_shared.events import DecodeError, Event, decode, encode, headers
from daedalus_shared.topics import CATALOGUE, create_topics, partition_of, topic_of

PARTITIONS = 4


@dataclass(frozen=True)
class Found:
    """An event as it lies on its topic."""

    event: Event
    partition: int
    offset: int
    written_at: float
    """The broker's timestamp, seconds since the epoch."""


class Broker:
    """A broker's address and plain clients."""

    def __init__(self, server: KafkaServer, client: Mapping[str, str] | None = None) -> None:
        """Talk to `server` in the clear, or by the configuration of a client that is let in."""
        self.server = server
        self.bootstrap = server.bootstrap
        self._client = {**(client or {}), "bootstrap.servers": self.bootstrap}
        self.admin = AdminClient(dict(self._client))
        self._refused: list[str] = []
        # Idempotent: a retry while a new topic finds its leader must not change the order.
        self._producer = Producer({**self._client, "linger.ms": 2, "enable.idempotence": True})

    def send(self, event: Event) -> None:
        """Queue an event on the partition of its job."""
        self.send_raw(topic_of(type(event)), event.key, encode(event), headers(event))

    def send_raw(
        self, topic: str, key: str, value: bytes, message_headers: Mapping[str, bytes]
    ) -> None:
        """Queue any bytes under a key."""
        self._producer.produce(
            topic,
            key=key.encode(),
            value=value,
            partition=partition_of(key, PARTITIONS),
            headers=list(message_headers.items()),
            on_delivery=self._delivered,
        )
        self._producer.poll(0)

    def _delivered(self, error: KafkaError | None, _: object) -> None:
        if error is not None:
            self._refused.append(error.str())

    def settle(self, timeout: float = 120.0) -> None:
        """Return when all topics can be read: a young broker does not know all leaders yet."""
        reader = Consumer({**self._client, "group.id": "settle"})
        deadline = time.monotonic() + timeout
        for topic in CATALOGUE:
            for each in range(PARTITIONS):
                place = TopicPartition(topic.name, each)
                while not _readable(reader, place):
                    assert time.monotonic() < deadline, f"{place.topic} cannot be read"
                    time.sleep(0.1)
        reader.close()

    def flush(self) -> None:
        """Return when the broker has all that was queued."""
        left = self._producer.flush(60)
        assert left == 0, f"{left} messages were not taken by the broker"
        assert not self._refused, f"not taken by the broker: {self._refused[:5]}"

    def close(self) -> None:
        """Disconnect: a client that something still names would look for the broker for ever."""
        self._producer.purge()
        self._producer.close()
        self.admin.__exit__(None, None, None)  # its only way to be closed

    def tap(self, *events: type[Event], strict: bool = True) -> "Tap":
        """Return a reader of the events' topics from their beginnings."""
        return Tap(self._client, {topic_of(event) for event in events}, strict=strict)


def _readable(reader: Consumer, place: TopicPartition) -> bool:
    try:
        reader.get_watermark_offsets(place, timeout=5)
    except KafkaException:
        return False
    return True


class Tap:
    """Reads whole topics, without a group; a strict one allows nothing that does not decode."""

    def __init__(
        self, client: Mapping[str, str], topics: Iterable[str], *, strict: bool = True
    ) -> None:
        self._strict = strict
        self._consumer = Consumer(
            {
                **client,
                "group.id": "tap",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 100,
                "enable.partition.eof": True,
            }
        )
        places = [TopicPartition(topic, each, 0) for topic in topics for each in range(PARTITIONS)]
        self._consumer.assign(places)
        self._to_read = {(place.topic, place.partition) for place in places}
        self.found: list[Found] = []

    def poll(self, timeout: float = 0.0) -> list[Found]:
        """Return what is new, after at most `timeout` seconds; it is kept in `found` too."""
        new = []
        for message in self._consumer.consume(1000, timeout):
            value, offset, partition = message.value(), message.offset(), message.partition()
            error = message.error()
            if error is not None and error.code() == KafkaError._PARTITION_EOF:
                self._to_read.discard((message.topic() or "", partition or 0))
            if error or value is None or offset is None or partition is None:
                continue
            told = cast("list[tuple[str, bytes]]", message.headers() or [])
            try:
                event = decode(value, told, topic=message.topic())
            except DecodeError:
                if self._strict:
                    raise
                continue
            new.append(Found(event, partition, offset, message.timestamp()[1] / 1000))
        self.found += new
        return new

    def until(self, done: Callable[[], bool], timeout: float) -> bool:
        """Read until `done()` or `timeout` seconds; says whether it was done."""
        deadline = time.monotonic() + timeout
        while not done():
            if time.monotonic() > deadline:
                return False
            self.poll(0.1)
        return True

    def read_all(self, timeout: float = 120.0) -> bool:
        """Read, once after it was made, all that lies there; says whether it did."""
        return self.until(lambda: not self._to_read, timeout)

    def close(self) -> None:
        self._consumer.close()


@contextmanager
def running_broker(
    directory: Path, *, topics: bool = True, extra: Mapping[str, str] | None = None
) -> Iterator[Broker]:
    """Start a broker in `directory`, create the topics unless told not to, stop it at the end."""
    with running_kafka(directory, extra=extra) as server, closing(Broker(server)) as broker:
        if topics:
            create_topics(broker.admin, partitions=PARTITIONS)
            broker.settle()
        yield broker
