"""A cluster: its topics, partitions and offsets, and its errors as ours."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # not in its __all__
    AdminClient,
    ClusterMetadata,
    OffsetSpec,
)

from daedalus_console.brokers import Address
from daedalus_console.errors import ConsoleError, NotFoundError, UnreachableError
from daedalus_console.settings import settings
from daedalus_shared.kafka_clients import Complaints, librdkafka
from daedalus_shared.topics import PREFIX, partition_of

TIMEOUT = 5.0
"""Seconds that the broker is given to answer."""

POLL = 0.2
"""Seconds that a poll blocks; also how long Ctrl-C may have to wait."""

SMALL: dict[str, Any] = {
    "queued.max.messages.kbytes": 4_096,
    "fetch.max.bytes": 2_000_000,
    "fetch.message.max.bytes": 262_144,
    "fetch.queue.backoff.ms": 5,  # a second by default, in which all that is held is read
}
"""A consumer that holds little: what a fetch brings unpacks to several times its size, and by
default 50 MB are fetched."""

PASSING = frozenset({KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE})
"""Errors that pass by themselves while leaders are elected."""

EARLIEST: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]  # the client's own
LATEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # the client's own

_QUIET = logging.getLogger("daedalus_console.librdkafka")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False  # librdkafka repeats itself each second; one line says it all

Place = tuple[str, int]
"""Topic and partition."""


class Kafka:
    """One cluster, as the command needs it."""

    def __init__(self, address: Address, patience: float = TIMEOUT) -> None:
        """Take where it is, and the seconds that it is given to answer."""
        self.address = address
        self._patience = patience
        found = settings(address.bootstrap)
        self._complaints = Complaints(found)
        self.config: dict[str, Any] = {
            **librdkafka(found),
            "logger": _QUIET,
            "error_cb": self._complaints,
            "socket.connection.setup.timeout.ms": int(patience * 1000),
        }
        self._partitions: dict[str, int] | None = None
        self._admin_client: AdminClient | None = None

    @property
    def admin(self) -> AdminClient:
        """The admin client."""
        if self._admin_client is None:
            with self.translated():
                self._admin_client = AdminClient(self.config)
        return self._admin_client

    def partitions(self) -> dict[str, int]:
        """Return our topics on the cluster, with prefix, and their numbers of partitions."""
        if self._partitions is None:
            with self.translated():
                found = self._metadata().topics.items()
            self._partitions = {
                name: len(topic.partitions)
                for name, topic in found
                if name.startswith(PREFIX) and topic.error is None
            }
        return self._partitions

    def count(self, topic: str) -> int:
        """Return how many partitions a topic has, or raise `NotFoundError`."""
        count = self.partitions().get(topic)
        if count is None:
            raise NotFoundError(
                f"Kafka at {self.address} has no topic {topic}; "
                "create the topics with `daedalus topics create`"
            )
        return count

    def places(self, names: Sequence[str], job: str | None) -> list[Place]:
        """Return the partitions of topics (without prefix), or those that a job lies on."""
        places: list[Place] = []
        for name in names:
            topic = PREFIX + name
            count = self.count(topic)
            which = range(count) if job is None else [partition_of(job, count)]
            places += [(topic, partition) for partition in which]
        return places

    def starts(self, places: Sequence[Place], since: datetime | None) -> dict[Place, int]:
        """Return the first offsets from `since` on; the oldest there are when None."""
        earliest = self.offsets(places, EARLIEST)
        return earliest if since is None else self.later(places, since, None)

    def later(
        self, places: Sequence[Place], at: datetime, otherwise: dict[Place, int] | None
    ) -> dict[Place, int]:
        """Return the first offsets from `at` on; the end where nothing is that new."""
        ends = otherwise or self.offsets(places, LATEST)
        milliseconds = max(0, int(at.timestamp() * 1000))
        found = self.offsets(places, OffsetSpec.for_timestamp(milliseconds))
        return {place: ends[place] if found[place] < 0 else found[place] for place in places}

    def offsets(self, places: Sequence[Place], which: OffsetSpec) -> dict[Place, int]:
        """Return an offset of each partition, in one request."""
        deadline = time.monotonic() + self._patience
        while places:
            asked = {TopicPartition(topic, partition): which for topic, partition in places}
            try:
                futures = self.admin.list_offsets(asked, request_timeout=self._patience)
                return {
                    (place.topic, place.partition): future.result().offset
                    for place, future in futures.items()
                }
            except KafkaException as error:
                # New topics have no leaders yet, and a restarted broker's are elsewhere.
                if error.args[0].code() not in PASSING or time.monotonic() > deadline:
                    raise self._error(error.args[0]) from error
                time.sleep(POLL)
        return {}

    def _metadata(self) -> ClusterMetadata:
        """Ask for the topics; give up early when no broker takes the connection."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return self.admin.list_topics(timeout=self._patience / 5)
            except KafkaException:
                self.admin.poll(0)
                if self._complaints.all_down or time.monotonic() > deadline:
                    raise

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn the client's errors into ours, on one line that names the address."""
        try:
            yield
        except KafkaException as error:
            raise self._error(error.args[0]) from error

    def _error(self, error: KafkaError) -> ConsoleError:
        unreachable = {
            KafkaError._TRANSPORT,  # noqa: SLF001 -- the client's public names for local errors
            KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001
            KafkaError._TIMED_OUT,  # noqa: SLF001
            KafkaError._RESOLVE,  # noqa: SLF001
            KafkaError._AUTHENTICATION,  # noqa: SLF001
            KafkaError.REQUEST_TIMED_OUT,
        }
        if error.code() in unreachable:
            why = self._complaints.why()
            told = f": {why}" if why else ""
            return UnreachableError(f"Kafka does not answer at {self.address}{told}")
        return ConsoleError(f"Kafka at {self.address}: {error.str()}")
