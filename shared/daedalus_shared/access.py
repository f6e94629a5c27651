"""Whether Kafka has what a service needs, and lets it: topics, partitions and rights, by name.

A consumer without a right keeps running and only logs it, and a producer without one fails at its
first event. So the broker is asked beforehand what the principal may do, and again now and then.
"""

import asyncio
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # not all in its __all__
    AclOperation,
    AdminClient,
)

from daedalus_shared import kafka_clients
from daedalus_shared.settings import CredentialsError, ServiceSettings
from daedalus_shared.topics import TopicError

T = TypeVar("T")

_PATIENCE = 5.0
"""Seconds that the broker is given to answer."""

_POLL = 0.25
"""Seconds between two looks at whether the broker refuses us."""

_UNKNOWN = "missing: {}; `daedalus topics create` makes them"


@dataclass(frozen=True, slots=True)
class Needs:
    """What a client does on Kafka."""

    reads: frozenset[str]
    writes: frozenset[str]
    group: str | None = None
    """The consumer group that it joins."""


class Access:
    """Asks Kafka, as the service's principal."""

    def __init__(self, settings: ServiceSettings, needs: Needs) -> None:
        self._settings = settings
        self._needs = needs
        self._client: AdminClient | None = None
        self._complaints = kafka_clients.Complaints(settings)

    async def look(self) -> int:
        """Return the topics' number of partitions.

        Raises:
            TopicError: Kafka does not answer, lacks a topic, or refuses something; one line says
                what, and which setting is wrong where it does not let us in.
        """
        try:
            found = await self._topics()
            await self._may_join()
        except CredentialsError as error:
            self._client = None
            raise TopicError(str(error)) from error
        except KafkaException as error:
            raise TopicError(await self._why(error.args[0])) from error
        return found

    async def _topics(self) -> int:
        needs, counts = self._needs, {}
        missing: list[str] = []
        refused: dict[str, list[str]] = {"read": [], "write": [], "see": []}
        names = sorted(needs.reads | needs.writes)
        futures = self._admin().describe_topics(
            TopicCollection(names), include_authorized_operations=True, request_timeout=_PATIENCE
        )
        for name, future in futures.items():
            try:
                topic: Any = await self._answer(future)
            except KafkaException as error:
                code = error.args[0].code()
                if code == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                    refused["see"].append(name)
                elif code == KafkaError.UNKNOWN_TOPIC_OR_PART:
                    missing.append(name)
                else:
                    raise
                continue
            counts[name] = len(topic.partitions)
            allowed = topic.authorized_operations or ()
            if name in needs.reads and AclOperation.READ not in allowed:
                refused["read"].append(name)
            if name in needs.writes and AclOperation.WRITE not in allowed:
                refused["write"].append(name)
        wrong = [
            f"not authorised to {what} {', '.join(topics)}"
            for what, topics in refused.items()
            if topics
        ]
        if missing:
            wrong.append(_UNKNOWN.format(", ".join(missing)))
        if wrong:
            raise TopicError(self._as_whom("; ".join(wrong)))
        if len(set(counts.values())) > 1:
            told = ", ".join(f"{name} {count}" for name, count in counts.items())
            raise TopicError(f"topics must have equally many partitions: {told}")
        return next(iter(counts.values()))

    async def _may_join(self) -> None:
        group = self._needs.group
        if group is None:
            return
        futures = self._admin().describe_consumer_groups(
            [group], include_authorized_operations=True, request_timeout=_PATIENCE
        )
        try:
            described: Any = await self._answer(futures[group])
            may = AclOperation.READ in (described.authorized_operations or ())
        except KafkaException as error:
            if error.args[0].code() != KafkaError.GROUP_AUTHORIZATION_FAILED:
                raise
            may = False
        if not may:
            raise TopicError(self._as_whom(f"not authorised to join the group {group}"))

    async def _answer(self, future: Future[T]) -> T:
        """Wait for an answer, as long as it may come.

        librdkafka would stumble over a future that was cancelled on our side.
        """
        waiting = asyncio.wrap_future(future)
        waiting.add_done_callback(lambda done: done.cancelled() or done.exception())
        while not waiting.done():
            await asyncio.wait([waiting], timeout=_POLL)
            self._admin().poll(0)
            if self._complaints.final and not waiting.done():
                raise TopicError(await self._why())
        return waiting.result()

    def _as_whom(self, what: str) -> str:
        user = self._settings.username
        return f"{what} (as the user {user})" if user else what

    def _admin(self) -> AdminClient:
        if self._client is None:
            config: dict[str, Any] = kafka_clients.librdkafka(self._settings)
            self._complaints = kafka_clients.Complaints(self._settings)
            self._client = AdminClient(config | {"log_level": 0, "error_cb": self._complaints})
        return self._client

    async def _why(self, error: KafkaError | None = None) -> str:
        """Say why nothing was answered, and look at the credentials anew at the next attempt."""
        if self._client is not None:
            self._client.poll(0)
        self._client = None  # a mounted password may have been put right meanwhile
        told = await asyncio.to_thread(self._complaints.why)
        return told or f"Kafka does not answer{f': {error.str()}' if error else ''}"
