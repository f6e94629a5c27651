"""What the services would have written of one simulated job, copied to other names and days.

Times, names and ids are changed in the text, which is many times as fast as making events anew; the
ids by which events name one another stay right.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from confluent_kafka import Producer
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # not all in its __all__
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from daedalus_shared.events import Declaration, Event, headers
from daedalus_shared.topics import CATALOGUE, partition_of, topic_of
from daedalus_simulator.backtest import play
from daedalus_simulator.domain.engines import ENGINES
from daedalus_simulator.domain.shapes import generate
from daedalus_simulator.domain.world import World
from daedalus_simulator.policies.daedalus import JOB, DaedalusPolicy, declared

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")


@dataclass(frozen=True, slots=True)
class Message:
    """One record as Kafka is given it."""

    topic: str
    key: str
    value: bytes
    at: datetime
    headers: Mapping[str, bytes]


def simulated(seconds: int, begin: datetime, planner: str = "horizon") -> list[Event]:
    """Return what the services say of one job, which is declared an hour before `begin`."""
    spec = declared(policy={"planner": planner})
    policy = DaedalusPolicy(spec, keep=True, begin=begin)
    play(World(generate("noisy", seed=1, seconds=seconds).rates, ENGINES["flink"], 1), policy)
    at = begin - timedelta(hours=1)
    return [Declaration(job=JOB, at=at, source="console/cli", spec=spec), *policy.events]


def copied(events: Sequence[Event], job: str, shift: timedelta = timedelta()) -> list[Message]:
    """Return the events as another job's, or as those of another time."""
    texts = [_moved(event.model_dump_json(), job, shift) for event in events]
    renewed = [_renewed(event, job, shift) for event in events]
    ids = {old.id: new.id for old, new in zip(events, renewed, strict=True)}
    found = []
    for text, event in zip(texts, renewed, strict=True):
        value = _UUID.sub(lambda one: ids.get(one[0], one[0]), text)
        found.append(
            Message(topic_of(type(event)), event.key, value.encode(), event.at, headers(event))
        )
    return found


def renamed(messages: Iterable[Message], before: str, after: str) -> Iterator[Message]:
    """Yield messages as another job's; ids are those of before, which are unique in a job only."""
    old, new = before.encode(), after.encode()
    for one in messages:
        told = {name: value.replace(old, new) for name, value in one.headers.items()}
        yield Message(
            one.topic, one.key.replace(before, after), one.value.replace(old, new), one.at, told
        )


def _renewed(event: Event, job: str, shift: timedelta) -> Event:
    """Return an event of which name and times are changed: its id and headers are made of them."""
    tick = getattr(event, "tick", None)
    also = {} if tick is None else {"tick": tick + shift}
    return event.model_copy(update={"job": job, "at": event.at + shift, **also})


def _moved(text: str, job: str, shift: timedelta) -> str:
    text = text.replace(f'"{JOB}"', f'"{job}"')
    if not shift:
        return text

    def later(found: re.Match[str]) -> str:
        at = datetime.fromisoformat(found[0]) + shift
        return at.astimezone(UTC).isoformat().replace("+00:00", "Z")

    return _INSTANT.sub(later, text)


def keep_for_ever(admin: AdminClient) -> None:
    """Let the topics take records with times of long ago, and keep them."""
    wanted = {"message.timestamp.type": "CreateTime", "retention.ms": "-1"}
    entries = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        for name, value in wanted.items()
    ]
    resources = [
        ConfigResource(ResourceType.TOPIC, topic.name, incremental_configs=entries)
        for topic in CATALOGUE
    ]
    for done in admin.incremental_alter_configs(resources).values():
        done.result()


class Filler:
    """Writes messages with the times of their events, as fast as the broker takes them."""

    def __init__(self, bootstrap: str, partitions: int) -> None:
        self._partitions = partitions
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "compression.type": "zstd",
                "linger.ms": 5,
                "batch.size": 65_536,  # as services write: copies in one batch pack unlike life
                "queue.buffering.max.messages": 50_000,
                "enable.idempotence": True,
            }
        )

    def write(self, messages: Iterable[Message], *, now: bool = False) -> int:
        """Write all and return how many; `now` lets the client put the present on them."""
        count = 0
        for count, one in enumerate(messages, 1):  # noqa: B007 -- counted for the caller
            while True:
                try:
                    self._producer.produce(
                        one.topic,
                        one.value,
                        one.key.encode(),
                        partition_of(one.key, self._partitions),
                        headers=list(one.headers.items()),
                        timestamp=0 if now else round(one.at.timestamp() * 1000),
                    )
                    break
                except BufferError:
                    self._producer.poll(0.1)
        self._producer.poll(0)
        return count

    def flush(self) -> None:
        """Return when the broker has all."""
        left = self._producer.flush(120)
        assert left == 0, f"{left} messages were not taken by the broker"
