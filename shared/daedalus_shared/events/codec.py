"""Events to and from Kafka messages: JSON values with CloudEvents 1.0 binary headers."""

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from daedalus_shared.events.base import Event, event_type
from daedalus_shared.events.capacity import CapacityUpdate
from daedalus_shared.events.control import Approval, Declaration, Forget, Override
from daedalus_shared.events.dead_letters import DeadLetter
from daedalus_shared.events.decisions import Decision
from daedalus_shared.events.forecasts import Forecast
from daedalus_shared.events.knowledge import Knowledge
from daedalus_shared.events.metrics import JobMetrics
from daedalus_shared.events.scaling import Recovery, ScaleCommand, ScaleOutcome
from daedalus_shared.section import hidden

EVENTS: tuple[type[Event], ...] = (
    JobMetrics,
    CapacityUpdate,
    Forecast,
    Decision,
    ScaleCommand,
    ScaleOutcome,
    Recovery,
    Knowledge,
    Declaration,
    Override,
    Approval,
    Forget,
    DeadLetter,
)

BY_TYPE = {event_type(event): event for event in EVENTS}

AHEAD = timedelta(seconds=30)
"""How far an event, or its tick, may lie ahead of its Kafka timestamp: one wrong clock must not
mute a job."""

TOLD = 5
"""Errors of one message that are told; a forecast of 2,000 wrong values is told by its first."""

_SHOWN = 80
"""Characters of a wrong value that are shown."""


class DecodeError(ValueError):
    """The message is not an event of a known type and version."""


def headers(event: Event) -> dict[str, bytes]:
    """Return the CloudEvents binary headers of an event, and its correlation id."""
    return {
        "ce_specversion": b"1.0",
        "ce_id": event.id.encode(),
        "ce_type": event_type(type(event)).encode(),
        "ce_source": f"daedalus/{event.source}".encode(),
        "ce_time": event.at.isoformat().encode(),
        "ce_subject": event.job.encode(),
        "content-type": b"application/json",
        "correlationid": event.correlation.encode(),
    }


def encode(event: Event) -> bytes:
    """Return the event as JSON for a Kafka value."""
    return event.model_dump_json().encode()


def decode(
    value: bytes | None,
    message_headers: Mapping[str, bytes] | Iterable[tuple[str, bytes]],
    *,
    topic: str | None = None,
    key: bytes | None = None,
    written_at: datetime | None = None,
) -> Event:
    """Read a Kafka message.

    Args:
        value: The message's value.
        message_headers: Its headers; `ce_type` says what it is.
        topic: Where it lay, to refuse an event on another's topic.
        key: Its key, which must be that of the event.
        written_at: Its Kafka timestamp, to refuse an event from the future, or of a future tick.

    Raises:
        DecodeError: It is no event of a known type and version, or contradicts itself.
    """
    # A header may be null, though no type says so.
    type_name = (dict(message_headers).get("ce_type") or b"").decode(errors="replace")
    event_class = BY_TYPE.get(type_name)
    if event_class is None:
        raise DecodeError(_unknown_type(type_name))
    if topic is not None and topic != f"daedalus.{event_class.NAME}":
        raise DecodeError(f"{type_name} does not belong on {topic}")
    if value is None:
        raise DecodeError(f"{type_name} without a value")
    try:
        event = event_class.model_validate_json(value)
    except ValidationError as error:
        raise DecodeError(f"{type_name}: {explain(error)}") from error
    if key is not None and key != event.key.encode():
        found = _cut(key.decode(errors="replace"))
        raise DecodeError(f"{type_name} of {event.key} under key {found}")
    if written_at is not None:
        _refuse_the_future(event, written_at)
    return event


def _refuse_the_future(event: Event, written_at: datetime) -> None:
    """Refuse an event ahead of its time: what comes after it would be taken for old."""
    for field in ("at", "tick"):
        moment: datetime | None = getattr(event, field, None)
        if moment is not None and moment - written_at > AHEAD:
            ahead = (moment - written_at).total_seconds()
            raise DecodeError(
                f"{field} {moment.isoformat()} lies {ahead:.0f} s ahead of the Kafka timestamp"
            )


def explain(error: ValidationError) -> str:
    """Return a validation error on one line: each field, its value, and what would be right.

    Of many errors the first few are told, and how many there are.
    """
    lines = [_line(detail) for detail in error.errors(include_url=False)[:TOLD]]
    if (more := error.error_count() - len(lines)) > 0:
        lines.append(f"and {more} more")
    return "; ".join(lines)


def _line(detail: ErrorDetails) -> str:
    where = ".".join(str(part) for part in detail["loc"])
    value = detail["input"]
    shown = "" if isinstance(value, (dict, list, bytes)) else f" (got {_cut(hidden(repr(value)))})"
    what = detail["msg"].removeprefix("Value error, ")
    return f"{where}: {what}{shown}" if where else what


def _unknown_type(name: str) -> str:
    if not name:
        return "no ce_type header: not an event"
    stem, _, version = name.rpartition(".v")
    known = [other for other in BY_TYPE if other.rpartition(".v")[0] == stem]
    if known:
        only = ", ".join(known)
        return f"major version {_cut(version)} of {stem} is not understood here, only {only}"
    return f"unknown event type {_cut(name)!r}"


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def instant(milliseconds: float) -> datetime:
    """Return the moment of a Kafka timestamp.

    >>> instant(1500).isoformat()
    '1970-01-01T00:00:01.500000+00:00'
    """
    whole = math.floor(milliseconds)
    return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=whole)
