"""A rescale from command to recovery."""

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from daedalus_shared.durations import Seconds
from daedalus_shared.events.base import Instant, Records, ScaleOut, TickEvent
from daedalus_shared.events.decisions import Promise


class ScaleCommand(TickEvent):
    """Set the scale-out of a job; void after `expires_at`, and when the job changed meanwhile."""

    NAME: ClassVar[str] = "scale-commands"

    from_scale_out: ScaleOut
    """Workers that the decision assumed."""

    to_scale_out: ScaleOut
    """Workers wanted."""

    expected_generation: int | None = Field(default=None, ge=0)
    """Changes, applied and foreign, that the executor had reported at the decision; null: any."""

    expires_at: Instant
    """Not carried out after this instant (wall clock)."""

    decision: str
    """Id of the Decision."""

    promise: Promise
    """What is expected of the new scale-out."""

    dry_run: bool = False
    """Go through every check, change nothing."""


class Status(StrEnum):
    """What became of a command."""

    APPLIED = "applied"
    WOULD_APPLY = "would_apply"
    ALREADY_THERE = "already_there"
    REFUSED = "refused"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    FAILED = "failed"
    DID_NOT_CONVERGE = "did_not_converge"
    REVERTED = "reverted"


class ScaleOutcome(TickEvent):
    """What became of one command. `at` is when the outcome was known."""

    NAME: ClassVar[str] = "scale-outcomes"

    command: str
    """Id of the ScaleCommand."""

    from_scale_out: ScaleOut | None = None
    """Workers found before; null when unknown."""

    to_scale_out: ScaleOut
    """Workers that the command wanted."""

    scale_out: ScaleOut | None = None
    """Workers found after; null when unknown."""

    generation: int = Field(ge=0)
    """Applied and foreign changes that the executor has seen, this one included."""

    status: Status
    """What became of it."""

    why: str = ""
    """The reason as a sentence; empty when applied as wanted."""

    downtime: Seconds | None = None
    """Seconds without processing, sampled each 0.5 s by the executor; null when not measured."""

    started_at: Instant | None = None
    """When the first change was made; null when none was."""

    converged_at: Instant | None = None
    """When the scale-out wanted was seen to run; null when it was not."""

    promise: Promise | None = None
    """The command's promise."""

    dry_run: bool = False
    """Whether the command was a dry run."""

    @property
    def identity(self) -> str:
        """One outcome of a status for a command."""
        return f"{self.command}|{self.status}"


class Recovery(TickEvent):
    """How a rescale went until the job had caught up, beside what was promised."""

    NAME: ClassVar[str] = "recoveries"

    command: str
    """Id of the ScaleCommand."""

    from_scale_out: ScaleOut | None = None
    """Workers before."""

    to_scale_out: ScaleOut
    """Workers after."""

    recovery: Seconds | None = None
    """Seconds from the rescale's start until the job had caught up; null: not within the watch."""

    downtime: Seconds | None = None
    """The executor's measured downtime, seconds; null when not measured."""

    worst_lag: Records | None = None
    """Most records waiting meanwhile; null when unknown."""

    promise: Promise | None = None
    """What was expected."""

    @property
    def identity(self) -> str:
        """One recovery for a command."""
        return self.command
