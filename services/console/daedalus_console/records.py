"""What lies on a topic: one record, read as an event where it is one."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from daedalus_shared.events import DecodeError, Event, decode

PREFIX = "daedalus."

SHOWN = 200
"""Characters that are shown of a record that does not decode."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a topic: an event, or why it is none."""

    topic: str
    partition: int
    offset: int
    written_at: datetime
    key: str | None
    value: bytes | None
    event: Event | None = None
    why: str | None = None
    """Why it is no event; None for an event and for a tombstone."""
    raw_headers: tuple[tuple[str, bytes | None], ...] = ()
    """Its headers in their order, as Kafka gave them."""

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Its headers in their order, as text that is harmless on a terminal."""
        return tuple(
            (printable(name), printable((value or b"").decode(errors="replace")))
            for name, value in self.raw_headers
        )

    @property
    def tombstone(self) -> bool:
        """Whether it takes back what was written under its key."""
        return self.value is None and self.key is not None and self.event is None

    @property
    def job(self) -> str | None:
        """The job that it is about, by its key where it does not decode."""
        if self.event is not None:
            return self.event.job
        return self.key.partition("/")[0] if self.key else None

    @property
    def name(self) -> str:
        """The topic without its prefix."""
        return self.topic.removeprefix(PREFIX)

    def text(self, limit: int = SHOWN) -> str:
        """Return the beginning of the value as text that is harmless on a terminal."""
        return printable((self.value or b"")[: 4 * limit].decode(errors="replace"))[:limit]

    def as_json(self, *, headers: bool = False) -> str:
        """Return the record on one line of JSON, with its headers where they are wanted."""
        return json.dumps(self.document(headers=headers))

    def document(self, *, headers: bool = False) -> dict[str, Any]:
        """Return the record as values of JSON."""
        found: dict[str, Any] = {
            "topic": self.topic,
            "partition": self.partition,
            "offset": self.offset,
            "timestamp": self.written_at.isoformat(),
            "key": self.key,
        }
        if self.event is not None:
            found["type"] = type(self.event).__name__
            found["id"] = self.event.id
            found["correlation"] = self.event.correlation
            found["event"] = self.event.model_dump(mode="json")
        elif self.tombstone:
            found["tombstone"] = True
        else:
            found["error"] = self.why
            found["value"] = (self.value or b"").decode(errors="replace")
        if headers:
            found["headers"] = dict(self.headers)
        return found


@dataclass(frozen=True, slots=True)
class Raw:
    """A record as Kafka gives it."""

    topic: str
    partition: int
    offset: int
    written_at: datetime
    key: bytes | None
    value: bytes | None
    headers: Iterable[tuple[str, bytes | None]] = ()


def read(raw: Raw) -> Record:
    """Read a record; one that is no event says why, and never raises."""
    key = None if raw.key is None else raw.key.decode(errors="replace")
    event: Event | None = None
    why: str | None = None
    if raw.value is not None or raw.key is None:
        headers = [(name, value or b"") for name, value in raw.headers]
        try:
            event = decode(
                raw.value, headers, topic=raw.topic, key=raw.key, written_at=raw.written_at
            )
        except DecodeError as error:
            why = printable(str(error))
    return Record(
        topic=raw.topic,
        partition=raw.partition,
        offset=raw.offset,
        written_at=raw.written_at,
        key=key,
        value=raw.value,
        event=event,
        why=why,
        raw_headers=tuple(raw.headers),
    )


def printable(text: str) -> str:
    r"""Return text that cannot steer a terminal: what is not printable is spelled out.

    >>> printable("a\x1b[2Jb\n")
    'a\\x1b[2Jb\\n'
    """
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)
