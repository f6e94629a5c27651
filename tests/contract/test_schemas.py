"""What is published about the events equals the code."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from daedalus_shared.event_pages import pages
from daedalus_shared.events import decode, encode, event_type, headers
from daedalus_shared.events.codec import BY_TYPE, EVENTS
from daedalus_shared.schemas import asyncapi, documents, schema
from daedalus_shared.topics import CATALOGUE

DOCS = Path(__file__).parents[2] / "docs" / "events"


def test_the_checked_in_documents_equal_the_code() -> None:
    found = {path.name: path.read_text() for path in DOCS.glob("*.json")}

    assert found == documents(), "run `make schemas` and commit what it writes"


EXAMPLES = {path.stem: json.loads(path.read_text()) for path in (DOCS / "examples").glob("*.json")}


def test_the_checked_in_pages_equal_the_code() -> None:
    found = {path.name: path.read_text() for path in DOCS.glob("*.md")}

    assert EXAMPLES.keys() == BY_TYPE.keys(), "an example an event in docs/events/examples"
    assert found == pages(EXAMPLES), "run `make schemas` and commit what it writes"


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_schema_says_what_it_means_to_others_and_its_example_fits(name: str) -> None:
    found = schema(BY_TYPE[name])

    jsonschema_rs.meta.validate(found)
    assert words(found) <= KNOWN, "words that only pydantic knows bind nobody"
    jsonschema_rs.validator_for(found, validate_formats=True).validate(EXAMPLES[name]["value"])


def test_a_negative_duration_is_refused_by_the_schema_too() -> None:
    value = EXAMPLES["daedalus.scale-outcomes.v1"]["value"] | {"downtime": -1.0}
    judge = jsonschema_rs.validator_for(schema(BY_TYPE["daedalus.scale-outcomes.v1"]))

    with pytest.raises(jsonschema_rs.ValidationError, match="downtime"):
        judge.validate(value)


# fmt: off
KNOWN = {
    "$schema", "$id", "$defs", "$ref", "type", "title", "description", "default", "examples",
    "const", "enum", "format", "pattern", "properties", "required", "additionalProperties",
    "propertyNames", "items", "prefixItems", "minItems", "maxItems", "uniqueItems", "anyOf",
    "oneOf", "allOf", "discriminator", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "minLength", "maxLength",
}
# fmt: on
"""JSON Schema's, and OpenAPI's `discriminator`, which AsyncAPI has too."""


def words(found: Any) -> set[str]:
    """The words that a schema uses, names and values left out."""
    if isinstance(found, list):
        return set().union(*map(words, found))
    if not isinstance(found, dict):
        return set()
    used = set(found)
    for word, value in found.items():
        if word in {"properties", "$defs"}:
            used |= set().union(*map(words, value.values()))
        elif word not in {"default", "examples", "const", "enum", "discriminator"}:
            used |= words(value)
    return used


def holds(written: Any, told: Any) -> bool:
    """Whether all of an example is written again; a field that is newer than it may be beside."""
    if isinstance(told, dict):
        return all(name in written and holds(written[name], each) for name, each in told.items())
    if isinstance(told, list):
        return len(written) == len(told) and all(map(holds, written, told))
    return bool(written == told)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_an_event_in_full(name: str) -> None:
    example = EXAMPLES[name]
    told = {key: value.encode() for key, value in example["headers"].items()}

    event = decode(json.dumps(example["value"]).encode(), told, key=example["key"].encode())

    assert event_type(type(event)) == name
    assert headers(event) == told
    assert holds(json.loads(encode(event)), example["value"])


def test_the_examples_tell_of_one_tick() -> None:
    value = EXAMPLES["daedalus.decisions.v1"]["value"]
    tick = EXAMPLES["daedalus.decisions.v1"]["headers"]["correlationid"]
    loop = ("metrics", "capacity-updates", "forecasts", "scale-commands", "scale-outcomes",
            "recoveries")  # fmt: skip

    assert {EXAMPLES[f"daedalus.{each}.v1"]["headers"]["correlationid"] for each in loop} == {tick}
    for each in ("metrics", "capacity-updates", "forecasts", "control.JobSpec"):
        assert EXAMPLES[f"daedalus.{each}.v1"]["headers"]["ce_id"] in value["inputs"], each
    assert EXAMPLES["daedalus.scale-commands.v1"]["headers"]["ce_id"] == value["command"]


def test_pages_link_to_what_there_is() -> None:
    for page in DOCS.glob("*.md"):
        for target in re.findall(r"\]\(([^)#][^)]*)\)", page.read_text()):
            if not target.startswith("https://"):
                assert (page.parent / target).exists(), f"{page.name}: {target}"
        anchors = set(re.findall(r"\]\(#([^)]*)\)", page.read_text()))
        heads = {head.lower() for head in re.findall(r"^### (.*)$", page.read_text(), re.MULTILINE)}
        assert anchors <= heads, page.name


def references(found: Any) -> Iterator[str]:
    if isinstance(found, dict):
        for name, value in found.items():
            if name == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(found, list):
        for each in found:
            yield from references(each)


def test_the_asyncapi_document_holds_together() -> None:
    document = asyncapi()

    assert document["asyncapi"] == "3.0.0"
    for reference in references(document):
        if reference.startswith("./"):
            assert (DOCS / reference).exists(), reference
            continue
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
    for message in document["components"]["messages"].values():
        assert message["name"] in BY_TYPE
        assert set(message["headers"]["required"]) <= set(message["headers"]["properties"])
    for operation in document["operations"].values():
        assert operation["action"] in {"send", "receive"}


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
