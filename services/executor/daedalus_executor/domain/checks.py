"""Whether a command may be carried out: what speaks against it, each time with a sentence."""

from dataclasses import dataclass
from datetime import datetime

from daedalus_shared.events import ScaleCommand, Status
from daedalus_shared.job_spec import JobSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a target says of a job."""

    scale_out: int
    """Workers; in transit while the job is not running as a whole."""

    running: bool = True
    """Whether all of the job runs at that scale-out."""

    status: str = "RUNNING"
    """The engine's own word for how the job is."""

    most: int
    """The most workers that the target could give the job."""

    limit: str = ""
    """What bounds `most`, as a sentence."""

    stepwise: bool = False
    """Whether workers come and go one by one, so that a change may be found half done."""

    declared: bool = False
    """Whether somebody wrote the scale-out down, so that another one than ours was meant."""

    author: str = ""
    """Who wrote it, where that is told and it was not the executor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How a command ended."""

    status: Status
    why: str = ""
    """The reason as a sentence."""

    before: int | None = None
    """Workers found before; None when unknown."""

    after: int | None = None
    """Workers found after; None when unknown."""

    downtime: float | None = None
    """Seconds without processing; None when not measured."""

    converged_at: datetime | None = None
    """When the scale-out wanted was seen to run; None when it was not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the executor knows of the job as it looks at the target."""

    scale_out: int | None
    """Workers when last looked at."""

    generation: int
    """Changes seen, the one seen just now included."""

    begun: bool
    """Whether the command was begun before a crash."""

    left_alone: str = ""
    """Why the job is left as somebody set it back, as a sentence; empty where it is not."""


def refuse(command: ScaleCommand, spec: JobSpec, now: datetime) -> Result | None:
    """Return why a command is not carried out, as far as that shows without asking the target."""
    planner = f"planner/{spec.policy.planner}"
    if command.source != planner:
        return _refused(f"it comes from {command.source}, the job's planner is {planner}")
    if spec.policy.mode == "advise" and not command.dry_run:
        return _refused("the job's mode is advise: nothing is changed")
    wanted = command.to_scale_out
    if not spec.scale.min <= wanted <= spec.scale.max:
        return _refused(f"{wanted} workers are not within {spec.scale.min} to {spec.scale.max}")
    if expired(command, now):
        return Result(status=Status.EXPIRED, why=f"void since {command.expires_at.isoformat()}")
    return None


def expired(command: ScaleCommand, now: datetime) -> bool:
    """Return whether the command is void."""
    return now >= command.expires_at


def judge(command: ScaleCommand, known: Known, found: Found) -> Result | None:
    """Return how a command ends given what was found, or None when it is to be carried out."""
    wanted = command.to_scale_out
    if not found.running:
        return _refused(f"the job is {found.status}, it does not run as a whole")
    if found.scale_out == wanted:
        if known.begun:  # what was asked for before a crash has landed: see it through
            return None
        return _unchanged(Status.ALREADY_THERE, found, f"{wanted} workers run already")
    if objection := _objection(command, known, found):
        return _unchanged(Status.REFUSED, found, objection)
    if command.dry_run:
        why = f"dry run: {found.scale_out} workers would become {wanted}"
        return _unchanged(Status.WOULD_APPLY, found, why)
    return None


def _objection(command: ScaleCommand, known: Known, found: Found) -> str | None:
    wanted, expected = command.to_scale_out, command.expected_generation
    if expected is not None and expected != known.generation and not known.begun:
        if known.scale_out not in (None, found.scale_out):
            who = found.author or "somebody else"
            return f"{who} changed the job from {known.scale_out} to {found.scale_out} workers"
        return f"it was decided at generation {expected}, the job is at {known.generation}"
    if found.scale_out != command.from_scale_out and not _half_way(command, known, found):
        return f"it assumes {command.from_scale_out} workers, {found.scale_out} run"
    if found.declared and known.left_alone:
        return known.left_alone
    if wanted > found.most:
        return f"{wanted} workers are too many: {found.limit}"
    return None


def _half_way(command: ScaleCommand, known: Known, found: Found) -> bool:
    """Whether this is what a crash left of the command."""
    low, high = sorted((command.from_scale_out, command.to_scale_out))
    return found.stepwise and known.begun and low < found.scale_out < high


def _refused(why: str) -> Result:
    return Result(status=Status.REFUSED, why=why)


def _unchanged(status: Status, found: Found, why: str) -> Result:
    return Result(status=status, why=why, before=found.scale_out, after=found.scale_out)
