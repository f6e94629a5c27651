"""The topics as one process without a group reads and writes them."""

import logging
from collections.abc import Iterable, Sequence

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)

from daedalus_shared import kafka_clients, telemetry
from daedalus_shared.events import ControlEvent, DecodeError, Event, decode, encode, headers
from daedalus_shared.events.codec import instant
from daedalus_shared.settings import ServiceSettings
from daedalus_shared.topics import partition_of, topic_of

log = logging.getLogger(__name__)

_BATCH = 500
_PATIENCE = 10.0
"""Seconds for one answer of the broker."""


class Topics:
    """Reads whole topics in order, and writes each event to the partition of its job."""

    def __init__(self, settings: ServiceSettings, partitions: int) -> None:
        self._config = kafka_clients.librdkafka(settings) | {"log_level": 3}
        self._partitions = partitions
        self._reader = self._consumer()
        self._producer = Producer(
            {**self._config, "enable.idempotence": True, "linger.ms": 5, "compression.type": "zstd"}
        )
        self.trouble: str | None = None
        """Why the last write failed or the topics cannot be read; None while all is well."""

    def history(self, kinds: Sequence[type[Event]]) -> list[Event]:
        """Return all events that lie on the topics now.

        Raises:
            KafkaException: The broker does not answer, or does not let us read.
        """
        reader = self._consumer()
        try:
            left = {}
            for place in self._places(kinds):
                low, high = reader.get_watermark_offsets(place, timeout=_PATIENCE)
                if high > low:
                    left[place.topic, place.partition] = high
            reader.assign([TopicPartition(*place, OFFSET_BEGINNING) for place in left])
            found = []
            while left:
                for message in reader.consume(_BATCH, 0.5):
                    error = message.error()
                    if error is not None:
                        raise KafkaException(error)
                    found.extend(_event(message))
                for place in reader.position([TopicPartition(*place) for place in left]):
                    if place.offset >= left[place.topic, place.partition]:
                        del left[place.topic, place.partition]
            return found
        finally:
            reader.close()

    def follow(self, kinds: Sequence[type[Event]]) -> None:
        """Read these topics from their beginnings on, by `read`."""
        self._reader.assign(
            [
                TopicPartition(place.topic, place.partition, OFFSET_BEGINNING)
                for place in self._places(kinds)
            ]
        )

    def read(self) -> list[Event]:
        """Return what has come, without waiting."""
        found = []
        for message in self._reader.consume(_BATCH, 0.0):
            error = message.error()
            if error is None:
                found.extend(_event(message))
            else:
                self.trouble = f"cannot read {message.topic()}: {error.str()}"
        return found

    def write(self, events: Iterable[Event]) -> None:
        """Queue events; the broker's word on them comes later, and shows in `trouble`."""
        for event in events:
            topic = topic_of(type(event))
            if not isinstance(event, ControlEvent):
                telemetry.published(event)
            place = partition_of(event.key, self._partitions)
            value = encode(event)
            told: list[tuple[str, str | bytes | None]] = list(headers(event).items())
            while True:
                try:
                    self._producer.produce(
                        topic,
                        value,
                        event.key.encode(),
                        place,
                        headers=told,
                        on_delivery=self._delivered,
                    )
                    break
                except BufferError:  # the broker is slower than we are: that paces us
                    self._producer.poll(0.1)
        self._producer.poll(0)

    def close(self) -> None:
        """Write what is queued, and leave."""
        left = self._producer.flush(_PATIENCE)
        if left:
            log.error("%d events were not taken by the broker within %.0f s", left, _PATIENCE)
        self._reader.close()

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.trouble = None
            telemetry.PUBLISHED.labels(message.topic()).inc()
            return
        self.trouble = f"cannot write to {message.topic()}: {error.str()}"
        log.error("an event is lost: %s", self.trouble)

    def _places(self, kinds: Sequence[type[Event]]) -> list[TopicPartition]:
        names = dict.fromkeys(topic_of(kind) for kind in kinds)
        return [TopicPartition(name, each) for name in names for each in range(self._partitions)]

    def _consumer(self) -> Consumer:
        own = {"group.id": "daedalus-simulator", "enable.auto.commit": False}
        return Consumer({**self._config, **own})


def _event(message: Message) -> list[Event]:
    """Return the event of a message; none for a tombstone, or for what cannot be read."""
    value = message.value()
    if value is None:
        return []
    told = dict(message.headers() or [])
    try:
        return [
            decode(
                value,
                {name: each for name, each in told.items() if isinstance(each, bytes)},
                topic=message.topic(),
                key=message.key(),
                written_at=instant(message.timestamp()[1]),
            )
        ]
    except DecodeError as error:
        telemetry.DEAD_LETTERS.labels(message.topic()).inc()
        log.warning("left aside: %s@%s: %s", message.topic(), message.offset(), error)
        return []
