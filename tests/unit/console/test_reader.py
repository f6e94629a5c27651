"""What the live reader makes of a partition that cannot be read."""

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from confluent_kafka import KafkaError

from daedalus_console.adapters.kafka import LATEST, Kafka
from daedalus_console.brokers import Address
from daedalus_console.errors import ConsoleError
from daedalus_console.live import reader
from daedalus_console.live.live import Live

REFUSED = KafkaError.TOPIC_AUTHORIZATION_FAILED
END = KafkaError._PARTITION_EOF


@dataclass
class Message:
    """What librdkafka hands out in place of a record."""

    code: int
    place: tuple[str, int] = ("daedalus.decisions", 3)

    def error(self) -> KafkaError:
        return KafkaError(self.code)

    def topic(self) -> str:
        return self.place[0]

    def partition(self) -> int:
        return self.place[1]


@dataclass
class Consumer:
    """Hands out what was put into it, a batch at a time."""

    batches: list[list[Message]] = field(default_factory=list)

    def consume(self, _most: int, timeout: float) -> list[Message]:
        del timeout
        return self.batches.pop(0) if self.batches else []


def test_a_partition_that_is_refused_is_told_until_it_is_read(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = Live()
    live.connected(datetime.now(UTC))
    feed = reader.Reader(live, Address("nowhere:1", "a test"), ())
    monkeypatch.setattr(feed, "_again", float("inf"))
    elsewhere = Message(END, ("daedalus.metrics", 0))

    def after(*batch: Message) -> tuple[bool, str]:
        feed._batch(Consumer([list(batch)]), live, {})  # type: ignore[arg-type]  # what it needs
        kafka = live.standing().kafka
        return kafka.connected, kafka.why

    with caplog.at_level(logging.WARNING):
        connected, why = after(Message(REFUSED))
        assert not connected
        assert why.startswith("daedalus.decisions[3] cannot be read: ")
        assert after(Message(REFUSED), elsewhere) == (False, why)
    assert caplog.text.count("cannot be read") == 1

    monkeypatch.setattr(feed, "_again", 0.0)
    with pytest.raises(ConsoleError, match="cannot be read"):
        after()
    assert after(Message(END)) == (True, "")


def test_reading_begins_again_where_a_topic_is_gone() -> None:
    feed = reader.Reader(Live(), Address("nowhere:1", "a test"), ())

    feed._heard(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART, "daedalus.metrics [0]: is gone"))

    with pytest.raises(ConsoleError, match="is gone"):
        feed._batch(Consumer(), Live(), {})  # type: ignore[arg-type]  # what it needs


def test_clients_share_one_handler_that_keeps_the_log_quiet() -> None:
    before = list(logging.getLogger("daedalus_console.librdkafka").handlers)

    for _ in range(3):
        Kafka(Address("nowhere:1", "a test"))

    assert logging.getLogger("daedalus_console.librdkafka").handlers == before


class Cluster:
    """Topics of one partition with a million offsets each, of which compaction left a few."""

    def places(self, names: list[str], _job: str | None) -> list[tuple[str, int]]:
        return [(f"daedalus.{name}", 0) for name in names]

    def starts(
        self, places: list[tuple[str, int]], since: datetime | None
    ) -> dict[tuple[str, int], int]:
        return dict.fromkeys(places, 7 if since is None else 100)

    def offsets(self, places: list[tuple[str, int]], which: object) -> dict[tuple[str, int], int]:
        return dict.fromkeys(places, 1_000_000 if which is LATEST else 7)


def test_what_people_want_is_read_whole_and_the_bulk_as_far_as_allowed() -> None:
    wanted = reader.sources(timedelta(hours=6), 1_000)

    starts = reader._starts(Cluster(), wanted)  # type: ignore[arg-type]  # what it needs

    assert starts["daedalus.control", 0] == 7
    assert starts["daedalus.metrics", 0] == 999_000
