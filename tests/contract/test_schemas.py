"""What is published about the events equals the code."""

from pathlib import Path

from daedalus_shared.events.codec import EVENTS
from daedalus_shared.schemas import asyncapi, documents, schema
from daedalus_shared.topics import CATALOGUE

DOCS = Path(__file__).parents[2] / "docs" / "events"


def test_the_checked_in_documents_equal_the_code() -> None:
    found = {path.name: path.read_text() for path in DOCS.glob("*.json")}

    assert found == documents(), "run `make schemas` and commit what it writes"


def test_every_field_says_what_it_means() -> None:
    for event in EVENTS:
        made = schema(event)
        for where in (made, *made.get("$defs", {}).values()):
            for name, field in where.get("properties", {}).items():
                if where.get("title") in {"Policy", "JobSpec"} or "$ref" in field:
                    continue
                assert field.get("description"), f"{event.__name__}: {where['title']}.{name}"


def test_rates_and_durations_carry_their_units() -> None:
    text = "".join(documents().values())

    for unit in ("records/s", "seconds", "in [0, 1]"):
        assert unit in text


def test_every_topic_has_a_channel_and_every_channel_a_message() -> None:
    channels = asyncapi()["channels"]

    assert set(channels) == {topic.name for topic in CATALOGUE}
    assert all(channel["messages"] for channel in channels.values())
