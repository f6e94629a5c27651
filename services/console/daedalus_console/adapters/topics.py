"""What the cluster says of our topics, and how they come to be."""

from dataclasses import dataclass

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # not in its __all__
    ConfigResource,
    ResourceType,
)

from daedalus_console.adapters.kafka import EARLIEST, LATEST, TIMEOUT, Kafka
from daedalus_console.errors import ConsoleError
from daedalus_shared.topics import TopicError, create_topics


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """One topic."""

    name: str
    partitions: int
    records: int
    """Newest minus oldest offset, summed: an upper bound on a compacted topic."""

    config: dict[str, str]


def facts(kafka: Kafka) -> list[TopicFacts]:
    """Return what there is, by name."""
    counts = kafka.partitions()
    places = [(name, at) for name, count in counts.items() for at in range(count)]
    ends = kafka.offsets(places, LATEST)
    starts = kafka.offsets(places, EARLIEST)
    configs = _configs(kafka, list(counts))
    return [
        TopicFacts(
            name=name,
            partitions=count,
            records=sum(ends[name, at] - starts[name, at] for at in range(count)),
            config=configs[name],
        )
        for name, count in sorted(counts.items())
    ]


def create(kafka: Kafka, partitions: int, replication: int) -> list[str]:
    """Create the topics that are missing and return their names, or raise `ConsoleError`."""
    kafka.partitions()  # an unreachable broker is told as everywhere
    try:
        return create_topics(kafka.admin, partitions=partitions, replication=replication)
    except TopicError as error:
        raise ConsoleError(str(error)) from error


def _configs(kafka: Kafka, names: list[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    asked = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    with kafka.translated():
        futures = kafka.admin.describe_configs(asked, request_timeout=TIMEOUT)
        return {
            resource.name: {entry.name: entry.value for entry in future.result().values()}
            for resource, future in futures.items()
        }
