"""How a stand-in reads and writes the topics; everything here could be in any language."""

import json
import os
import sys
import time
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

EVENTS = uuid5(NAMESPACE_URL, "daedalus/events")
FAULTS = frozenset(os.environ.get("FAULTS", "").split())
READS = "reads"
"""What it says once it reads."""

KAFKA = {"bootstrap.servers": os.environ["BOOTSTRAP"]}

Event = dict[str, Any]


def instant(text: str) -> str:
    """Return a moment as ids and correlations write it."""
    return datetime.fromisoformat(text).astimezone(UTC).isoformat()


def parsed(text: str) -> datetime:
    return datetime.fromisoformat(text)


def event_id(kind: str, event: Event, identity: str) -> str:
    named = f"daedalus.{kind}.v1|{event['source']}|{event['job']}|{identity}"
    return str(uuid5(EVENTS, named))


class Wire:
    """Commits what was read once all that follows from it is with the broker."""

    def __init__(self, source: str, *topics: str) -> None:
        self.source = source
        group = {
            "group.id": source,
            "session.timeout.ms": 3000,
            "heartbeat.interval.ms": 500,
            "enable.auto.commit": False,
        }
        self._consumer = Consumer({**KAFKA, **group, "auto.offset.reset": "earliest"})
        self._spoiled: set[str] = set()
        self._consumer.subscribe([f"daedalus.{topic}" for topic in topics], on_assign=_reads)
        partitioner = "consistent_random" if "partition" in FAULTS else "murmur2_random"
        self._producer = Producer({**KAFKA, "partitioner": partitioner, "linger.ms": 2})

    def send(
        self, kind: str, event: Event, identity: str, faults: Collection[str] = FAULTS
    ) -> None:
        """Queue an event; `identity` tells it from others of its kind, source and job."""
        tick = event.get("tick") or event["at"]
        headers = {
            "ce_specversion": "1.0",
            "ce_id": str(uuid4()) if "id" in faults else event_id(kind, event, identity),
            "ce_type": f"daedalus.{kind}.v1",
            "ce_source": f"daedalus/{event['source']}",
            "ce_time": instant(event["at"]),
            "ce_subject": event["job"],
            "content-type": "application/json",
            "correlationid": f"{event['job']}@{instant(tick)}",
        }
        if "headers" in faults:
            del headers["correlationid"]
        if "major" in faults:
            headers["ce_type"] = f"daedalus.{kind}.v2"
        value = b"{not json" if "nojson" in faults else json.dumps(event).encode()
        key = b"k" if "key" in faults else event["job"].encode()
        self._producer.produce(
            f"daedalus.{kind}", value, key, headers=list(headers.items()), on_delivery=_taken
        )

    def messages(self, timeout: float = 0.05) -> Iterable[tuple[str, Event]]:
        """Yield what has come as (type, value), then commit it."""
        found = self._consumer.consume(500, timeout)
        for message in found:
            told = dict(message.headers() or []).get("ce_type") or b""
            kind = told.decode(errors="replace") if isinstance(told, bytes) else ""
            try:
                value = json.loads(message.value() or b"")
            except ValueError:
                self._spoiled.add((message.key() or b"").decode())
                continue
            if "sulks" in FAULTS and isinstance(value, dict) and value.get("job") in self._spoiled:
                continue
            if isinstance(value, dict) and "job" in value and kind.endswith(".v1"):
                yield kind.removeprefix("daedalus.").removesuffix(".v1"), value
        self._producer.flush()
        if found:
            self._consumer.commit()  # where the partitions are somebody else's now, in vain

    def serve(self, handle: Callable[[str, Event], None]) -> None:
        """Handle messages for ever."""
        while True:
            for kind, value in self.messages():
                handle(kind, value)


def _reads(*_: object) -> None:
    print(READS, flush=True)


def _taken(error: KafkaError | None, _: object) -> None:
    if error is not None:
        sys.exit(f"not taken: {error}")


class Declared:
    """The jobs' specs: control is read from its beginning at each start, and never committed."""

    def __init__(self) -> None:
        self.specs: dict[str, Event] = {}
        plain = {"group.id": "nobody", "enable.auto.commit": False, "fetch.wait.max.ms": 20}
        self._consumer = Consumer({**KAFKA, **plain})
        topic = "daedalus.control"
        partitions = self._consumer.list_topics(topic, 10).topics[topic].partitions
        places = [TopicPartition(topic, each, 0) for each in partitions]
        ends = {each.partition: self._consumer.get_watermark_offsets(each)[1] for each in places}
        self._consumer.assign(places)
        while any(
            place.offset < ends[place.partition]
            for place in self._consumer.position(places)
            if ends[place.partition]
        ):
            self.read(0.1)

    def read(self, timeout: float = 0.0) -> None:
        """Take in what has come since."""
        for message in self._consumer.consume(500, timeout):
            kind = dict(message.headers() or []).get("ce_type")
            try:
                value = json.loads(message.value() or b"")
            except ValueError:
                continue
            if kind == b"daedalus.control.JobSpec.v1" and "spec" in value:
                self.specs[value["job"]] = value["spec"]
            elif kind == b"daedalus.control.Forget.v1":
                self.specs.pop(value["job"], None)


def clock() -> datetime:
    return datetime.now(UTC)


def pause(seconds: float) -> None:
    time.sleep(seconds)
