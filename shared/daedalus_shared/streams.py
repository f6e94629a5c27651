"""The shell of every service: Faust around a relay. The only module that knows Faust.

What Faust is used for: membership in the consumer group, delivery, and commits. Its tables are not
used (their recovery counts double after SIGKILL), nor its producer's fire-and-forget. The settings
and hooks below are those that lost nothing under kills; each of them matters.
"""

import asyncio
import logging
import signal
import socket
import tempfile
import time
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

import faust
from aiohttp import web
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError
from faust.assignor.partition_assignor import PartitionAssignor
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from mode.supervisors import CrashingSupervisor

from daedalus_shared import kafka_clients, telemetry
from daedalus_shared.access import Access, Needs
from daedalus_shared.events import DeadLetter, encode, headers
from daedalus_shared.events.codec import instant
from daedalus_shared.relay import CONTROL, KNOWLEDGE, Assignment, Hooks, Record, Relay, Write
from daedalus_shared.roles import group_of
from daedalus_shared.service import S, Service
from daedalus_shared.settings import CredentialsError, ServiceSettings
from daedalus_shared.topics import TopicError, topic_of

log = logging.getLogger(__name__)

_RETRY = 2.0
"""Seconds between attempts to find Kafka and the topics at the start."""

_PATIENCE = 60.0
"""Seconds without an assignment after which the worker ends, to be started afresh."""

_PROBE = 5.0
"""Seconds between two looks at whether Kafka is reachable and lets us read."""

_RIGHTS = 15.0
"""Seconds between two looks at all that we may do."""


def run(service: Service[S], settings: ServiceSettings, hooks: Hooks[S] | None = None) -> NoReturn:
    """Run a service until SIGTERM; exits 1 on a bug, with the message at hand unacknowledged."""
    telemetry.log_json(f"{service.name}/{service.instance}", settings.log_level)
    group = group_of(service.name, service.instance)
    access = Access(settings, _needs(service, group))
    listening = _listen(settings)
    partitions = asyncio.new_event_loop().run_until_complete(
        _wait_for_kafka(settings, access, listening)
    )
    try:
        app = _app(group, settings, partitions)
        kafka = _Kafka(app, settings)
    except CredentialsError as error:  # taken away since the start
        raise SystemExit(str(error)) from error
    relay = Relay(service, kafka, hooks, partitions=partitions)
    _connect(app, kafka, relay)
    _accompany(app, kafka, relay, hooks or Hooks(), _Health(kafka, relay, access, listening))
    worker = faust.Worker(app, override_logging=False, redirect_stdouts=False, loglevel="warn")
    worker.execute_from_commandline()


def _needs(service: Service[S], group: str) -> Needs:
    """Return what a service does on Kafka: what it declares, and what every service does."""
    return Needs(
        reads=frozenset({*map(topic_of, service.SOURCES), CONTROL, KNOWLEDGE}),
        writes=frozenset({*map(topic_of, service.RESULTS), KNOWLEDGE, topic_of(DeadLetter)}),
        group=group,
    )


def _listen(settings: ServiceSettings) -> socket.socket:
    """Take the port of /healthz, /readyz and /metrics, for as long as the process lives."""
    where = (settings.http_host, settings.http_port)
    try:
        family = socket.AF_INET6 if ":" in settings.http_host else socket.AF_INET
        found = socket.create_server(where, family=family)
    except OSError as error:
        raise SystemExit(f"cannot listen on {where[0]}:{where[1]}: {error.strerror}") from error
    log.info("healthz, readyz and metrics at %s", found.getsockname()[:2])
    return found


@asynccontextmanager
async def _answering(
    listening: socket.socket, unready: Callable[[], str | None]
) -> AsyncIterator[None]:
    """Answer /healthz, /readyz and /metrics; the port stays ours afterwards."""
    runner = web.AppRunner(telemetry.health_app(unready), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.SockSite(runner, listening.dup()).start()
        yield
    finally:
        await runner.cleanup()


async def _wait_for_kafka(
    settings: ServiceSettings, access: Access, listening: socket.socket
) -> int:
    """Return the topics' number of partitions, once Kafka answers, has them and lets us.

    Meanwhile the service is alive and not ready, and says why.
    """
    said: str | None = None
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    try:
        async with _answering(listening, lambda: said or "Kafka was not found yet"):
            while True:
                try:
                    return await access.look()
                except TopicError as error:
                    wrong = str(error)
                if wrong != said:
                    log.warning("waiting for Kafka at %s: %s", settings.bootstrap, wrong)
                    said = wrong
                with suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), _RETRY)
                    raise SystemExit(0)
    finally:
        if not ended.is_set():  # else a second signal would cut the ending short
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)


def _app(name: str, settings: ServiceSettings, partitions: int) -> faust.App:
    context = settings.tls()
    credentials: Any = None if context is None else faust.SSLCredentials(context=context)
    if settings.security.startswith("sasl_") and (password := settings.password):
        credentials = faust.SASLCredentials(
            username=settings.username,
            password=password.get_secret_value(),
            mechanism=kafka_clients.SCRAM,
            ssl_context=context,
        )
    return faust.App(
        name,
        broker=[f"kafka://{broker}" for broker in settings.bootstrap.split(",")],
        broker_credentials=credentials,
        store="memory://",
        datadir=Path(tempfile.gettempdir()) / f"faust-{name}",
        key_serializer="raw",
        value_serializer="raw",
        topic_partitions=partitions,
        topic_allow_declare=False,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=settings.session_timeout,
        broker_heartbeat_interval=settings.session_timeout / 6,
        broker_commit_interval=0.5,
        broker_commit_every=10**9,  # by time alone: a commit a message would halve the throughput
        producer_linger_ms=0,
        stream_wait_empty=False,
        agent_supervisor=CrashingSupervisor,
        PartitionAssignor=_AllTopics,
        web_enabled=False,
    )


async def _resume_at(thread: AIOKafkaConsumerThread) -> dict[TopicPartition, int]:
    """Return where reading resumes: the committed offsets, or the beginning where there is none."""
    consumer = thread._ensure_consumer()  # noqa: SLF001 -- Faust has no public way; both pinned
    places = consumer.assignment()
    committed = {place: await consumer.committed(place) for place in places}
    fresh = [place for place in places if committed[place] is None]
    begin = await consumer.beginning_offsets(fresh) if fresh else {}
    return {place: begin.get(place, committed[place]) for place in places}


async def _seek_all(thread: AIOKafkaConsumerThread) -> dict[TopicPartition, int]:
    """Seek every assigned partition, also those that were never committed.

    aiokafka's own `seek_to_committed` leaves a partition without a commit where a stale fetch put
    it; its first messages were lost when a second replica joined while they arrived.
    """
    positions = await _resume_at(thread)
    consumer = thread._ensure_consumer()  # noqa: SLF001 -- as above
    for place, offset in positions.items():
        consumer.seek(place, offset)
    return positions


async def _seek_to_committed(self: AIOKafkaConsumerThread) -> Mapping[TopicPartition, int]:
    found: Mapping[TopicPartition, int] = await self.call_thread(_seek_all, self)
    return found


AIOKafkaConsumerThread.seek_to_committed = _seek_to_committed  # type: ignore[method-assign]  # the point


class _AllTopics(PartitionAssignor):
    """Assigns partitions, unless the cluster's metadata lacks a topic: then the worker ends.

    Faust's own goes on without that topic. While a broker comes back its metadata is incomplete,
    and a group that is assigned then would never read the missing topics.
    """

    def assign(self, cluster: Any, member_metadata: Any) -> Any:
        """Assign as Faust does, once every topic of ours is known."""
        wanted = {name for member in member_metadata.values() for name in member.subscription}
        missing = sorted(name for name in wanted if not cluster.partitions_for_topic(name))
        if missing:
            error = TopicError(f"the cluster's metadata lacks {', '.join(missing)}")
            # The client would keep the error to itself until messages are fetched, thus for ever.
            asyncio.run_coroutine_threadsafe(self.app.crash(error), self.app.loop)
            raise error
        return super().assign(cluster, member_metadata)


@contextmanager
def _naming(topic: str) -> Iterator[None]:
    """Name the topic that may not be written."""
    try:
        yield
    except TopicAuthorizationFailedError as error:
        raise TopicError(f"not authorised to write {topic}") from error


class _Kafka:
    """The port `Log` on a real cluster, beside the group that Faust keeps."""

    def __init__(self, app: faust.App, settings: ServiceSettings) -> None:
        self._app = app
        self._config = kafka_clients.aiokafka(settings)
        self._session_timeout = settings.session_timeout
        self._starting: asyncio.Task[None] | None = None

    async def start(self, topics: Iterable[str]) -> None:
        """Connect; called at each assignment, and does something at the first alone."""
        if self._starting is None:
            self._starting = asyncio.create_task(self._start(topics))
        await self._starting

    async def _start(self, topics: Iterable[str]) -> None:
        self._producer = AIOKafkaProducer(acks="all", enable_idempotence=True, **self._config)
        plain: dict[str, Any] = {"enable_auto_commit": False, "auto_offset_reset": "earliest"}
        self._reader = AIOKafkaConsumer(fetch_max_wait_ms=100, **plain, **self._config)
        self._prober = AIOKafkaConsumer(**plain, **self._config)
        for client in (self._producer, self._reader, self._prober):
            await client.start()
        # Assigned and paused, so that it knows the topics' leaders and fetches nothing.
        partitions = range(self._app.conf.topic_partitions)
        places = [TopicPartition(topic, each) for topic in topics for each in partitions]
        self._prober.assign(places)
        self._prober.pause(*places)

    async def stop(self) -> None:
        """Disconnect."""
        if self._starting is not None and self._starting.done():
            for client in (self._producer, self._reader, self._prober):
                await client.stop()

    async def ends(self, topics: Iterable[str], partition: int) -> Mapping[str, int]:
        places = [TopicPartition(topic, partition) for topic in topics]
        found = await self._prober.end_offsets(places)
        return {place.topic: offset for place, offset in found.items()}

    async def read(self, topic: str, partition: int, start: int, end: int) -> AsyncIterator[Record]:
        if start >= end:
            return
        place = TopicPartition(topic, partition)
        self._reader.assign([place])
        if start:
            self._reader.seek(place, start)
        else:
            await self._reader.seek_to_beginning(place)
        while await self._reader.position(place) < end:
            for batch in (await self._reader.getmany(timeout_ms=200)).values():
                for found in batch:
                    if found.offset < end:
                        yield Record(
                            topic=found.topic,
                            partition=found.partition,
                            offset=found.offset,
                            key=found.key,
                            value=found.value,
                            headers=_headers(found.headers),
                            written_at=instant(found.timestamp),
                        )

    async def write(self, writes: Sequence[Write]) -> None:
        queued = [(write.topic, await self._send(write)) for write in writes]
        for topic, word in queued:
            with _naming(topic):
                await word

    async def _send(self, write: Write) -> Awaitable[Any]:
        """Queue a write; the broker's word on it is to be awaited."""
        with _naming(write.topic):
            word: Awaitable[Any] = await self._producer.send(
                write.topic,
                key=write.key.encode(),
                value=None if write.event is None else encode(write.event),
                partition=write.partition,
                headers=[] if write.event is None else list(headers(write.event).items()),
            )
        return word

    async def trouble(self, topics: Iterable[str], partition: int) -> str | None:
        """Say why these topics cannot be read now, or None."""
        try:
            await asyncio.wait_for(self.ends(topics, partition), _PROBE)
        except (KafkaError, TimeoutError) as error:
            cluster = self._prober._client.cluster  # noqa: SLF001 -- errors do not name the topic
            denied = sorted(cluster.unauthorized_topics & set(topics))
            if denied:
                return f"not authorised to read {', '.join(denied)}"
            return f"Kafka does not answer: {type(error).__name__} {error}".rstrip()
        return None

    async def confirm(self) -> bool:
        thread = self._thread()
        coordinator = thread._ensure_consumer()._coordinator  # noqa: SLF001 -- as _thread
        before, asked = coordinator.generation, time.monotonic()
        alive: bool = await thread.call_thread(coordinator._do_heartbeat)  # noqa: SLF001 -- as _thread
        # A process that was stopped meanwhile finds an answer that was true once.
        fresh = time.monotonic() - asked < self._session_timeout / 2
        return alive and fresh and before == coordinator.generation

    def _thread(self) -> AIOKafkaConsumerThread:
        consumer: Any = self._app.consumer
        thread: AIOKafkaConsumerThread = consumer._thread  # noqa: SLF001 -- no public way; pinned
        return thread

    async def assignment(self) -> Assignment:
        """Return what the group gave to this replica."""
        thread = self._thread()
        positions = await thread.call_thread(_resume_at, thread)
        return Assignment(
            generation=thread._ensure_consumer()._coordinator.generation,  # noqa: SLF001 -- as _thread
            positions={(place.topic, place.partition): at for place, at in positions.items()},
        )


def _connect(app: faust.App, kafka: _Kafka, relay: Relay[S]) -> None:
    # Awaited before partitions resume and before the seek, at every assignment; the other hooks
    # that sound like it are not. If it raises, the worker exits.
    @app.on_rebalance_complete.connect
    async def restore(*_: Any, **__: Any) -> None:
        await kafka.start([*relay.topics, KNOWLEDGE])
        await relay.restore(await kafka.assignment())

    @app.on_partitions_revoked.connect
    async def revoke(*_: Any, **__: Any) -> None:
        relay.revoke()

    channel = app.topic(*relay.topics, key_serializer="raw", value_serializer="raw")

    # One agent for all topics, without concurrency: Faust's commit skips a message when
    # acknowledgements leave gaps.
    @app.agent(channel, concurrency=1)
    async def fold(stream: Any) -> None:
        async for event in stream.noack().events():
            await relay.process(_record(event.message))
            event.ack()


def _headers(found: Any) -> dict[str, bytes]:
    """Return a message's headers; a null one counts as empty."""
    return {name: value or b"" for name, value in dict(found or ()).items()}


def _record(message: Any) -> Record:
    return Record(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        key=message.key,
        value=message.value,
        headers=_headers(message.headers),
        written_at=instant(message.timestamp * 1000),
    )


class _Health:
    """Whether the service is ready: its state is restored, and Kafka lets it do its work."""

    def __init__(
        self, kafka: _Kafka, relay: Relay[Any], access: Access, listening: socket.socket
    ) -> None:
        self._kafka = kafka
        self._relay = relay
        self._access = access
        self._listening = listening
        self._trouble: str | None = None
        self._refused: str | None = None

    def unready(self) -> str | None:
        """Say why the service is not ready, or None."""
        restored = self._relay.restored.is_set()
        return self._trouble or self._refused or (None if restored else "state is not restored yet")

    async def look(self, app: faust.App) -> None:
        """Look at Kafka for as long as the service runs."""
        topics = self._relay.topics
        await self._kafka.start([*topics, KNOWLEDGE])
        while not app.should_stop:
            partition = min(self._relay.partitions, default=0)
            self._trouble = await self._kafka.trouble(topics, partition)
            await app.sleep(_PROBE)

    async def look_at_rights(self, app: faust.App) -> None:
        """Ask what we may do for as long as the service runs: a write tells it too late."""
        while not app.should_stop:
            await app.sleep(_RIGHTS)
            try:
                await self._access.look()
                self._refused = None
            except TopicError as error:
                self._refused = str(error)

    async def expect_an_assignment(self, app: faust.App) -> None:
        """End the worker when the group gives it nothing, not even no partition, for long."""
        while not app.should_stop:
            try:
                await asyncio.wait_for(self._relay.restored.wait(), _PATIENCE)
            except TimeoutError:
                await app.crash(RuntimeError(f"no assignment for {_PATIENCE:.0f} s"))
            await app.sleep(_PROBE)

    async def serve(self, app: faust.App) -> None:
        """Answer /healthz, /readyz and /metrics for as long as the service runs."""
        async with _answering(self._listening, self.unready):
            await app.wait_until_stopped()


def _accompany(
    app: faust.App, kafka: _Kafka, relay: Relay[S], hooks: Hooks[S], health: _Health
) -> None:
    """Run what lives beside the fold: health, and the service's own background."""

    async def background() -> None:
        await relay.restored.wait()
        await hooks.background(relay)

    app.task(lambda: health.serve(app))
    app.task(lambda: health.look(app))
    app.task(lambda: health.look_at_rights(app))
    app.task(lambda: health.expect_an_assignment(app))
    app.task(background)

    @app.on_before_shutdown.connect
    async def stop(*_: Any, **__: Any) -> None:
        relay.revoke()
        await kafka.stop()
