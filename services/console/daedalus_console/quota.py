"""Workers that a group of jobs shares: how many each may have, the higher priority first.

The answer is a ceiling a job, which bounds its decisions like a person's and is recorded like one.
So decisions stay a matter of their own job, and a replay finds the ceilings of its time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import Field, ValidationError, field_validator

from daedalus_console.errors import UsageError
from daedalus_shared.durations import Seconds
from daedalus_shared.events.codec import explain
from daedalus_shared.section import Section
from daedalus_shared.yaml_text import YamlError, load


class Group(Section):
    """The group's file."""

    group: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$", max_length=100)
    """Its name: lower-case letters, digits, dots and dashes."""

    workers: int = Field(ge=1)
    """Workers that its jobs share."""

    jobs: dict[str, int] = Field(min_length=1)
    """Job → priority; the higher goes first, equals share alike."""

    remember: Seconds = 900.0
    """Seconds for which the highest need of a job counts, so that no worker changes hands for each
    breath of the load."""

    @field_validator("jobs")
    @classmethod
    def _are_names(cls, jobs: dict[str, int]) -> dict[str, int]:
        if wrong := [name for name in jobs if not name]:
            raise ValueError(f"{wrong[0]!r} is no job's name")
        return jobs

    @property
    def author(self) -> str:
        """Who decisions name."""
        return f"quota {self.group}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one job has and needs."""

    job: str

    priority: int

    least: int
    """Its min."""

    most: int
    """Its max."""

    needed: int
    """Workers that it would have by itself, within its bounds."""

    occupied: int
    """Workers that it has, or may still take before a new ceiling counts."""

    ceiling: int | None = None
    """What it may have so far; None when nothing was said."""


def read(file: str, content: str) -> Group:
    """Read a group's file, or raise `UsageError` with one line that names the field."""
    try:
        found = load(content)
    except YamlError as error:
        raise UsageError(f"{file}: no YAML: {error}") from error
    if not isinstance(found, dict):
        raise UsageError(f"{file}: a group's file is a mapping such as `group: batch`")
    try:
        return Group.model_validate(found)
    except ValidationError as error:
        raise UsageError(f"{file}: {explain(error)}") from error


def shares(claims: Sequence[Claim], workers: int) -> dict[str, int]:
    """Return each job's part of the workers.

    Every job has its min. Then needs are met, the higher priority first; jobs of one priority are
    levelled, the one with the fewest getting the next. What is left is dealt out in the same way,
    so that a job can grow at once.
    """
    found = {claim.job: claim.least for claim in claims}
    left = workers - sum(found.values())
    for enough in (
        {each.job: each.needed for each in claims},
        {each.job: each.most for each in claims},
    ):
        for priority in sorted({claim.priority for claim in claims}, reverse=True):
            names = sorted(claim.job for claim in claims if claim.priority == priority)
            while left > 0:
                short = [name for name in names if found[name] < enough[name]]
                if not short:
                    break
                found[min(short, key=found.__getitem__)] += 1
                left -= 1
    return found


def ceilings(claims: Sequence[Claim], workers: int) -> dict[str, int]:
    """Return each job's ceiling from now on.

    A ceiling falls at once, and rises only by workers that are free: those that another job gives
    up count when it has given them up, so that the group's jobs together never have too many.
    Nothing changes while no job needs more than it may have, and all workers are dealt out.
    """
    parts = shares(claims, workers)
    if _suffice(claims, sum(parts.values())):
        return {claim.job: claim.ceiling or 0 for claim in claims}
    # A job below its min will take that, whatever its ceiling.
    free = workers - sum(max(claim.occupied, claim.least) for claim in claims)
    found = {}
    for claim in sorted(claims, key=lambda claim: (-claim.priority, claim.job)):
        part = parts[claim.job]
        # What it may still take before its ceiling counts is no reason to raise that.
        held = claim.occupied if claim.ceiling is None else min(claim.occupied, claim.ceiling)
        held = max(held, claim.least)
        more = max(0, min(part - held, free))
        free -= more
        found[claim.job] = max(claim.least, min(part, held + more))
    return found


def _suffice(claims: Iterable[Claim], dealt: int) -> bool:
    """Whether the ceilings may stay as they are."""
    known = []
    for claim in claims:
        if claim.ceiling is None or not claim.least <= claim.ceiling <= claim.most:
            return False
        if claim.needed > claim.ceiling:
            return False
        known.append(claim.ceiling)
    return sum(known) == dealt
