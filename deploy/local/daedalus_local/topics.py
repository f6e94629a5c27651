"""Creates the input and output topics of the sample jobs."""

from collections.abc import Iterable

from daedalus_local.errors import StackError
from daedalus_local.jobs import INPUT_PARTITIONS, OUTPUT_PARTITIONS, Job

KEPT = 3_600_000
"""Milliseconds of records kept: the local stack is for watching, not for keeping."""


def create(bootstrap: str, jobs: Iterable[Job]) -> None:
    """Create the topics of the jobs; those that exist stay as they are."""
    from confluent_kafka import KafkaError, KafkaException  # noqa: PLC0415 - slow to import
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415
    from confluent_kafka.cimpl import NewTopic  # noqa: PLC0415

    wanted: list[NewTopic] = []
    for job in jobs:
        inputs = {"retention.ms": str(KEPT)}
        # The broker's clock on each output row, to hold against the event time inside.
        outputs = {"message.timestamp.type": "LogAppendTime", "retention.ms": str(KEPT)}
        if job.upserts:
            outputs["cleanup.policy"] = "compact,delete"
        wanted.append(NewTopic(job.input, INPUT_PARTITIONS, 1, config=inputs))
        wanted.append(NewTopic(job.output, OUTPUT_PARTITIONS, 1, config=outputs))
    if not wanted:
        return
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    for name, future in admin.create_topics(wanted).items():
        try:
            future.result(timeout=30.0)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise StackError(f"cannot create topic {name}: {error.args[0].str()}") from error


def create_for_events(bootstrap: str) -> None:
    """Create the topics of the Daedalus services; those that exist stay as they are."""
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415 - slow to import

    from daedalus_shared.topics import TopicError, create_topics  # noqa: PLC0415

    try:
        create_topics(AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}))
    except TopicError as error:
        raise StackError(str(error)) from error
