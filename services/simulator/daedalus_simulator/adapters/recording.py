"""Recorded events, one by one in the order in which the broker took them: of topics or of a file.

Neither is ever held whole: of a topic some records a partition, of a file some lines.
"""

import gzip
import json
import time
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import ClusterMetadata  # type: ignore[attr-defined]  # not in __all__
from pydantic import ValidationError
from pydantic_settings import SettingsConfigDict

from daedalus_shared.events import ControlEvent, DecodeError, Event, Knowledge, decode
from daedalus_shared.events.codec import EVENTS, explain, instant
from daedalus_shared.kafka_clients import librdkafka
from daedalus_shared.settings import ServiceSettings
from daedalus_shared.topics import PREFIX, partition_of, topic_of
from daedalus_simulator.errors import CommandError, NotFoundError, UnreachableError, UsageError

VARIABLE = "DAEDALUS_BOOTSTRAP"
STACK = Path(".daedalus") / "stack.json"
"""Where a local stack says what it runs."""

DEFAULT = "localhost:9092"

PATIENCE = 15.0
"""Seconds without a record after which reading is given up."""

TIMEOUT = 5.0
"""Seconds for one answer of the broker."""

BATCH = 500
HIGH = 2_000
"""Records of one partition that are held before it is paused."""

HIGH_SNAPSHOTS = 100
"""The same of snapshots, which are a hundred times as large."""

_KNOWLEDGE = topic_of(Knowledge)

_BY_NAME = {event.__name__: event for event in EVENTS}


class RecordingSettings(ServiceSettings):
    """How a reader of topics is let in; the same variables as the console's."""

    model_config = SettingsConfigDict(env_prefix="DAEDALUS_")

    instance: str = "replay"
    """Name of this client in the broker's logs."""


@dataclass
class Recording:
    """Where events are read from, and what of it could not be read."""

    name: str
    """What it is called in tables."""

    events: Iterator[Event]
    place: tuple[str, int] | None = None
    """Topic and offset of the event that was read last; None where a file does not tell."""

    garbage: list[str] = field(default_factory=list)
    """The first place and reason of what is no event, and no more than that."""

    count: int = 0
    """How many records are no event."""

    def skip(self, place: str, why: str) -> None:
        """Count a record that is no event."""
        self.count += 1
        if not self.garbage:
            self.garbage.append(f"{place}: {why}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which events are wanted."""

    kinds: Sequence[type[Event]]
    job: str | None = None
    since: datetime | None = None
    """Control is read from its beginning in any case: a spec counts for long."""

    until: datetime | None = None


# -- topics ---------------------------------------------------------------------------------------


def address(given: str | None, directory: Path) -> tuple[str, str]:
    """Return Kafka's address and where it comes from: given, a local stack's, or the default."""
    if given:
        return given, f"from --bootstrap or {VARIABLE}"
    for folder in (directory, *directory.parents):
        try:
            stack = json.loads((folder / STACK).read_text())
        except (OSError, ValueError):
            continue
        found = stack.get("bootstrap") if isinstance(stack, dict) else None
        if isinstance(found, str):
            return found, f"from {folder / STACK}"
    return DEFAULT, f"the default; set --bootstrap or {VARIABLE}"


def of_topics(wanted: Wanted, bootstrap: str | None, directory: Path) -> Recording:
    """Return the events on the topics up to their present end.

    Raises:
        UnreachableError: Kafka does not answer.
        NotFoundError: There are no topics.
    """
    where, origin = address(bootstrap, directory)
    try:
        settings = RecordingSettings(bootstrap=where)
    except ValidationError as error:
        raise UsageError(f"environment (DAEDALUS_…): {explain(error)}") from error
    found = Recording(f"the topics at {where}", iter(()))
    config = {
        **librdkafka(settings),
        "group.id": "daedalus-replay",  # required, but never joined: partitions are assigned
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": 100,
        "queued.max.messages.kbytes": 4_096,
        "fetch.queue.backoff.ms": 5,  # a second by default, in which all that is held is read
        "log_level": 0,
    }
    found.events = _read(_Topics(config, f"{where} ({origin})"), wanted, found)
    return found


@dataclass
class _Topics:
    config: Mapping[str, Any]
    address: str
    _all_down: bool = False

    def consumer(self) -> Consumer:
        """Return a reader that is told when no broker takes a connection."""
        with self.translated():
            return Consumer({**self.config, "error_cb": self._heard})

    def metadata(self, consumer: Consumer) -> ClusterMetadata:
        """Ask for the topics; give up early when no broker takes the connection."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            try:
                found: ClusterMetadata = consumer.list_topics(timeout=TIMEOUT / 5)
            except KafkaException:
                consumer.poll(0)
                if self._all_down or time.monotonic() > deadline:
                    raise
            else:
                return found

    def _heard(self, error: KafkaError) -> None:
        self._all_down |= error.code() == KafkaError._ALL_BROKERS_DOWN  # noqa: SLF001

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn the client's errors into ours."""
        try:
            yield
        except KafkaException as error:
            why = error.args[0]
            if isinstance(why, KafkaError) and why.code() in {
                KafkaError._TRANSPORT,  # noqa: SLF001 -- public names for local errors
                KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001
                KafkaError._TIMED_OUT,  # noqa: SLF001
                KafkaError._RESOLVE,  # noqa: SLF001
                KafkaError._AUTHENTICATION,  # noqa: SLF001
            }:
                raise UnreachableError(f"Kafka does not answer at {self.address}") from error
            told = why.str() if isinstance(why, KafkaError) else str(why)
            raise CommandError(f"Kafka at {self.address}: {told}") from error


def _read(topics: _Topics, wanted: Wanted, recording: Recording) -> Iterator[Event]:
    consumer = topics.consumer()
    try:
        with topics.translated():
            places = _places(consumer, topics, wanted)
        for message in _merged(consumer, topics, places):
            if not _about(message, wanted.job):
                continue
            event = _event(message, recording)
            if event is not None and wanted.job in (None, event.job):
                recording.place = (message.topic() or "", message.offset() or 0)
                yield event
    finally:
        consumer.close()


Place = tuple[str, int]


def _places(consumer: Consumer, topics: _Topics, wanted: Wanted) -> dict[Place, tuple[int, int]]:
    """Return (topic, partition) → first and end offset of what is to be read."""
    known = topics.metadata(consumer).topics
    found: dict[Place, tuple[int, int]] = {}
    for name in dict.fromkeys(topic_of(kind) for kind in wanted.kinds):
        if name not in known:
            raise NotFoundError(
                f"Kafka at {topics.address} has no topic {name}; "
                "create the topics with `daedalus topics create`"
            )
        count = len(known[name].partitions)
        which = range(count) if wanted.job is None else [partition_of(wanted.job, count)]
        control = name == PREFIX + ControlEvent.NAME
        for each in which:
            place = TopicPartition(name, each)
            low, high = consumer.get_watermark_offsets(place, timeout=TIMEOUT)
            first = low if control else _later(consumer, place, wanted.since, low, high)
            end = _later(consumer, place, wanted.until, high, high)
            if first < end:
                found[name, each] = (first, end)
    return found


def _later(
    consumer: Consumer, place: TopicPartition, at: datetime | None, otherwise: int, end: int
) -> int:
    """Return the first offset from an instant on; the end where nothing is that new."""
    if at is None:
        return otherwise
    asked = TopicPartition(place.topic, place.partition, max(0, int(at.timestamp() * 1000)))
    (found,) = consumer.offsets_for_times([asked], timeout=TIMEOUT)
    return end if found.offset < 0 else found.offset


def _merged(
    consumer: Consumer, topics: _Topics, places: Mapping[Place, tuple[int, int]]
) -> Iterator[Message]:
    """Yield the records of all partitions by time; within a partition in its own order."""
    held: dict[Place, deque[Message]] = {place: deque() for place in places}
    open_: set[Place] = set(places)
    paused: set[Place] = set()
    consumer.assign([TopicPartition(*place, first) for place, (first, _) in places.items()])
    silent = time.monotonic()
    while open_:
        with topics.translated():
            batch = consumer.consume(BATCH, 0.2)
        if batch:
            silent = time.monotonic()
        elif time.monotonic() - silent > PATIENCE:
            raise UnreachableError(f"Kafka at {topics.address} gave nothing for {PATIENCE:g} s")
        for message in batch:
            place = (message.topic() or "", message.partition() or 0)
            error = message.error()
            if error is not None:
                if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001
                    raise UnreachableError(f"Kafka at {topics.address}: {error.str()}")
                open_.discard(place)  # its last offset may be no record's
                continue
            offset, end = message.offset() or 0, places[place][1]
            if offset < end:
                held[place].append(message)
            if offset >= end - 1:
                open_.discard(place)
        yield from _ready(held, open_)
        _throttle(consumer, held, paused)
    yield from _ready(held, open_)


def _ready(held: Mapping[Place, deque[Message]], open_: set[Place]) -> Iterator[Message]:
    while all(held[place] for place in open_):
        heads = [waiting for waiting in held.values() if waiting]
        if not heads:
            return
        yield min(heads, key=lambda waiting: waiting[0].timestamp()[1]).popleft()


def _throttle(consumer: Consumer, held: Mapping[Place, deque[Message]], paused: set[Place]) -> None:
    for place, waiting in held.items():
        high = HIGH_SNAPSHOTS if place[0] == _KNOWLEDGE else HIGH
        if len(waiting) > high and place not in paused:
            consumer.pause([TopicPartition(*place)])
            paused.add(place)
        elif len(waiting) < high // 2 and place in paused:
            consumer.resume([TopicPartition(*place)])
            paused.discard(place)


def _about(message: Message, job: str | None) -> bool:
    """Whether a message may be about a job: its key says so, and need not be read to know."""
    key = message.key()
    if job is None or key is None:
        return True
    return key.partition(b"/")[0] == job.encode()


def _event(message: Message, recording: Recording) -> Event | None:
    value = message.value()
    if value is None and message.key() is not None:
        return None  # a tombstone
    told = dict(message.headers() or [])
    try:
        return decode(
            value,
            {name: each for name, each in told.items() if isinstance(each, bytes)},
            topic=message.topic(),
            key=message.key(),
            written_at=instant(message.timestamp()[1]),
        )
    except DecodeError as error:
        place = f"{message.topic()}[{message.partition()}]@{message.offset()}"
        recording.skip(place, str(error))
        return None


# -- files ----------------------------------------------------------------------------------------


def of_file(path: Path, wanted: Wanted) -> Recording:
    """Return the events of a file that `daedalus export` has written.

    Raises:
        NotFoundError: There is no such file.
        UsageError: Its name tells no format, or the format needs a package that is missing.
    """
    if not path.is_file():
        raise NotFoundError(f"{path}: no such file; `daedalus export FILE` writes one")
    found = Recording(str(path), iter(()))
    rows = _rows(path)
    found.events = _wanted(_decoded(rows, found), wanted)
    return found


def _rows(path: Path) -> Iterator[Mapping[str, Any] | str]:
    """Yield the records of a file; as text what is no JSON."""
    if path.suffix == ".parquet":
        return _parquet(path)
    if path.name.endswith((".jsonl", ".json", ".jsonl.gz", ".json.gz")):
        return _lines(path)
    raise UsageError(f"{path}: is no *.jsonl, *.jsonl.gz or *.parquet")


def _lines(path: Path) -> Iterator[Mapping[str, Any] | str]:
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError):  # nested a thousand times
                    yield line
                else:
                    yield row if isinstance(row, dict) else line
    except (OSError, EOFError, zlib.error) as error:
        raise CommandError(f"{path}: cannot be read: {error}") from error


def _parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415 -- 120 ms, not all need it
    except ImportError as error:
        raise UsageError(f"{path}: Parquet needs pyarrow: pip install pyarrow") from error
    columns = ["topic", "partition", "offset", "key", "type", "event", "error"]
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=BATCH, columns=columns):
                yield from batch.to_pylist()
    except (ArrowException, OSError) as error:
        raise CommandError(f"{path}: cannot be read: {error}") from error


def _decoded(rows: Iterable[Mapping[str, Any] | str], recording: Recording) -> Iterator[Event]:
    for number, row in enumerate(rows, 1):
        if isinstance(row, str):
            recording.skip(f"line {number}", "is no JSON object")
            continue
        if row.get("tombstone") or (row.get("type") is None and row.get("error") is None):
            continue
        kind = _BY_NAME.get(str(row.get("type")))
        if kind is None:
            recording.skip(f"record {number}", str(row.get("error") or "no known type"))
            continue
        value, offset = row.get("event"), row.get("offset")
        recording.place = (str(row.get("topic")), offset) if isinstance(offset, int) else None
        try:
            if isinstance(value, str):
                yield kind.model_validate_json(value)
            else:
                yield kind.model_validate(value)
        except ValidationError as error:
            recording.skip(f"record {number}", explain(error))


def _wanted(events: Iterable[Event], wanted: Wanted) -> Iterator[Event]:
    kinds = tuple(wanted.kinds)
    since = wanted.since or datetime.min.replace(tzinfo=UTC)
    until = wanted.until or datetime.max.replace(tzinfo=UTC)
    for event in events:
        if not isinstance(event, kinds) or wanted.job not in (None, event.job):
            continue
        if isinstance(event, ControlEvent) or since <= event.at < until:
            yield event
