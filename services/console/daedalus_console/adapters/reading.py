"""Reads topics: up to their present end, or on and on."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from daedalus_console.adapters.kafka import LATEST, POLL, SMALL, Kafka, Place
from daedalus_console.adapters.merging import Merge
from daedalus_console.errors import ConsoleError, UnreachableError
from daedalus_console.records import Raw, Record, read
from daedalus_shared.events.codec import instant

PATIENCE = 15.0
"""Seconds without a single record after which reading to the end is given up."""

BATCH = 500
"""Records taken at once."""

FEW = 20
"""Records taken at once where few are looked for."""

HIGH = 2_000
"""Records of one partition held before it is paused, so that a long read stays small."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which records are wanted, by the instants at which the broker took them."""

    since: datetime | None = None
    """None for the beginning."""

    until: datetime | None = None
    """None for the present end."""


class TooMuchError(ConsoleError):
    """More lies on the topics than may be read for one question."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much one reading may take, and whether it is still wanted."""

    most: int | None
    """Records that are read at most, more are refused before any is read; None for any number."""

    heed: Callable[[], None]
    """Called between batches; what it raises ends the reading."""


Progress = Callable[[int, int], None]
"""(records read, of all) → shown to whoever waits."""


def _unseen(_done: int, _of: int) -> None:
    """Show nothing."""


def records(
    kafka: Kafka,
    names: Sequence[str],
    window: Window,
    *,
    job: str | None = None,
    bounds: Bounds | None = None,
    progress: Progress = _unseen,
) -> Iterator[Record]:
    """Yield the records of topics (without prefix) up to the present end, by time.

    Args:
        kafka: Where.
        names: Topics without prefix.
        window: Which records.
        job: Read only this job's partition, and yield only what is about the job.
        bounds: What one reading may take; None for no bounds.
        progress: Told how many records were read, others' too, and of how many.

    Raises:
        TooMuchError: There are more records than the bounds allow.
    """
    places = kafka.places(names, job)
    ends = kafka.offsets(places, LATEST)
    starts = kafka.starts(places, window.since)
    if window.until is not None:
        ends = kafka.later(places, window.until, ends)
    todo = {at: starts[at] for at in places if starts[at] < ends[at]}
    if not todo:
        return
    span = _Span(todo, ends, job)
    most = bounds.most if bounds is not None else None
    if most is not None and span.length > most:
        raise TooMuchError(f"{span.length} records would have to be read, at most {most} may be")
    with _consumer(kafka, todo) as consumer:
        for raw in _to_the_end(kafka, consumer, span, bounds=bounds, progress=progress):
            yield from _read(raw, job)


def following(
    kafka: Kafka, names: Sequence[str], since: datetime | None, *, job: str | None = None
) -> Iterator[Record | None]:
    """Yield records from `since` (None: the beginning) on for ever, None whenever none is new.

    What lies there already comes in the order of time, what arrives later as it arrives.
    """
    places = kafka.places(names, job)
    ends = kafka.offsets(places, LATEST)
    starts = kafka.starts(places, since)
    with _consumer(kafka, starts) as consumer:
        for raw in _to_the_end(kafka, consumer, _Span(starts, ends, job), beyond=True):
            yield from _read(raw, job)
        while True:
            yield None
            batch = [
                raw_of(message)
                for message in _batch(kafka, consumer)
                if message.error() is None and _about(message, job)
            ]
            for raw in sorted(batch, key=lambda raw: raw.written_at):
                yield from _read(raw, job)


@contextmanager
def lookups(kafka: Kafka, name: str, job: str) -> Iterator["Lookup"]:
    """Give a way to look a few records of a job up, here and there on a topic, by one client."""
    [place] = kafka.places([name], job)
    with _consumer(kafka, {}) as consumer:
        yield Lookup(kafka, consumer, place, job)


@dataclass(frozen=True, slots=True)
class Lookup:
    """Looks records up; see `lookups`."""

    _kafka: Kafka
    _consumer: Consumer
    _place: Place
    _job: str

    def __call__(
        self, since: datetime, until: datetime, wanted: Callable[[Record], bool]
    ) -> Record | None:
        """Return the first record that is wanted and was written between two instants, or None.

        Raises:
            UnreachableError: Kafka does not answer.
        """
        start = self._kafka.later([self._place], since, None)[self._place]
        self._consumer.assign([TopicPartition(*self._place, start)])
        idle = 0.0
        while True:
            batch = _batch(self._kafka, self._consumer, FEW)
            idle = 0.0 if batch else idle + POLL
            if idle > PATIENCE:
                raise _quiet(self._kafka)
            for message in batch:
                if message.error() is not None:
                    return None  # the partition's end
                raw = raw_of(message)
                if raw.written_at > until:
                    return None
                if _about(message, self._job) and wanted(record := read(raw)):
                    return record


def _about(message: Message, job: str | None) -> bool:
    """Whether a message may be about a job: its key says so, and need not be read to know."""
    key = message.key()
    if job is None or key is None:
        return True
    return (_bytes(key) or b"").partition(b"/")[0] == job.encode()


def _quiet(kafka: Kafka) -> UnreachableError:
    return UnreachableError(f"Kafka at {kafka.address} gave nothing for {PATIENCE:g} s")


def _read(raw: Raw, job: str | None) -> Iterator[Record]:
    record = read(raw)
    if job is None or record.job == job:
        yield record


def _throttle(
    consumer: Consumer, merge: Merge[Place], places: Iterable[Place], paused: set[Place]
) -> None:
    for place in places:
        held = merge.held(place)
        if held > HIGH and place not in paused:
            consumer.pause([TopicPartition(*place)])
            paused.add(place)
        elif held < HIGH // 2 and place in paused:
            consumer.resume([TopicPartition(*place)])
            paused.discard(place)


@dataclass(frozen=True, slots=True)
class _Span:
    """What is read: from where to where, and about which job."""

    starts: dict[Place, int]
    ends: dict[Place, int]
    job: str | None

    @property
    def length(self) -> int:
        return self.done(self.ends)

    def done(self, reached: dict[Place, int]) -> int:
        """Return how many records lie before what was reached."""
        return sum(
            max(0, min(reached[place], self.ends[place]) - start)
            for place, start in self.starts.items()
        )


def _to_the_end(
    kafka: Kafka,
    consumer: Consumer,
    span: _Span,
    *,
    beyond: bool = False,
    bounds: Bounds | None = None,
    progress: Progress = _unseen,
) -> Iterator[Raw]:
    """Merge the partitions up to their ends; `beyond` keeps what has followed since."""
    starts, ends = span.starts, span.ends
    merge = Merge(starts)
    for place, start in starts.items():
        if start >= ends[place]:
            merge.end(place)
    paused: set[Place] = set()
    idle, reached = 0.0, dict(starts)
    length = span.length
    while not merge.ended:
        if bounds is not None:
            bounds.heed()
        batch = _batch(kafka, consumer)
        idle = 0.0 if batch else idle + POLL
        if idle > PATIENCE:
            raise _quiet(kafka)
        for message in batch:
            place, offset = place_of(message), message.offset() or 0
            if message.error() is not None:
                merge.end(place)  # the partition's end; its last offset may be no record's
                continue
            reached[place] = offset + 1
            if (beyond or offset < ends[place]) and _about(message, span.job):
                merge.add(place, raw_of(message))
            if offset >= ends[place] - 1:
                merge.end(place)
        progress(span.done(reached), length)
        yield from merge.ready()
        _throttle(consumer, merge, starts, paused)
    yield from merge.ready()
    with suppress(KafkaException):
        consumer.resume([TopicPartition(*place) for place in paused])


def _batch(kafka: Kafka, consumer: Consumer, most: int = BATCH) -> list[Message]:
    with kafka.translated():
        batch = consumer.consume(most, timeout=POLL)
    for message in batch:
        error = message.error()
        if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001
            raise UnreachableError(f"Kafka at {kafka.address}: {error.str()}")
    return batch


@contextmanager
def _consumer(kafka: Kafka, starts: dict[Place, int]) -> Iterator[Consumer]:
    config = {
        **kafka.config,
        "group.id": "daedalus-console",  # required, but never joined: partitions are assigned
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": 100,
        **SMALL,
    }
    with kafka.translated():
        consumer = Consumer(config)
        consumer.assign(
            [TopicPartition(topic, at, offset) for (topic, at), offset in starts.items()]
        )
    try:
        yield consumer
    finally:
        consumer.close()


def place_of(message: Message) -> Place:
    """Return where a message lies."""
    return (message.topic() or "", message.partition() or 0)


def raw_of(message: Message) -> Raw:
    """Return a message as a record that is not read yet."""
    topic, partition = place_of(message)
    found = message.headers() or []
    pairs = found.items() if isinstance(found, dict) else found
    return Raw(
        topic=topic,
        partition=partition,
        offset=message.offset() or 0,
        written_at=instant(max(0, message.timestamp()[1])),
        key=_bytes(message.key()),
        value=_bytes(message.value()),
        headers=[(name, _bytes(value)) for name, value in pairs],
    )


def _bytes(value: Any) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
