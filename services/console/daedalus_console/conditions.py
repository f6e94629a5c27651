"""Conditions on the fields of records, as `daedalus tap --where` takes them.

`status=refused`, `scale_out>=4`, `candidates.*.verdict=cheapest`: a path of names with dots, an
operator, a value. Of a list a number picks one part and `*` any of them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from operator import ge, gt, le, lt
from typing import Any

from daedalus_console.errors import UsageError
from daedalus_console.records import Record
from daedalus_shared.durations import seconds
from daedalus_shared.events.codec import EVENTS

_OPERATORS = ("!=", ">=", "<=", "=", ">", "<", "~")
_ORDERS = {">=": ge, "<=": le, ">": gt, "<": lt}
_FORM = re.compile(r"\s*([A-Za-z0-9_.*-]+)\s*(!=|>=|<=|=|>|<|~)(.*)", re.DOTALL)

RECORD = frozenset(
    {"topic", "partition", "offset", "timestamp", "key", "type", "id", "correlation"}
)
"""Fields of the record itself, where the event has none of that name."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of a field with a value."""

    path: tuple[str, ...]
    operator: str
    value: str

    def holds(self, record: Record) -> bool:
        """Return whether the record meets it; what is no event meets none.

        A field that a record does not have is unlike any value: only `!=` holds of it.
        """
        if record.event is None:
            return False
        document = record.document()
        found = list(_values(document["event"], self.path))
        if not found and self.path[0] in RECORD:
            found = list(_values(document, self.path))
        if self.operator == "!=":
            return not any(_equal(each, self.value) for each in found)
        return any(self._compared(each) for each in found)

    def _compared(self, found: object) -> bool:
        if self.operator == "=":
            return _equal(found, self.value)
        if self.operator == "~":
            return self.value.casefold() in _text(found).casefold()
        pair = _ordered(found, self.value)
        return pair is not None and bool(_ORDERS[self.operator](*pair))


def condition(text: str, topics: Sequence[str]) -> Condition:
    """Return the condition that a person wrote.

    Args:
        text: Such as `status=refused`.
        topics: The topics, without prefix, that it is held against.

    Raises:
        UsageError: It is none, or names a field that no event on these topics has.
    """
    matched = _FORM.fullmatch(text)
    if matched is None:
        raise UsageError(
            f"--where {text!r}: write it like status=refused; "
            f"the operators are {' '.join(_OPERATORS)}"
        )
    name, operator, value = matched.groups()
    path = tuple(name.split("."))
    known = set(_fields(topics)) | RECORD
    if path[0] not in known:
        close = get_close_matches(path[0], sorted(known), n=1)
        hint = (
            f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(sorted(known))}"
        )
        raise UsageError(f"--where {text!r}: no event on {', '.join(topics)} has {path[0]!r}{hint}")
    return Condition(path, operator, value.strip())


def _fields(topics: Iterable[str]) -> Iterator[str]:
    for event in EVENTS:
        if event.NAME in topics:
            yield from event.model_fields


def _values(found: Any, path: tuple[str, ...]) -> Iterator[object]:
    """Yield what lies at a path; names that hold dots themselves (a worker's signal) are tried."""
    if not path:
        yield found
        return
    for each, rest in _steps(found, path):
        yield from _values(each, rest)


def _steps(found: Any, path: tuple[str, ...]) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Yield what one step along the path leads to, and what is left of the path."""
    if path[0] == "*" and isinstance(found, (dict, list)):
        parts = found.values() if isinstance(found, dict) else found
        yield from ((each, path[1:]) for each in parts)
    elif isinstance(found, dict):
        names = [".".join(path[:count]) for count in range(1, len(path) + 1)]
        yield from (
            (found[name], path[count:]) for count, name in enumerate(names, 1) if name in found
        )
    elif isinstance(found, list) and path[0].isdigit() and int(path[0]) < len(found):
        yield found[int(path[0])], path[1:]


def _equal(found: object, wanted: str) -> bool:
    if isinstance(found, (int, float)) and not isinstance(found, bool):
        number = _number(wanted)
        return number is not None and float(found) == number
    if isinstance(found, list):
        return any(_equal(each, wanted) for each in found)
    if isinstance(found, str) and (then := _instant(wanted)) is not None:
        return _instant(found) == then
    return _text(found) == wanted


def _text(found: object) -> str:
    """Return a value as it is written in JSON, a text without its quotes."""
    if isinstance(found, bool):
        return "true" if found else "false"
    return "null" if found is None else str(found)


def _ordered(found: object, wanted: str) -> tuple[Any, Any] | None:
    """Return both as values that have an order: numbers, or instants; None where they have none."""
    if isinstance(found, (int, float)) and not isinstance(found, bool):
        number = _number(wanted)
        return None if number is None else (float(found), number)
    if isinstance(found, str):
        one, other = _instant(found), _instant(wanted)
        return None if one is None or other is None else (one, other)
    return None


def _number(text: str) -> float | None:
    """Return a number, or the seconds of a duration such as `2m`."""
    for read in (float, seconds):
        try:
            return read(text)
        except ValueError:
            continue
    return None


def _instant(text: str) -> datetime | None:
    if len(text) < len("2026-01-01"):
        return None
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):  # the calendar has ends
        return None
