"""The topics: their names, settings and partitions.

All topics keyed by job have equally many partitions, and a job lies on the same partition of each:
what one stage writes of a job, the next stage's owner of that partition reads.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from daedalus_shared.events import Event
from daedalus_shared.events.codec import EVENTS

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

PREFIX = "daedalus."
PARTITIONS = 12
_DAY_MS = 86_400_000
_FOREVER = "-1"


class TopicError(RuntimeError):
    """The topics on the cluster are not as the services need them."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic and what it keeps."""

    name: str
    """With its prefix."""

    compacted: bool = False
    """Whether only the newest record of a key is kept for ever."""

    retention_ms: int | None = None
    """How long records are kept; None for ever."""

    keep_superseded_ms: int = 0
    """On a compacted topic: how long superseded records stay."""

    def config(self) -> dict[str, str]:
        """Return the topic's settings.

        The broker stamps the records, so that its clock judges events from the future.
        """
        common = {"compression.type": "zstd", "message.timestamp.type": "LogAppendTime"}
        if not self.compacted:
            keep = _FOREVER if self.retention_ms is None else str(self.retention_ms)
            return common | {"cleanup.policy": "delete", "retention.ms": keep}
        return common | {
            "cleanup.policy": "compact",
            "min.compaction.lag.ms": str(self.keep_superseded_ms),
            "segment.ms": str(_DAY_MS),
            "min.cleanable.dirty.ratio": "0.2",
        }


def topic_of(event: type[Event]) -> str:
    """Return the topic that carries events of this class."""
    return PREFIX + event.NAME


CATALOGUE: tuple[Topic, ...] = (
    Topic("daedalus.metrics", retention_ms=7 * _DAY_MS),
    Topic("daedalus.capacity-updates", retention_ms=30 * _DAY_MS),
    Topic("daedalus.forecasts", retention_ms=30 * _DAY_MS),
    Topic("daedalus.decisions", retention_ms=30 * _DAY_MS),
    Topic("daedalus.scale-commands", retention_ms=30 * _DAY_MS),
    Topic("daedalus.scale-outcomes", retention_ms=30 * _DAY_MS),
    Topic("daedalus.recoveries", retention_ms=30 * _DAY_MS),
    Topic("daedalus.knowledge", compacted=True),
    Topic("daedalus.control", compacted=True, keep_superseded_ms=30 * _DAY_MS),
    Topic("daedalus.dead-letters", retention_ms=30 * _DAY_MS),
)
"""Metrics are kept for a week, all that a decision used or caused for a month; superseded control
records stay a month, so that a replay finds the spec of its time."""

KNOWN = frozenset(topic_of(event) for event in EVENTS)


def partition_of(key: str, partitions: int) -> int:
    """Return the partition of a key: murmur2 of what stands before its first `/`.

    It is the Java clients' default; librdkafka's differs (set `partitioner=murmur2_random`).

    >>> partition_of("ysb", 12) == partition_of("ysb/Override/pause-both", 12)
    True
    """
    from aiokafka.partitioner import murmur2  # noqa: PLC0415 -- costs 120 ms, readers need it not

    job = key.partition("/")[0].encode()
    return int((murmur2(job) & 0x7FFFFFFF) % partitions)


def missing_or_wrong(found: dict[str, int], wanted: Iterable[str]) -> str | None:
    """Say in one line what is wrong with the topics found (name → partitions), or None."""
    names = sorted(wanted)
    missing = [name for name in names if name not in found]
    if missing:
        return (
            f"missing, or this principal may not see them: {', '.join(missing)}; "
            "`daedalus topics create` makes them"
        )
    counts = {name: found[name] for name in names if name in found}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name} {count}" for name, count in counts.items())
        return f"topics must have equally many partitions: {told}"
    return None


def partitions_of(admin: "AdminClient", timeout: float = 5.0) -> dict[str, int]:
    """Return our topics on the cluster and their numbers of partitions.

    Raises:
        TopicError: Kafka does not answer.
    """
    from confluent_kafka import KafkaException  # noqa: PLC0415 -- costs 60 ms, not all need it

    try:
        metadata = admin.list_topics(timeout=timeout)
    except KafkaException as error:
        raise TopicError(f"Kafka does not answer: {error.args[0].str()}") from error
    return {
        name: len(topic.partitions)
        for name, topic in metadata.topics.items()
        if name.startswith(PREFIX) and topic.error is None
    }


def create_topics(
    admin: "AdminClient",
    *,
    partitions: int = PARTITIONS,
    replication: int = 1,
    timeout: float = 30.0,
) -> list[str]:
    """Create the topics that are missing, and return their names.

    Raises:
        TopicError: Kafka refuses, or topics exist with another number of partitions.
    """
    from confluent_kafka import KafkaException  # noqa: PLC0415 -- costs 60 ms, not all need it
    from confluent_kafka.cimpl import NewTopic  # noqa: PLC0415 -- the same

    found = partitions_of(admin, timeout)
    others = {name: count for name, count in found.items() if name in KNOWN and count != partitions}
    if others:
        raise TopicError(
            f"topics exist with other than {partitions} partitions: "
            + ", ".join(f"{name} {count}" for name, count in sorted(others.items()))
        )
    new = [
        NewTopic(
            topic.name,
            num_partitions=partitions,
            replication_factor=replication,
            config=topic.config(),
        )
        for topic in CATALOGUE
        if topic.name not in found
    ]
    if not new:
        return []
    for name, future in admin.create_topics(new, request_timeout=timeout).items():
        try:
            future.result()
        except KafkaException as error:
            raise TopicError(f"cannot create {name}: {error.args[0].str()}") from error
    return sorted(topic.topic for topic in new)
