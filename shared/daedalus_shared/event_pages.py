"""Pages about the events that people read: one an event and an index, made from the code.

Examples are files of recorded events, `<type>.json` with headers, key and value.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from daedalus_shared.durations import text
from daedalus_shared.events import Event, event_type
from daedalus_shared.events.codec import AHEAD, EVENTS
from daedalus_shared.roles import ROLES, Role
from daedalus_shared.schemas import key_of
from daedalus_shared.topics import CATALOGUE, Topic, topic_of

_FEW = 3
"""Values of a list that an example shows."""

_HEADERS = {
    "ce_specversion": "CloudEvents 1.0, binary mode: headers here, the event as JSON in the value.",
    "ce_type": "What it is, with its major version.",
    "ce_id": "Deterministic: the same input leads to the same id, also after a restart. "
    "Other events name it by this.",
    "ce_source": "Who says so: `daedalus/<service>/<instance>`.",
    "ce_subject": "The job.",
    "ce_time": "The event's `at`: when the fact held, never when it was sent.",
    "content-type": "`application/json`.",
    "correlationid": "The tick that caused it, `<job>@<end of the tick>`: the same from metrics to "
    "recovery.",
}

_WHEN = {
    "metrics": "each `policy.report` (15 s); the one that closes a tick carries it",
    "capacity-updates": "once a tick",
    "forecasts": "once a tick and forecaster",
    "decisions": "once a tick and planner, also to stay",
    "scale-commands": "when a decision wants another scale-out",
    "scale-outcomes": "once a command, when it has ended",
    "recoveries": "once an applied command, when the job has caught up or is watched no more",
    "knowledge": "whenever a service's state of a job has changed",
    "control": "when a person asks for something",
    "dead-letters": "once a message that cannot be read",
}


def pages(examples: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return file name → Markdown, for every event and the index.

    Args:
        examples: Event type → headers, key and value of a recorded one.
    """
    found = {f"{event_type(each)}.md": _page(each, examples[event_type(each)]) for each in EVENTS}
    return found | {"README.md": _index()}


def _page(event: type[Event], example: Mapping[str, Any]) -> str:
    name = event_type(event)
    made = event.model_json_schema(mode="serialization")  # with our mark of durations
    lines = [
        f"# {event.__name__}",
        "",
        *_paragraphs(event),
        "",
        "| | |",
        "|---|---|",
        *(f"| {head} | {told} |" for head, told in _facts(event)),
        "",
        "## Example",
        "",
        f"A recorded one, long lists cut; [all of it](examples/{name}.json).",
        "",
        "```json",
        _shown(example),
        "```",
        "",
        "## Fields",
        "",
        *_fields(made),
    ]
    for part, definition in sorted(made.get("$defs", {}).items()):
        lines += _part(part, definition)
    lines += ["## How it evolves", "", *_evolution(event, made)]
    return "\n".join(lines).rstrip() + "\n"


def _paragraphs(event: type[Event]) -> list[str]:
    told = (event.__doc__ or "").strip().splitlines()
    return [line.strip() for line in told]


def _facts(event: type[Event]) -> Iterator[tuple[str, str]]:
    topic = next(each for each in CATALOGUE if each.name == topic_of(event))
    name = event_type(event)
    yield "topic", f"`{topic.name}`"
    yield "type", f"`{name}`"
    yield "key", key_of(event)
    yield "written by", _named(role for role in ROLES if _in(event, role.writes))
    yield "read by", _named(role for role in ROLES if _in(event, role.reads))
    yield "when", _WHEN[event.NAME]
    yield "kept", _kept(topic)
    yield "contract", f"[JSON Schema]({name}.json), [AsyncAPI](asyncapi.json)"


def _in(event: type[Event], kinds: tuple[type[Event], ...]) -> bool:
    """Whether a role that has these events has this one: it has all of a topic or none."""
    return any(each.NAME == event.NAME for each in kinds)


def _named(roles: Iterator[Role]) -> str:
    return ", ".join(role.name for role in roles) or "nobody"


def _kept(topic: Topic) -> str:
    if topic.compacted:
        days = f"; what it replaced, {text(topic.keep_superseded_ms / 1000)} at least"
        return "the newest of each key, for ever" + (days if topic.keep_superseded_ms else "")
    return "for ever" if topic.retention_ms is None else text(topic.retention_ms / 1000)


def _shown(example: Mapping[str, Any]) -> str:
    cut = {
        "headers": example["headers"],
        "key": example["key"],
        "value": _cut(example["value"]),
    }
    return json.dumps(cut, indent=2, ensure_ascii=False)


def _cut(found: Any) -> Any:
    """Return a value with its long lists cut, which a text in their place says."""
    if isinstance(found, dict):
        return {name: _cut(value) for name, value in found.items()}
    if not isinstance(found, list):
        return found
    few = 1 if any(isinstance(each, (dict, list)) for each in found) else _FEW
    shown = [_cut(each) for each in found[:few]]
    more = len(found) - few
    return [*shown, f"… {more} more"] if more > 0 else shown


def _part(name: str, definition: Mapping[str, Any]) -> list[str]:
    title = ["", f"### {name}", "", _cell(str(definition.get("description", ""))), ""]
    if "enum" in definition:
        words = ", ".join(f"`{each}`" for each in definition["enum"])
        return [*title, f"One of {words}.", ""]
    if len(definition.get("properties", {})) > 0:
        return [*title, *_fields(definition), ""]
    return []


def _fields(made: Mapping[str, Any]) -> list[str]:
    required = set(made.get("required", ()))
    rows = ["| field | type | what it is |", "|---|---|---|"]
    for name, field in made.get("properties", {}).items():
        # `required` of a schema for readers names all that is written; what has a default may be
        # left out by a writer.
        must = "" if "default" in field or name not in required else " **(required)**"
        told = _cell(str(field.get("description", "")))
        rows.append(f"| `{name}` | {_type(field)} | {told}{must} |")
    return rows


def _type(field: Mapping[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_type(each) for each in field["anyOf"])
    if "$ref" in field:
        name = str(field["$ref"]).rpartition("/")[2]
        return "any JSON" if name == "JsonValue" else f"[{name}](#{name.lower()})"
    values = [field["const"]] if "const" in field else field.get("enum", ())
    if values:
        return " or ".join(f"`{each}`" for each in values)
    kind, form = str(field.get("type", "any")), field.get("format")
    if kind == "array":
        return f"list of {_type(field.get('items', {}))}"
    if kind == "object":
        return f"map to {_type(field.get('additionalProperties') or {})}"
    return f"{kind}, {'seconds' if form == 'duration' else form}" if form else kind


def _evolution(event: type[Event], made: Mapping[str, Any]) -> Iterator[str]:
    properties = made.get("properties", {})
    must = [name for name, field in properties.items() if event.model_fields[name].is_required()]
    yield (
        f"This is major version {event.MAJOR}, told by `.v{event.MAJOR}` at the end of `ce_type`; "
        "readers refuse any other. "
        f"A writer must say {', '.join(f'`{name}`' for name in must)}; every other field has a "
        "default, and may be missing in what an older writer said."
    )
    yield ""
    yield (
        "Within the major version only fields with a default are added: readers skip fields that "
        "they do not know. No field is removed, renamed, or given another meaning or unit; that is "
        "a new major, on a type of its own beside this one. Recorded samples of every version are "
        "kept, and must decode for ever."
    )


def _index() -> str:
    lines = [
        "# Events",
        "",
        "What the services say to one another, and to whoever listens: one class an event, JSON in "
        "the value, [CloudEvents](https://cloudevents.io) 1.0 headers, the job as the key. Written "
        "from the code by `make schemas`.",
        "",
        "| event | topic | written by | read by | when |",
        "|---|---|---|---|---|",
    ]
    for event in EVENTS:
        facts = dict(_facts(event))
        readers = [
            role.name
            for role in ROLES
            if _in(event, role.reads) and role.name not in {"console", "auditor"}
        ]
        lines.append(
            f"| [{event.__name__}]({event_type(event)}.md) | `{topic_of(event)}` "
            f"| {facts['written by']} | {', '.join(readers) or '-'} | {facts['when']} |"
        )
    lines += [
        "",
        "The console, and an auditor, may read all of them. What a service reads of `knowledge` is "
        "its own alone.",
        "",
        "## Headers",
        "",
        "| header | what it is |",
        "|---|---|",
        *(f"| `{name}` | {told} |" for name, told in _HEADERS.items()),
        "",
        "## Keys and partitions",
        "",
        "The partition is murmur2 of the key up to its first `/`, so that all that is about a job "
        "lies on the same partition number of every topic; all topics have equally many. An event "
        "on another partition, or one whose `at` or `tick` lies more than "
        f"{text(AHEAD.total_seconds())} ahead of the broker's timestamp, is a dead letter.",
        "",
        "## Listen",
        "",
        "    daedalus tap decisions --job ysb --follow",
        "    daedalus tap scale-outcomes --where status=refused --since 7d --headers",
        "    daedalus export ysb.parquet --job ysb --since 7d",
        "",
        "From any language: the [AsyncAPI 3 document](asyncapi.json) has all topics, each page its "
        "JSON Schema. [Replace a service](../replace-a-service.md) says what a writer keeps to.",
        "",
    ]
    return "\n".join(lines)


def _cell(told: str) -> str:
    """Return text on one line that does not end a cell."""
    return " ".join(told.split()).replace("|", "\\|")
