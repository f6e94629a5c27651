"""Job files: what is wrong with one, what it changes, and the control events that say so."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from daedalus_console.errors import ConsoleError
from daedalus_console.records import printable
from daedalus_shared.control import JobControl
from daedalus_shared.durations import text
from daedalus_shared.events import Declaration
from daedalus_shared.job_spec import JobSpec, Policy, SpecError, read_spec
from daedalus_shared.section import hidden, short


class Verdict(StrEnum):
    """What becomes of a job file."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Change:
    """One field of a spec that gets another value."""

    field: str
    before: object
    after: object

    def __str__(self) -> str:
        """Return it as people read it."""
        return f"{self.field} {_shown(self.field, self.before)} → {_shown(self.field, self.after)}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What applying one file does."""

    file: str
    verdict: Verdict
    spec: JobSpec | None = None
    changes: tuple[Change, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def job(self) -> str | None:
        """The job that the file declares; None when that cannot be read."""
        return self.spec.job if self.spec else None

    def as_json(self) -> dict[str, Any]:
        """Return it as values of JSON."""
        return {
            "file": self.file,
            "result": self.verdict.value,
            "job": self.job,
            "changes": [
                {"field": change.field, "before": change.before, "after": change.after}
                for change in self.changes
            ],
            "problems": list(self.problems),
        }


@dataclass
class Seen:
    """Which job each file of one run declares, to refuse a second file for the same job."""

    files: dict[str, str] = field(default_factory=dict)

    def check(self, file: str, content: str) -> Plan | JobSpec:
        """Return the file's spec, or the refusal."""
        found = check(file, content)
        if isinstance(found, JobSpec):
            first = self.files.setdefault(found.job, file)
            if first != file:
                why = f"job: {found.job!r}: is declared in {first} already; keep one of the two"
                return Plan(file, Verdict.REFUSED, problems=(why,))
        return found


def check(file: str, content: str) -> Plan | JobSpec:
    """Return the spec in a file's content, or the refusal with a line for each problem."""
    try:
        return read_spec(content)
    except SpecError as error:
        cause = error.__cause__
        lines = problems(cause) if isinstance(cause, ValidationError) else [str(error)]
        return Plan(file, Verdict.REFUSED, problems=tuple(printable(line) for line in lines))


def problems(error: ValidationError) -> list[str]:
    """Return a line for each problem: the field, its value, and what would be right."""
    return [_problem(detail) for detail in error.errors(include_url=False)]


def plan(file: str, spec: JobSpec, control: JobControl) -> Plan:
    """Return what applying a right file does to what is declared."""
    known = control.newest
    if known is None:
        return Plan(file, Verdict.CREATED, spec)
    if known == spec:
        return Plan(file, Verdict.UNCHANGED, spec)
    return Plan(file, Verdict.CHANGED, spec, tuple(differences(known, spec)))


def differences(before: JobSpec, after: JobSpec) -> Iterator[Change]:
    """Yield the fields whose values differ, in the order of the spec."""
    old, new = _flat(before.model_dump(mode="json")), _flat(after.model_dump(mode="json"))
    for name in [*new, *(gone for gone in old if gone not in new)]:
        if old.get(name) != new.get(name):
            yield Change(name, old.get(name), new.get(name))


def declaration(spec: JobSpec, control: JobControl, now: datetime, source: str) -> Declaration:
    """Return the event that declares a spec."""
    return Declaration(job=spec.job, at=instant_after(control, now), source=source, spec=spec)


def instant_after(control: JobControl, now: datetime) -> datetime:
    """Return an instant that makes an event the job's newest, also where clocks differ a little.

    Raises:
        ConsoleError: The job's newest control event lies so far ahead that one of two clocks is
            wrong; a later one would be refused by the services.
    """
    events = (
        *control.declarations,
        *control.overrides,
        *control.approvals,
        *control.forgets,
    )
    newest = max((event.at for event in events), default=None)
    if newest is None or newest < now:
        return now
    if newest - now > timedelta(seconds=20):
        raise ConsoleError(
            f"the job's newest control event is dated {newest.isoformat()}, ahead of this "
            f"machine's clock ({now.isoformat()}); set the clock right"
        )
    return newest + timedelta(milliseconds=1)


def _problem(detail: Any) -> str:
    place = [str(part) for part in detail["loc"]]
    name = ".".join(place) or "the file"
    match detail["type"]:
        case "missing":
            return f"{name}: is missing"
        case "extra_forbidden":
            close = get_close_matches(place[-1], _fields_at(place[:-1]), n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            return f"{name}: is not a field of a job file{hint}"
    what = detail["msg"].removeprefix("Value error, ")
    value = detail["input"]
    if isinstance(value, dict):
        return f"{name}: {what}"
    return f"{name}: {short(hidden(repr(value)))}: {what}"


def _fields_at(place: list[str]) -> list[str]:
    model: Any = JobSpec
    for part in place:
        known = model.model_fields.get(part)
        if known is None:
            return []
        annotations = (known.annotation, *get_args(known.annotation))
        models = [
            one for one in annotations if isinstance(one, type) and issubclass(one, BaseModel)
        ]
        if not models:
            return []
        model = models[0]
    return list(model.model_fields)


def _flat(found: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in found.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _is_duration(name: str) -> bool:
    section, _, last = name.rpartition(".")
    known = Policy.model_fields.get(last) if section == "policy" else None
    extra = known.json_schema_extra if known else None
    return isinstance(extra, dict) and extra.get("format") == "duration"


def _shown(name: str, value: object) -> str:
    if value is None:
        return "unset"
    if isinstance(value, float) and _is_duration(name):
        return text(value)
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
