"""The kit's Kafka: plays events, and keeps what comes back. The only module that talks to it."""

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka import Message as KafkaMessage
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from daedalus_contract.found import Message
from daedalus_contract.jobs import GARBAGE
from daedalus_shared import kafka_clients
from daedalus_shared.events import Event, encode, event_type, headers
from daedalus_shared.events.codec import instant
from daedalus_shared.settings import ServiceSettings
from daedalus_shared.topics import (
    KNOWN,
    TopicError,
    missing_or_wrong,
    partition_of,
    partitions_of,
    topic_of,
)

_PATIENCE = 30.0
"""Seconds for the broker to take or tell something."""


class StageError(RuntimeError):
    """Kafka is not as the kit needs it; the message says what is wrong."""


class Stage:
    """Plays inputs, and listens to the topics that a role writes."""

    def __init__(
        self,
        settings: ServiceSettings,
        run: str,
        outputs: Iterable[type[Event]],
        inputs: Iterable[type[Event]] = (),
    ) -> None:
        """Connect.

        Args:
            settings: Where Kafka is.
            run: What the names of the jobs hold; what says nothing of it is passed over.
            outputs: What the service under test writes.
            inputs: What the kit alone should write.

        Raises:
            StageError: Kafka does not answer, or has not all topics.
        """
        config = kafka_clients.librdkafka(settings) | {"log_level": 0}
        self._admin = AdminClient(config)
        try:
            found = partitions_of(self._admin, timeout=10.0)
        except TopicError as error:
            raise StageError(f"{error} ({settings.bootstrap})") from error
        if wrong := missing_or_wrong(found, KNOWN):
            raise StageError(wrong)
        self.bootstrap = settings.bootstrap
        self.partitions = next(iter(found.values()))
        self._producer = Producer({**config, "enable.idempotence": True, "linger.ms": 2})
        group = {"group.id": "daedalus-contract", "enable.auto.commit": False}
        self._reader = Consumer({**config, **group, "fetch.wait.max.ms": 50})
        self._failed: list[str] = []
        self._written: dict[str, datetime] = {}
        self._run = run.encode()
        self._outputs = {topic_of(kind) for kind in outputs}
        self.found: list[Message] = []
        """What came on the topics that the service writes."""
        self.overheard: list[Message] = []
        """What came on those that the kit writes, the kit's own included."""
        self._follow(sorted(self._outputs | {topic_of(kind) for kind in inputs}))

    def send(self, *events: Event) -> None:
        """Queue events on the partition of their job."""
        for event in events:
            self._produce(
                topic_of(type(event)), event.key, encode(event), headers(event), note=event.id
            )

    def send_garbage(self, kind: type[Event], job: str) -> None:
        """Queue what nobody can read, where a job's events lie."""
        for _, value, ending in GARBAGE:
            name = event_type(kind).removesuffix(".v1") + (ending or ".v1")
            told = {} if ending is None else {"ce_type": name.encode()}
            self._produce(topic_of(kind), job, value, told)

    def flush(self) -> None:
        """Return when the broker has all that was queued."""
        left = self._producer.flush(_PATIENCE)
        if left or self._failed:
            raise StageError(f"Kafka did not take what was played: {self._failed or left}")

    def written_at(self, event: Event) -> datetime:
        """Return the Kafka timestamp of an event that was sent and flushed."""
        return self._written[event.id]

    def listen(self, seconds: float) -> None:
        """Keep what comes within so many seconds."""
        self.until(lambda: False, seconds)

    def until(self, done: Callable[[], bool], seconds: float) -> bool:
        """Keep what comes, until `done()` or so many seconds; says whether it was done."""
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                return False
            for message in self._reader.consume(500, 0.05):
                if message.error() is None:
                    self._keep(_message(message))
        return True

    def _keep(self, message: Message) -> None:
        told = (message.key, message.value, *message.headers.values())
        if any(self._run in each for each in told if each is not None):
            (self.found if message.topic in self._outputs else self.overheard).append(message)

    def create_topic(self, name: str, partitions: int) -> None:
        """Create a topic for the jobs' input."""
        futures = self._admin.create_topics([NewTopic(name, partitions)])
        try:
            futures[name].result(_PATIENCE)
        except KafkaException as error:
            raise StageError(f"cannot create {name}: {error.args[0].str()}") from error

    def delete_topic(self, name: str) -> None:
        """Delete a topic that `create_topic` made."""
        self._admin.delete_topics([name])[name].result(_PATIENCE)

    def feed(self, topic: str, count: int) -> None:
        """Queue so many records for a job to read."""
        for number in range(count):
            self._producer.produce(topic, b"x", str(number).encode())
        self._producer.poll(0)

    def close(self) -> None:
        """Disconnect."""
        self._reader.close()

    def _produce(
        self,
        topic: str,
        key: str,
        value: bytes | None,
        told: dict[str, bytes],
        note: str | None = None,
    ) -> None:
        def taken(error: KafkaError | None, message: KafkaMessage) -> None:
            if error is not None:
                self._failed.append(error.str())
            elif note is not None:
                self._written[note] = instant(message.timestamp()[1])

        place = partition_of(key, self.partitions)
        self._producer.produce(
            topic, value, key.encode(), place, headers=list(told.items()), on_delivery=taken
        )
        self._producer.poll(0)

    def _follow(self, topics: Sequence[str]) -> None:
        places = [
            TopicPartition(topic, each) for topic in topics for each in range(self.partitions)
        ]
        for place in places:
            place.offset = self._end(place)
        self._reader.assign(places)

    def _end(self, place: TopicPartition) -> int:
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return int(self._reader.get_watermark_offsets(place, timeout=_PATIENCE)[1])
            except KafkaException as error:  # a new topic's leader may still be unknown
                if not error.args[0].retriable() or time.monotonic() > deadline:
                    told = f"{place.topic} cannot be read: {error.args[0].str()}"
                    raise StageError(told) from error
                time.sleep(0.2)


def _message(found: KafkaMessage) -> Message:
    told = dict(found.headers() or [])
    return Message(
        topic=found.topic() or "",
        partition=found.partition() or 0,
        offset=found.offset() or 0,
        key=found.key(),
        value=found.value(),
        headers={name: value for name, value in told.items() if isinstance(value, bytes)},
        written_at=instant(found.timestamp()[1]),
    )
