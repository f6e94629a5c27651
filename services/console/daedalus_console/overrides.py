"""What people ask of a job for a while: pauses, floors, ceilings and pins, and their end."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import get_close_matches

from daedalus_console.errors import ChangedError, ConsoleError, NotFoundError, UsageError
from daedalus_console.specs import instant_after
from daedalus_shared.control import JobControl
from daedalus_shared.events import Approval, Declaration, Direction, Forget, Override, OverrideKind
from daedalus_shared.job_spec import JobSpec

MOST_WORKERS = 10_000
"""Workers that anybody may ask for at most."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for."""

    job: str
    kind: OverrideKind
    until: datetime
    why: str
    direction: Direction = Direction.BOTH
    scale_out: int | None = None


@dataclass(frozen=True, slots=True)
class Author:
    """Who asks, and when."""

    name: str
    now: datetime

    @property
    def source(self) -> str:
        """The source of this person's events."""
        return f"console/{self.name}"[:200]


def declared(job: str, control: JobControl) -> JobSpec:
    """Return the job's spec, or raise `NotFoundError`."""
    spec = control.newest
    if spec is None:
        raise undeclared(job)
    return spec


def undeclared(job: str, known: Collection[str] = ()) -> NotFoundError:
    """Return the error that says so, with the name among the `known` that was probably meant.

    >>> print(undeclared("ysp", ["ysb", "traffic"]))
    no job 'ysp' is declared; did you mean 'ysb'?
    """
    close = get_close_matches(job, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else "`daedalus jobs` lists those that are"
    return NotFoundError(f"no job {job!r} is declared; {hint}")


def check_reason(why: str) -> None:
    """Raise `UsageError` where a reason says nothing: decisions and the record repeat it."""
    if not why.strip():
        raise UsageError("--why is blank: say for what reason")


def check_counts(event: Override | Approval, spec: JobSpec) -> None:
    """Raise `UsageError` where it ends before any tick can count it in."""
    first = effective(event, spec)
    if event.until is not None and event.until <= first:
        grace = spec.policy.forecast_grace
        raise UsageError(
            f"until must be later than {first.isoformat(timespec='seconds')}: what is asked counts "
            f"from the first tick that ends {grace:g} s after it"
        )


def override(wish: Wish, control: JobControl, author: Author) -> Override:
    """Return the event that asks for it.

    Raises:
        NotFoundError: The job is not declared.
        UsageError: It ends before it counts, or no reason is given.
        ConsoleError: It cannot be met within the job's bounds.
    """
    spec = declared(wish.job, control)
    scale = spec.scale
    check_reason(wish.why)
    if wish.until <= author.now:
        raise UsageError(f"--until {wish.until.isoformat()} is past")
    asked = wish.scale_out
    if asked is not None and asked > MOST_WORKERS:
        raise UsageError(f"{asked} workers are more than anybody may ask for: {MOST_WORKERS:,}")
    if asked is not None and wish.kind is not OverrideKind.CEILING and asked > scale.max:
        raise ConsoleError(f"{wish.kind} {asked} is above the job's scale.max {scale.max}")
    if asked is not None and wish.kind is not OverrideKind.FLOOR and asked < scale.min:
        raise ConsoleError(f"{wish.kind} {asked} is below the job's scale.min {scale.min}")
    event = Override(
        job=wish.job,
        at=instant_after(control, author.now),
        source=author.source,
        kind=wish.kind,
        direction=wish.direction,
        scale_out=asked,
        until=wish.until,
        author=author.name,
        why=wish.why,
    )
    check_counts(event, spec)
    return event


def in_force(control: JobControl, now: datetime) -> tuple[Override, ...]:
    """Return the overrides that have not ended, whether they take effect yet or not."""
    newest = {known.key: known for known in control.unforgotten(control.overrides)}
    return tuple(known for known in newest.values() if known.until > now)


def check_stands(seen: str, control: JobControl, now: datetime) -> None:
    """Raise `ChangedError` where the override of an id is in force no more."""
    if seen not in {known.id for known in in_force(control, now)}:
        raise ChangedError("what was to be taken back has changed meanwhile: look again")


def ended(overrides: Iterable[Override], since: datetime) -> tuple[Override, ...]:
    """Return what somebody took back at `since` or later and nobody asked for anew, as it ended."""
    newest = {known.key: known for known in sorted(overrides, key=lambda known: known.at)}
    return tuple(
        known for known in newest.values() if known.until <= known.at and known.at >= since
    )


def taken_back(
    job: str,
    control: JobControl,
    author: Author,
    kind: OverrideKind,
    why: str,
    direction: Direction | None = None,
) -> list[Override]:
    """Return the events that end the overrides of a kind; none when none is in force.

    Each tells who ends it and why, in place of who asked for it and why. Without a direction all
    that people asked for ends; a group's quota ends by its direction alone.

    Raises:
        NotFoundError: The job is not declared.
        UsageError: No reason is given.
    """
    declared(job, control)
    check_reason(why)
    at = instant_after(control, author.now)
    return [
        known.model_copy(
            update={
                "at": at,
                "until": at,
                "source": author.source,
                "author": author.name,
                "why": why,
            }
        )
        for known in in_force(control, author.now)
        if known.kind is kind
        and (known.direction is direction or (direction is None and not is_quota(known)))
    ]


def is_quota(asked: Override) -> bool:
    """Whether it is what a group gives to a job, which stands beside a person's ceiling."""
    return asked.kind is OverrideKind.CEILING and asked.direction is Direction.UP


def forget(
    job: str, control: JobControl, author: Author, why: str = "", *, stays_declared: bool = False
) -> Forget:
    """Return the event that ends a job, or that has what was learned of it forgotten."""
    declared(job, control)
    return Forget(
        job=job,
        at=instant_after(control, author.now),
        source=author.source,
        author=author.name,
        why=why,
        stays_declared=stays_declared,
    )


def effective(event: Override | Approval | Forget | Declaration, spec: JobSpec) -> datetime:
    """Return the instant from which a tick's end counts the event in."""
    at_once = isinstance(event, Forget) and not event.stays_declared
    grace = 0.0 if at_once else spec.policy.forecast_grace
    return event.at + timedelta(seconds=grace)
