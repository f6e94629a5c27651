"""Reads the topics into `Live` from a bounded past on, for ever, in a thread of its own.

Where the past is long, the last minutes are shown at once and kept up, while the whole of it is
read beside; then that takes their place. Kafka may be away for as long as it likes: it is said, and
reading resumes where it stood.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event as Flag
from threading import Thread

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from daedalus_console.adapters.kafka import EARLIEST, LATEST, POLL, SMALL, Kafka, Place
from daedalus_console.adapters.reading import place_of, raw_of
from daedalus_console.brokers import Address
from daedalus_console.errors import ConsoleError
from daedalus_console.live.live import Live
from daedalus_console.records import Record, read
from daedalus_console.telemetry import UNREADABLE
from daedalus_shared.events import ControlEvent
from daedalus_shared.telemetry import HANDLED

log = logging.getLogger(__name__)

BATCH = 500
"""Records folded at once."""

ASK_EVERY = 2.0
"""Seconds between two questions whether Kafka is there, while nothing comes of it."""

LATELY = timedelta(seconds=150)
"""What is shown at once: two of the usual loops, and their decisions."""

MUCH = 20_000
"""Records of the past beyond which the last minutes are shown first: some seconds of work."""

GONE = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 -- the client's public names for local errors
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
    }
)
"""Errors of a topic that the client tells of none of its partitions."""

AGAIN = 30.0
"""Seconds after which reading begins again where a partition could not be read."""

RETRY = 2.0
"""Seconds until a failed start is tried again."""


@dataclass(frozen=True, slots=True)
class Source:
    """One topic and how far back it is read."""

    name: str
    """Without prefix."""

    back: timedelta | None
    """None for all of it."""

    most: int | None
    """Offsets of all partitions together that are read of the past at most; None for all: of a
    compacted topic they tell nothing of how many records are left."""


def sources(back: timedelta, most: int) -> tuple[Source, ...]:
    """Return what is read: control whole, the bulk as far as `back`, rescales for a week at least.

    Args:
        back: How far metrics, forecasts and decisions are read.
        most: Records of each topic but control that are read at most, whatever `back` says.
    """
    long = max(back, timedelta(days=7))
    return (
        Source(ControlEvent.NAME, None, None),
        Source("metrics", back, most),
        Source("capacity-updates", back, most // 4),
        Source("forecasts", back, most // 4),
        Source("decisions", back, most // 4),
        Source("scale-commands", long, most // 4),
        Source("scale-outcomes", long, most // 4),
        Source("recoveries", long, most // 4),
        Source("dead-letters", min(back, timedelta(days=1)), most // 100),
    )


class Reader:
    """Keeps `live` up from `start` to `stop`."""

    def __init__(self, live: Live, address: Address, wanted: Sequence[Source]) -> None:
        self._live = live
        self._address = address
        self._wanted = wanted
        self._ended = Flag()
        self._down: str | None = None
        self._refused: dict[Place, str] = {}
        self._again = 0.0
        self._gone: str | None = None
        self._thread = Thread(target=self._run, name="live-reader", daemon=True)

    def start(self) -> None:
        """Begin to read; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """End, and return when it has."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        positions: dict[Place, int] = {}
        while not self._ended.is_set():
            try:
                self._follow(positions)
            except (ConsoleError, KafkaException) as error:
                self._away(str(error))
                self._ended.wait(RETRY)
            except Exception:  # a bug: the page says so and goes on, rather than stand still
                log.exception("reading failed; it begins again")
                self._away("reading failed: the console's log says why")
                self._ended.wait(RETRY)

    def _follow(self, positions: dict[Place, int]) -> None:
        """Read on until something fails; `positions` is where to resume."""
        self._down = self._gone = None
        self._again = time.monotonic() + AGAIN
        kafka = Kafka(self._address)
        starts = _starts(kafka, self._wanted)
        self._refused = {place: why for place, why in self._refused.items() if place in starts}
        if not self._refused:
            self._live.connected(datetime.now(UTC))
        if not positions and _length(kafka, starts) > MUCH:
            positions.update(self._beside(kafka, starts))
        starts |= {place: at for place, at in positions.items() if place in starts}
        with self._consumer(kafka) as consumer:
            if not self._to_the_end(consumer, starts, self._live, positions):
                return
            self._live.caught_up()
            while not self._ended.is_set():
                self._batch(consumer, self._live, positions)

    def _beside(self, kafka: Kafka, starts: Mapping[Place, int]) -> dict[Place, int]:
        """Show the last minutes, and read the whole past beside; return where that has come to."""
        late = kafka.starts(sorted(starts), datetime.now(UTC) - LATELY)
        late = {place: max(at, starts[place]) for place, at in late.items()}
        late |= {place: at for place, at in starts.items() if _is_control(place)}
        whole, shown, read_to = Live(), dict[Place, int](), dict[Place, int]()
        with self._consumer(kafka) as near, self._consumer(kafka) as far:
            if not self._to_the_end(near, late, self._live, shown):
                return {}

            def keep_up() -> None:
                self._batch(near, self._live, shown, wait=0.0)

            if not self._to_the_end(far, starts, whole, read_to, keep_up):
                return {}
            while any(read_to.get(place, 0) < at for place, at in shown.items()):
                if self._ended.is_set():
                    return {}
                self._batch(far, whole, read_to)
        self._live.become(whole)
        return read_to

    def _to_the_end(
        self,
        consumer: Consumer,
        starts: Mapping[Place, int],
        live: Live,
        positions: dict[Place, int],
        meanwhile: Callable[[], None] = lambda: None,
    ) -> bool:
        """Read until each partition's end was seen; False when told to stop before."""
        # What people want comes first: it says which forecaster and planner count.
        first = {place for place in starts if _is_control(place)}
        for places in (first, set(starts) - first):
            consumer.incremental_assign(_assignment(starts, places))
            left = set(places)
            while left and not self._ended.is_set():
                left -= self._batch(consumer, live, positions)
                meanwhile()
        return not self._ended.is_set()

    def _batch(
        self, consumer: Consumer, live: Live, positions: dict[Place, int], wait: float = POLL
    ) -> set[Place]:
        """Fold what is there, and return the partitions that were read to their end."""
        messages = consumer.consume(BATCH, timeout=wait)
        ended: set[Place] = set()
        found: list[Message] = []
        for message in messages:
            error = message.error()
            if error is None:
                found.append(message)
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 -- the client's public name
                ended.add(place_of(message))
            else:
                self._refuses(message, error)
        if found:
            records = [read(raw_of(message)) for message in found]
            _count(live.take(records))
            positions.update({place_of(each): (each.offset() or 0) + 1 for each in found})
        self._judge(consumer, {*map(place_of, found), *ended})
        return ended

    def _judge(self, consumer: Consumer, places: set[Place]) -> None:
        """Say how Kafka is, by the partitions that were read from, or raise `ConsoleError`."""
        if self._gone is not None:  # who begins anew sees by the offsets whether it is there again
            log.warning("reading begins again: %s", self._gone)
            raise ConsoleError(self._gone)
        for place in places:
            self._refused.pop(place, None)
        if self._refused:
            why = next(iter(self._refused.values()))
            if time.monotonic() > self._again:  # the client itself does not tell when it is over
                raise ConsoleError(why)
            self._away(why)
        elif places:
            self._down = None
            self._live.connected(datetime.now(UTC))
        elif self._down is not None:
            self._ask(consumer)

    @contextmanager
    def _consumer(self, kafka: Kafka) -> Iterator[Consumer]:
        consumer = Consumer(_config(kafka) | {"error_cb": self._heard})
        try:
            yield consumer
        finally:
            consumer.close()

    def _ask(self, consumer: Consumer) -> None:
        """Say that Kafka is away, and ask until it answers: the client reconnects by itself."""
        self._away(self._down or "")
        began = time.monotonic()
        with suppress(KafkaException):
            consumer.list_topics(timeout=ASK_EVERY)
            self._down = None
            self._live.connected(datetime.now(UTC))
            return
        self._ended.wait(max(0.0, ASK_EVERY - (time.monotonic() - began)))

    def _refuses(self, message: Message, error: KafkaError) -> None:
        """Take note that a partition cannot be read: its topic is gone, or may not be read."""
        topic, partition = message.topic(), message.partition()
        if topic is None or partition is None or partition < 0:
            self._heard(error)
            return
        why = f"{topic}[{partition}] cannot be read: {error.str()}"
        if self._refused.get((topic, partition)) != why:
            log.warning("%s", why)
        self._refused[topic, partition] = why

    def _away(self, why: str) -> None:
        self._live.away(datetime.now(UTC), why)

    def _heard(self, error: KafkaError) -> None:
        if error.code() in GONE:
            self._gone = error.str()
        if error.code() in {KafkaError._ALL_BROKERS_DOWN, KafkaError._AUTHENTICATION}:  # noqa: SLF001
            self._down = f"Kafka does not answer at {self._address}"


def _count(records: Iterable[Record]) -> None:
    for record in records:
        if record.event is not None:
            HANDLED.labels(record.topic).inc()
        elif not record.tombstone:
            UNREADABLE.labels(record.topic).inc()


def _starts(kafka: Kafka, wanted: Iterable[Source]) -> dict[Place, int]:
    now = datetime.now(UTC)
    starts: dict[Place, int] = {}
    for source in wanted:
        places = kafka.places([source.name], None)
        since = None if source.back is None else now - source.back
        begins = kafka.starts(places, since)
        if source.most is None:
            starts |= begins
            continue
        ends = kafka.offsets(places, LATEST)
        oldest = kafka.offsets(places, EARLIEST)
        each = max(1, source.most // max(1, len(places)))
        starts |= {place: max(begins[place], oldest[place], ends[place] - each) for place in places}
    return starts


def _length(kafka: Kafka, starts: Mapping[Place, int]) -> int:
    ends = kafka.offsets(sorted(starts), LATEST)
    return sum(ends[place] - at for place, at in starts.items())


def _is_control(place: Place) -> bool:
    return place[0] == f"daedalus.{ControlEvent.NAME}"


def _assignment(starts: Mapping[Place, int], places: set[Place]) -> list[TopicPartition]:
    return [TopicPartition(*place, starts[place]) for place in sorted(places)]


def _config(kafka: Kafka) -> dict[str, object]:
    return {
        **kafka.config,
        "group.id": "daedalus-console",  # required, but never joined: partitions are assigned
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": 100,
        **SMALL,
        "reconnect.backoff.max.ms": 2_000,
    }
