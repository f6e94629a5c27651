"""Offsets of input topics and of the groups that read them."""

import asyncio
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # one is not in its __all__
    AdminClient,
    OffsetSpec,
)

from daedalus_monitor.domain.fan_out import FanOut
from daedalus_monitor.domain.offsets import Offsets, Partition
from daedalus_monitor.domain.readings import Reading, Unknown
from daedalus_monitor.ports import SourceError
from daedalus_shared.credentials import Credentials
from daedalus_shared.job_spec import Input

T = TypeVar("T")

LATEST: Any = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # has no types
EARLIEST: Any = OffsetSpec.earliest()  # type: ignore[no-untyped-call]  # has no types

REQUEST_TIMEOUT = 10.0
"""Seconds after which the client gives a request up, whether or not anybody still waits."""

COMMITTED_TIMEOUT = 5.0
"""Seconds that a thread waits for a group's offsets."""

THREADS = 8
"""Threads a cluster, so that its jobs wait for one another alone; 200 groups took 0.1 s with 16."""

REFRESH = 12
"""Looks between two questions for the topics' partitions: they are added by hand, and seldom."""


class Brokers:
    """The clients of all clusters, which hold connections and threads."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._common: dict[str, str | int | float | bool] = {
            "client.id": "daedalus-monitor",
            "log_level": 2,
            # Its histograms take two thirds of a client's 0.6 MB, and each group has a client.
            "enable.metrics.push": False,
        }
        self._admins: dict[str, AdminClient] = {}
        self._groups: dict[tuple[str, str], Consumer] = {}
        self._pools: dict[str, ThreadPoolExecutor] = {}

    def admin(self, bootstrap: str) -> AdminClient:
        """Return the one client of a cluster."""
        if bootstrap not in self._admins:
            self._admins[bootstrap] = AdminClient(self._config(bootstrap))
        return self._admins[bootstrap]

    async def committed(
        self, bootstrap: str, group: str, parts: Iterable[Partition]
    ) -> list[TopicPartition]:
        """Return what a group has committed.

        By a consumer of the group that never joins it, not by the admin client: the admin's request
        for offsets ends the process when the coordinator has moved or a young cluster has none yet
        (librdkafka issue 5040). It blocks, so each cluster has a few threads of its own.
        """
        asked = [TopicPartition(*part) for part in parts]
        consumer = self._consumer(bootstrap, group)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._pool(bootstrap), lambda: consumer.committed(asked, timeout=COMMITTED_TIMEOUT)
        )

    async def topics(self, bootstrap: str) -> set[str]:
        """Return the names of all topics of a cluster that we may see; it blocks, as above."""
        client = self.admin(bootstrap)
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._pool(bootstrap), lambda: client.list_topics(timeout=COMMITTED_TIMEOUT)
        )
        return set(found.topics)

    def _consumer(self, bootstrap: str, group: str) -> Consumer:
        if (bootstrap, group) not in self._groups:
            own = {"group.id": group, "enable.auto.commit": False}
            self._groups[bootstrap, group] = Consumer(self._config(bootstrap) | own)
        return self._groups[bootstrap, group]

    def _config(self, bootstrap: str) -> dict[str, str | int | float | bool]:
        known = self._credentials.kafka(bootstrap)
        return {**known, **self._common, "bootstrap.servers": bootstrap}

    def _pool(self, bootstrap: str) -> ThreadPoolExecutor:
        if bootstrap not in self._pools:
            self._pools[bootstrap] = ThreadPoolExecutor(THREADS, "kafka-offsets")
        return self._pools[bootstrap]


class KafkaOffsets:
    """The offsets of one job's input topics."""

    def __init__(self, brokers: Brokers, where: Input, patience: float) -> None:
        """Look at `where`, and wait for the group's offsets for `patience` seconds.

        They come from one broker, and those of the topics from all: the workload is known without.
        """
        self._brokers = brokers
        self._where = where
        self._patience = patience
        self._partitions: list[Partition] = []
        self._asked = 0

    async def look(self) -> Offsets:
        """Return the offsets of all partitions.

        Raises:
            SourceError: The topics are not known.
        """
        client = self._brokers.admin(self._where.bootstrap)
        parts = await self._known_partitions(client)
        try:
            committed: Reading[dict[Partition, int | None]] = await self._committed(parts)
        except SourceError as error:
            committed = Unknown(str(error))
        try:
            # After the commits: the other way round a commit in between exceeds the end.
            ends: Reading[Mapping[Partition, int]] = await self._listed(client, parts, LATEST)
        except SourceError as error:
            self._partitions = []  # deleted or moved, perhaps: ask anew
            return Offsets(ends=Unknown(str(error)), committed=committed, begins={})
        return Offsets(ends=ends, committed=committed, begins=await self._begins(client, committed))

    async def _known_partitions(self, client: AdminClient) -> list[Partition]:
        if not self._partitions or self._asked >= REFRESH:
            self._partitions = await self._described(client)
            self._asked = 0
        self._asked += 1
        return self._partitions

    async def _described(self, client: AdminClient) -> list[Partition]:
        topics = TopicCollection(list(self._where.topics))
        futures = client.describe_topics(topics, request_timeout=REQUEST_TIMEOUT)
        found = []
        for name, future in futures.items():
            described: Any = await self._answer(future, f"topic {name}")
            found += [(name, part.id) for part in described.partitions]
        return found

    async def _committed(self, parts: list[Partition]) -> dict[Partition, int | None]:
        what = f"group {self._where.group}"
        found: dict[Partition, int | None] = {}
        try:
            answer = await self._brokers.committed(self._where.bootstrap, self._where.group, parts)
        except KafkaException as error:
            why = await self._refusal(what)
            raise SourceError(why or f"{self._said(what)}: {_text(error)}") from error
        for part in answer:
            if part.error is not None:
                raise SourceError(f"{self._said(what)}: {part.error.str()}")
            found[part.topic, part.partition] = None if part.offset < 0 else part.offset
        return found

    async def _refusal(self, what: str) -> str | None:
        """Say whether we may not see the group: its offsets then never come, without a reason."""
        group = self._where.group
        client = self._brokers.admin(self._where.bootstrap)
        asked = client.describe_consumer_groups([group], request_timeout=COMMITTED_TIMEOUT)
        try:
            await self._answer(asked[group], what)
        except SourceError as error:
            return str(error)
        return None

    async def _listed(
        self, client: AdminClient, parts: Iterable[Partition], spec: Any
    ) -> dict[Partition, int]:
        request = {TopicPartition(*part): spec for part in parts}
        if not request:
            return {}
        futures = client.list_offsets(request, request_timeout=REQUEST_TIMEOUT)
        found = {}
        for part, future in futures.items():
            listed: Any = await self._answer(future, f"{part.topic}-{part.partition}")
            found[part.topic, part.partition] = int(listed.offset)
        return found

    async def _begins(
        self, client: AdminClient, committed: Reading[dict[Partition, int | None]]
    ) -> dict[Partition, int]:
        """Return the first offsets where the group has no commit, as far as they are told."""
        if isinstance(committed, Unknown):
            return {}
        silent = [part for part, offset in committed.items() if offset is None]
        try:
            return await self._listed(client, silent, EARLIEST)
        except SourceError:
            return {}

    async def _answer(self, future: Future[T], what: str) -> T:
        """Wait for an answer without holding up the event loop, or cancelling what librdkafka does.

        Its thread would stumble over a future that was cancelled on our side.
        """
        waiting = asyncio.wrap_future(future)
        waiting.add_done_callback(_take)
        try:
            return await asyncio.shield(waiting)
        except KafkaException as error:
            raise SourceError(f"{self._said(what)}: {_text(error)}") from error

    def _said(self, what: str) -> str:
        return f"Kafka at {self._where.bootstrap}, {what}"


class StreamsOffsets:
    """The offsets of a Kafka Streams job: of its input topics, and of its repartition topics.

    They are asked for apart, so that the workload is known where what is between is not.
    """

    def __init__(self, brokers: Brokers, where: Input, patience: float) -> None:
        """Look at `where`, by one `KafkaOffsets` for each of the two."""
        self._brokers = brokers
        self._where = where
        self._patience = patience
        self._input = KafkaOffsets(brokers, where, patience)
        self._between: KafkaOffsets | None = None
        self._topics: tuple[str, ...] = ()
        self._asked = 0
        self._fan_out = FanOut()

    async def look(self) -> Offsets:
        """Return the offsets of all partitions.

        Raises:
            SourceError: The input topics are not known.
        """
        found, between = await asyncio.gather(self._input.look(), self._look_between())
        if not isinstance(found.committed, Unknown) and not any(found.committed.values()):
            self._asked = 0  # the job starts for the first time, and makes its topics meanwhile
        if between is None:
            return found
        self._fan_out = self._fan_out.seen(replace(found, between=between))
        return replace(found, between=replace(between, worth=self._fan_out.worth))

    async def _look_between(self) -> Offsets | None:
        try:
            topics = await self._known_topics()
            if topics != self._topics or self._between is None:
                self._topics = topics
                where = self._where.model_copy(update={"topics": topics})
                self._between = KafkaOffsets(self._brokers, where, self._patience)
            return await self._between.look() if topics else None
        except SourceError as error:
            self._asked = 0  # deleted, perhaps: look anew
            return Offsets.nothing(str(error))

    async def _known_topics(self) -> tuple[str, ...]:
        """Return the repartition topics, which are listed anew now and then."""
        if self._where.repartition is not None:
            return self._where.repartition
        if self._asked % REFRESH == 0:
            try:
                names = await self._brokers.topics(self._where.bootstrap)
            except KafkaException as error:
                what = f"Kafka at {self._where.bootstrap}, list of topics"
                raise SourceError(f"{what}: {_text(error)}") from error
            self._asked = 1
            return repartition(names, self._where)
        self._asked += 1
        return self._topics


def repartition(names: Iterable[str], where: Input) -> tuple[str, ...]:
    """Return the topics that a Kafka Streams application makes to hand records to itself.

    >>> where = Input(bootstrap="b:1", topics=("lines",), group="wordcount")
    >>> repartition(["lines", "wordcount-by-word-repartition", "wordcount-x-changelog"], where)
    ('wordcount-by-word-repartition',)
    """
    begin, end = f"{where.group}-", "-repartition"
    ours = {name for name in names if name.startswith(begin) and name.endswith(end)}
    return tuple(sorted(ours - set(where.topics)))


def _text(error: KafkaException) -> str:
    cause = error.args[0]
    return cause.str() if isinstance(cause, KafkaError) else str(cause)


def _take(future: asyncio.Future[Any]) -> None:
    """Take note of an error that comes when nobody waits any more: asyncio would complain."""
    if not future.cancelled():
        future.exception()
