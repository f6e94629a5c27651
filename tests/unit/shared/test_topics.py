"""Names, partitions and settings of the topics; ticks; durations."""

import doctest
import importlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daedalus_shared.events.codec import EVENTS
from daedalus_shared.ticks import next_end, offset
from daedalus_shared.topics import CATALOGUE, missing_or_wrong, partition_of, topic_of


@pytest.mark.parametrize(
    ("key", "partition"),
    # Kafka's own test vectors of Utils.murmur2, positive and modulo 12 (UtilsTest.testMurmur2)
    [
        ("21", (-973932308 & 0x7FFFFFFF) % 12),
        ("foobar", (-790332482 & 0x7FFFFFFF) % 12),
        ("a-little-bit-long-string", (-985981536 & 0x7FFFFFFF) % 12),
    ],
)
def test_partitions_are_those_of_the_java_clients(key: str, partition: int) -> None:
    assert partition_of(key, 12) == partition


def test_a_jobs_keys_all_lie_on_its_partition() -> None:
    assert len({partition_of(key, 12) for key in ("ysb", "ysb/JobSpec", "ysb/Sum/one")}) == 1


def test_every_event_has_a_topic_in_the_catalogue_and_the_other_way_round() -> None:
    assert {topic_of(event) for event in EVENTS} == {topic.name for topic in CATALOGUE}


def test_knowledge_and_control_are_compacted_and_all_is_zstd_on_the_brokers_clock() -> None:
    compacted = {topic.name for topic in CATALOGUE if topic.config()["cleanup.policy"] == "compact"}

    assert compacted == {"daedalus.knowledge", "daedalus.control"}
    for topic in CATALOGUE:
        assert topic.config()["compression.type"] == "zstd"
        assert topic.config()["message.timestamp.type"] == "LogAppendTime"


@pytest.mark.parametrize(
    ("found", "message"),
    [
        pytest.param({"a": 12, "b": 12}, None, id="right"),
        pytest.param({"a": 12}, "may not see them: b;", id="missing"),
        pytest.param({"a": 12, "b": 4}, "equally many partitions: a 12, b 4", id="unequal"),
    ],
)
def test_says_what_is_wrong_with_the_topics(found: dict[str, int], message: str | None) -> None:
    told = missing_or_wrong(found, ["a", "b"])

    assert told is None if message is None else message in (told or "")


MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(after=MOMENTS, loop=st.sampled_from([0.5, 1.0, 5.0, 6.0, 7.5, 60.0, 300.0]))
def test_the_next_tick_is_later_by_at_most_a_loop_and_on_the_jobs_grid(
    after: datetime, loop: float
) -> None:
    end = next_end("ysb", loop, after)

    assert timedelta(0) < end - after <= timedelta(seconds=loop + 0.001)
    assert next_end("ysb", loop, end) - end == timedelta(seconds=loop)


def test_many_jobs_spread_over_the_loop() -> None:
    offsets = [offset(f"job-{number}", 60.0) for number in range(600)]

    for tenth in range(10):
        inside = [each for each in offsets if tenth * 6 <= each < tenth * 6 + 6]
        assert 30 <= len(inside) <= 90


@pytest.mark.parametrize("module", ["durations", "topics", "events.codec"])
def test_the_examples_in_the_docstrings_hold(module: str) -> None:
    found = doctest.testmod(importlib.import_module(f"daedalus_shared.{module}"))

    assert found.attempted > 0
    assert found.failed == 0
