"""The events as published contracts: a JSON Schema each, and one AsyncAPI document."""

import json
from typing import Any

from daedalus_shared.events import Event, event_type
from daedalus_shared.events.codec import EVENTS
from daedalus_shared.topics import CATALOGUE, topic_of

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

_WORDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}

_NAMES = {"properties", "$defs"}
"""Below these stand names and not words."""

_VALUES = {"default", "examples", "enum", "const"}
"""Below these stand values and not schemas."""


def documents() -> dict[str, str]:
    """Return file name → content of everything that is published about the events."""
    found = {f"{event_type(event)}.json": _text(schema(event)) for event in EVENTS}
    return found | {"asyncapi.json": _text(asyncapi())}


def schema(event: type[Event]) -> dict[str, Any]:
    """Return the JSON Schema of an event's value, as a reader finds it."""
    made = _standard(event.model_json_schema(mode="serialization"))
    return {"$schema": _DIALECT, "$id": event_type(event), **made}


def _standard(found: Any) -> Any:
    """Return a schema in JSON Schema's own words alone.

    Where a field is validated by a function first, pydantic tells its bounds in Python's words. Our
    mark of a duration is left out: to others the format `duration` is a text of ISO 8601.
    """
    if isinstance(found, list):
        return [_standard(each) for each in found]
    if not isinstance(found, dict):
        return found
    made: dict[str, Any] = {}
    for word, value in found.items():
        if word in _NAMES:
            made[word] = {name: _standard(each) for name, each in value.items()}
        elif word in _VALUES or (word, value) != ("format", "duration"):
            name: str = _WORDS.get(str(word), str(word))
            made[name] = value if word in _VALUES else _standard(value)
    return made


def asyncapi() -> dict[str, Any]:
    """Return the AsyncAPI 3 document of all topics."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Daedalus events",
            "version": "1.0.0",
            "description": "CloudEvents 1.0 in binary mode over Kafka, keyed by job. Partition: "
            "murmur2 of the key up to its first `/`, on equally many partitions of all topics.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic.name) for topic in CATALOGUE},
        "operations": {
            f"read-{topic.name.removeprefix('daedalus.')}": {
                "action": "receive",
                "channel": {"$ref": f"#/channels/{topic.name}"},
            }
            for topic in CATALOGUE
        },
        "components": {"messages": {event_type(event): _message(event) for event in EVENTS}},
    }


def _channel(topic: str) -> dict[str, Any]:
    config = next(each for each in CATALOGUE if each.name == topic)
    carried = [event_type(event) for event in EVENTS if topic_of(event) == topic]
    return {
        "address": topic,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in carried},
        "bindings": {
            "kafka": {
                "topic": topic,
                "topicConfiguration": {
                    "cleanup.policy": ["compact" if config.compacted else "delete"],
                    **({"retention.ms": config.retention_ms} if config.retention_ms else {}),
                },
            }
        },
    }


def _message(event: type[Event]) -> dict[str, Any]:
    name = event_type(event)
    text = {"type": "string"}
    return {
        "name": name,
        "title": event.__name__,
        "summary": (event.__doc__ or "").strip().splitlines()[0],
        "headers": {
            "type": "object",
            "required": [
                "ce_specversion",
                "ce_id",
                "ce_type",
                "ce_source",
                "ce_time",
                "ce_subject",
            ],
            "properties": {
                "ce_specversion": {"const": "1.0"},
                "ce_id": {**text, "description": "Deterministic: the same input, the same id."},
                "ce_type": {"const": name},
                "ce_source": {**text, "description": "`daedalus/<service>/<instance>`."},
                "ce_time": {**text, "format": "date-time", "description": "The event's `at`."},
                "ce_subject": {**text, "description": "The job."},
                "correlationid": {**text, "description": "The tick that caused the event."},
            },
        },
        "payload": {"$ref": f"./{name}.json"},
        "bindings": {"kafka": {"key": {**text, "description": key_of(event)}}},
    }


def key_of(event: type[Event]) -> str:
    """Return what an event's key is made of, in words."""
    return {
        "knowledge": "`<job>/<kind>/<instance>`",
        "control": f"`<job>/{event.KIND}…`",
    }.get(event.NAME, "the job's name")


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
