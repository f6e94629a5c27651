"""What the service under test said: messages as they lie on the topics, and as events.

Nothing here reads Kafka; every check is tested on plain values.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from daedalus_shared.events import DecodeError, Event, decode

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Message:
    """A Kafka message."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]
    written_at: datetime
    """Its Kafka timestamp."""

    @property
    def place(self) -> str:
        """Where it lies, for whoever wants to look."""
        return f"{self.topic}[{self.partition}]@{self.offset}"

    @property
    def said(self) -> dict[str, Any]:
        """The value as far as it is a JSON object; NaN is let through."""
        try:
            found = json.loads(self.value or b"")
        except (ValueError, RecursionError):  # nested a thousand times
            return {}
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class Answer:
    """A message of the service under test, and the event that it is, or why it is none."""

    message: Message
    event: Event | None
    why: str = ""


def answers(messages: Iterable[Message], source: str, jobs: Collection[str]) -> tuple[Answer, ...]:
    """Return what the service said of the test's jobs, and what it said that names no job."""
    return tuple(_read(each) for each in messages if _is_of(each, source, jobs))


def other_sources(messages: Iterable[Message], source: str, jobs: Collection[str]) -> list[str]:
    """Return who else spoke of the test's jobs."""
    found = {str(each.said.get("source")) for each in messages if _jobs(each) & set(jobs)}
    return sorted(found - {source, "None"})


def intruders(messages: Iterable[Message], player: str, run: str) -> list[str]:
    """Return who but the kit spoke of a run's jobs on the topics that the kit writes."""
    found = {
        str(each.said["source"])
        for each in messages
        if f"contract-{run}-" in str(each.said.get("job")) and "source" in each.said
    }
    return sorted(source for source in found if not source.endswith(f"/{player}"))


def of(kind: type[E], found: Iterable[Answer]) -> list[tuple[Message, E]]:
    """Return the events of one class, each with its message."""
    return [(each.message, each.event) for each in found if isinstance(each.event, kind)]


def _is_of(message: Message, source: str, jobs: Collection[str]) -> bool:
    said = message.said
    told, job = said.get("source"), said.get("job")
    if isinstance(told, str) and told != source:
        return False
    if isinstance(told, str) and isinstance(job, str):
        return job in jobs  # others are real ones, or those of an earlier run
    named = message.headers.get("ce_source", b"").decode(errors="replace")
    return named == f"daedalus/{source}" if named else bool(_jobs(message) & set(jobs))


def _jobs(message: Message) -> set[str]:
    key = (message.key or b"").decode(errors="replace").partition("/")[0]
    subject = message.headers.get("ce_subject", b"").decode(errors="replace")
    return {key, subject, str(message.said.get("job"))}


def _read(message: Message) -> Answer:
    try:
        event = decode(
            message.value, message.headers, topic=message.topic, written_at=message.written_at
        )
    except DecodeError as error:
        return Answer(message, None, str(error))
    return Answer(message, event)


_OUT_OF_RANGE = re.compile(
    r"finite number|greater than or equal to|less than or equal to|greater than \d"
)


def is_about_a_value(why: str) -> bool:
    """Whether a message was refused for a number that cannot be, rather than for its form."""
    return _OUT_OF_RANGE.search(why) is not None


def seconds_between(earlier: datetime, later: datetime) -> float:
    """Return the seconds from one Kafka timestamp to another."""
    return (later - earlier) / timedelta(seconds=1)
