"""Which services run, as far as Kafka tells: those whose consumer group has members."""

from confluent_kafka import ConsumerGroupState

from daedalus_console.adapters.kafka import TIMEOUT, Kafka

PREFIX = "daedalus-"
_NOBODY = frozenset({ConsumerGroupState.EMPTY, ConsumerGroupState.DEAD})


def running(kafka: Kafka) -> list[str]:
    """Return the groups of services that have members, by name."""
    kafka.partitions()  # an unreachable broker is told as everywhere
    with kafka.translated():
        found = kafka.admin.list_consumer_groups(request_timeout=TIMEOUT).result()
    return sorted(
        group.group_id
        for group in found.valid
        if group.group_id.startswith(PREFIX) and group.state not in _NOBODY
    )
