"""`pause`, `resume`, `floor`, `ceiling` and `pin`."""

from collections.abc import Iterable
from dataclasses import dataclass

from daedalus_console import output
from daedalus_console.adapters.writing import publish
from daedalus_console.errors import Exit
from daedalus_console.overrides import (
    Wish,
    declared,
    effective,
    in_force,
    is_quota,
    override,
    taken_back,
)
from daedalus_console.runs.common import author, cluster, control
from daedalus_console.times import clock, moment
from daedalus_console.views import lines
from daedalus_shared.events import Direction, Override, OverrideKind
from daedalus_shared.job_spec import JobSpec


def direction(*, up: bool, down: bool) -> Direction:
    """Return the direction of two flags, both when neither is given."""
    if up == down:
        return Direction.BOTH
    return Direction.UP if up else Direction.DOWN


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks for, as it was typed."""

    job: str
    kind: OverrideKind
    until: str
    why: str
    way: Direction = Direction.BOTH
    scale_out: int | None = None


def ask(asked: Asked, bootstrap: str | None, *, as_json: bool) -> Exit:
    """Ask for an override."""
    who = author()
    until = moment(asked.until, who.now, "future")
    wish = Wish(asked.job, asked.kind, until, asked.why, asked.way, asked.scale_out)
    kafka = cluster(bootstrap)
    known = control(kafka, asked.job)
    event = override(wish, known, who)
    publish(kafka, [event])
    if as_json:
        output.document(event.model_dump(mode="json"))
    else:
        _say(event, declared(asked.job, known))
    return Exit.OK


@dataclass(frozen=True, slots=True)
class Ended:
    """What a person takes back, and why."""

    job: str
    kind: OverrideKind
    why: str
    way: Direction | None = None
    """Of this direction alone; None for all."""


def end(ended: Ended, bootstrap: str | None, *, as_json: bool) -> Exit:
    """Take back what was asked for."""
    job, who = ended.job, author()
    kafka = cluster(bootstrap)
    known = control(kafka, job)
    found = taken_back(job, known, who, ended.kind, ended.why, ended.way)
    if found:
        publish(kafka, found)
    if as_json:
        output.document([event.model_dump(mode="json") for event in found])
        return Exit.OK
    for event in found:
        _say(event, declared(job, known))
        known = known.fold(event)
    others = still(ended.kind, in_force(known, who.now))
    if not found:
        nothing = "" if others else f"no {ended.kind} is in force, "
        output.line(f"{job}: {nothing}nothing to take back")
    for line in others:
        output.line(line)
    return Exit.OK


def still(kind: OverrideKind, holding: Iterable[Override]) -> list[str]:
    """Return what of a kind goes on holding the job, a line each, and how each is ended."""
    return [
        f"{one.job}: still in force: {lines.of(one)} (`{_command(one)}` takes it back)"
        for one in holding
        if one.kind is kind
    ]


def _command(asked: Override) -> str:
    if is_quota(asked):
        return "daedalus quota -f FILE --clear"
    if asked.kind is OverrideKind.PAUSE:
        way = "" if asked.direction is Direction.BOTH else f" --{asked.direction}"
        return f"daedalus resume {asked.job}{way} --why …"
    return f"daedalus {asked.kind} {asked.job} --clear --why …"


def _say(event: Override, spec: JobSpec) -> None:
    at = effective(event, spec)
    output.line(f"{event.job}: {lines.of(event)} (counts from the first tick after {clock(at)})")
