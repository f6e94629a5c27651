"""What people want: the compacted topic that the console alone writes."""

from enum import StrEnum
from typing import ClassVar, Self

from pydantic import Field, model_validator

from daedalus_shared.events.base import Event, Instant, ScaleOut
from daedalus_shared.job_spec import JobSpec


class ControlEvent(Event):
    """A wish about one job; a later one of the same key takes its place."""

    NAME: ClassVar[str] = "control"

    @property
    def key(self) -> str:
        """Job and kind."""
        return f"{self.job}/{self.KIND}"


class Declaration(ControlEvent):
    """A job's specification."""

    KIND: ClassVar[str] = "JobSpec"

    spec: JobSpec
    """The whole of it."""

    author: str = ""
    """Who declares it; empty where nobody said."""

    why: str = ""
    """For what reason."""

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        if self.spec.job != self.job:
            raise ValueError(f"job {self.job!r} declared with the spec of {self.spec.job!r}")
        return self


class OverrideKind(StrEnum):
    """What a person asks the planner for."""

    PAUSE = "pause"
    FLOOR = "floor"
    CEILING = "ceiling"
    PIN = "pin"


class Direction(StrEnum):
    """Which way of scaling an override concerns."""

    UP = "up"
    DOWN = "down"
    BOTH = "both"


class Override(ControlEvent):
    """A person's bound on the planner's choice, with an end."""

    KIND: ClassVar[str] = "Override"

    kind: OverrideKind
    """What is asked for."""

    direction: Direction = Direction.BOTH
    """For `pause`: which way not to scale. A `ceiling` with `up` is a group's quota, which stands
    beside a person's ceiling."""

    scale_out: ScaleOut | None = None
    """For `floor`, `ceiling` and `pin`: workers."""

    until: Instant
    """When it ends; an override is taken back by one that has ended already."""

    author: str = Field(min_length=1)
    """Who asks."""

    why: str = ""
    """For what reason, shown in each decision that it bounds."""

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if (self.kind is OverrideKind.PAUSE) != (self.scale_out is None):
            raise ValueError(
                f"{self.kind} with scale_out {self.scale_out}: a pause has none, others need one"
            )
        return self

    @property
    def key(self) -> str:
        """Job, kind and what of it, so that a floor does not replace a pause."""
        return f"{self.job}/{self.KIND}/{self.kind}-{self.direction}"

    @property
    def identity(self) -> str:
        """One override of a kind at an instant."""
        return f"{self.kind}-{self.direction}|{self.at.isoformat()}"


class Answer(StrEnum):
    """What a person says to a rescale that waits."""

    APPROVE = "approve"
    REJECT = "reject"


class Approval(ControlEvent):
    """A person's word on a rescale, where the spec requires one; a job's last word counts.

    An approval holds for every rescale from `from_scale_out` the same way that goes no further than
    `scale_out`; a rejection for each that goes as far or further. Either ends at `until`, and when
    the job was rescaled after it.
    """

    KIND: ClassVar[str] = "Approval"

    decision: str
    """Id of the Decision that asks for it, or of a later one that repeats it."""

    author: str = Field(min_length=1)
    """Whose word it is."""

    answer: Answer = Answer.APPROVE
    """Whether it may be carried out."""

    from_scale_out: ScaleOut | None = None
    """Workers that the decision would change; null: as the request says that `decision` made."""

    scale_out: ScaleOut | None = None
    """Workers that it would change them to; null: as the request says."""

    until: Instant | None = None
    """When the word ends; null: with the request."""

    why: str = ""
    """For what reason, shown in each decision that it shapes."""


class Forget(ControlEvent):
    """What was learned of a job is forgotten; unless it stays declared, the job is no more.

    Each service writes its tombstones then. With the job end the overrides and approvals said up to
    then. A job that stays declared is learned anew from the first tick on that ends the policy's
    grace after this event.
    """

    KIND: ClassVar[str] = "Forget"

    author: str = Field(min_length=1)
    """Who asks."""

    why: str = ""
    """For what reason."""

    stays_declared: bool = False
    """Whether the job goes on under its spec, with nothing learned."""
