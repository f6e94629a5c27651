"""What the sections of a job file have in common: immutable, strict, every field documented."""

import re
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from daedalus_shared.durations import BRIEFEST, Seconds

PositiveSeconds = Annotated[Seconds, Field(ge=BRIEFEST)]
Part = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]

DURATION: dict[str, Any] = {"format": "duration"}
"""Marks a field that may be null as a duration."""

SHOWN = 100
"""Characters of a wrong value that an error repeats."""

_INSIDE = re.compile(r"(?<=://)[^/\s@'\"]*@|(?<=['\"])[^/\s@'\"]+:[^/\s@'\"]*@")


def hidden(text: str) -> str:
    """Return a text without what may be a password in an address.

    >>> hidden("no http://me:secret@prometheus:9090 there")
    'no http://…@prometheus:9090 there'
    """
    return _INSIDE.sub("…@", text)


def short(text: str) -> str:
    """Return the beginning of a value that an error repeats: a line is to stay a line.

    >>> len(short("x" * 1000))
    101
    """
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


S = TypeVar("S", bound="Section")


class Section(BaseModel):
    """A part of the spec: immutable, and an unknown field is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def divided(section: S, factor: float) -> S:
    """Return a section with every duration in it divided, those of its parts too.

    Lists of sections stay: they are windows of the calendar (`courtesies.Window`).
    """
    found: dict[str, object] = {}
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        extra = field.json_schema_extra
        if isinstance(value, Section):
            found[name] = divided(value, factor)
        elif isinstance(extra, dict) and extra.get("format") == "duration" and value is not None:
            found[name] = value / factor
    return section.model_copy(update=found)
