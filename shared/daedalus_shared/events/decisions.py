"""What the planner decided at a tick, and all that it weighed."""

from typing import ClassVar

from pydantic import Field

from daedalus_shared.durations import Seconds
from daedalus_shared.events.base import (
    Finite,
    Instant,
    Rate,
    Records,
    ScaleOut,
    Share,
    TickEvent,
    Value,
)
from daedalus_shared.events.capacity import Basis

Word = r"^[a-z0-9_]+$"


class Promise(Value):
    """What is expected of a scale-out; the outcome and the recovery are held against it."""

    capacity: Rate | None = None
    """Records/s; null when unknown."""

    downtime: Seconds | None = None
    """Seconds without processing; 0 when nothing changes."""

    recovery: Seconds | None = None
    """Seconds from the rescale until the job has caught up; null when never within the forecast."""


class Cost(Value):
    """What a scale-out is expected to cost over the horizon, in worker-seconds."""

    workers: Finite
    """What the workers cost."""

    outage: Finite
    """What the rescales cost: their fixed price and the delay that each leaves."""

    lateness: Finite
    """What delay outside rescales costs, too slow a recovery included."""

    @property
    def total(self) -> float:
        """The sum."""
        return self.workers + self.outage + self.lateness


class LateRecords(Value):
    """A share of late records that is aimed at, and the price that is to bring it about."""

    target: Share
    """Part of the records that may be late."""

    share: Share | None = None
    """Part that was late so far, older ones forgotten; null before any were counted."""

    price: Seconds
    """Seconds of delay that a late record counts as beside its own."""


class Asked(Value):
    """A rescale that needs a person's word, and what was said to it so far."""

    decision: str
    """Id of the Decision that asked first; `daedalus approve` names it."""

    scale_out: ScaleOut
    """Workers that it would change to."""

    until: Instant
    """When its time is up: then the policy's `approval_lapse` says what becomes of it."""

    state: str = Field(default="awaiting", pattern=Word)
    """`awaiting`, `approved`, `rejected`, or `lapsed` when it goes ahead unanswered."""

    approval: str | None = None
    """Id of the Approval that was the last word; null without one."""

    promise: Promise | None = None
    """What is expected of it."""


class Candidate(Value):
    """A scale-out that was considered, and what spoke for or against it."""

    scale_out: ScaleOut
    """Workers."""

    capacity: Rate | None = None
    """Records/s; null when unknown."""

    basis: Basis | None = None
    """Where the capacity comes from."""

    recovery: Seconds | None = None
    """Seconds until caught up after a rescale to it; null when `never`, or not computed."""

    never: bool = False
    """Whether the forecast ends before the job has caught up."""

    forecast_max: Rate | None = None
    """The highest forecast that the verdict compared with, records/s; null when not computed."""

    cost: Cost | None = None
    """What it is expected to cost; null where a planner does not weigh costs."""

    verdict: str = Field(pattern=Word)
    """The rule that took or rejected it, a word."""

    why: str = ""
    """The verdict as a sentence with its figures."""


class Decision(TickEvent):
    """One a tick, also for `stay`."""

    NAME: ClassVar[str] = "decisions"

    planner: str
    """Name of the planner instance."""

    scale_out: ScaleOut | None = None
    """Workers now; null when unknown."""

    chosen: ScaleOut | None = None
    """Workers wanted; null when the present is unknown and nothing is wanted."""

    reason: str = Field(pattern=Word)
    """Why, an enum word such as `scale_up` or `settling`; also the metric label."""

    sentence: str
    """Why, in English, with the figures."""

    marks: tuple[str, ...] = ()
    """What the decision had to do without: `forecast_missing`, `analyzer_missing`, …"""

    limits: tuple[str, ...] = ()
    """What bounded the choice: `max`, `input_partitions`, `floor`, …"""

    candidates: tuple[Candidate, ...] = ()
    """All scale-outs considered, ascending; empty when none had to be."""

    inputs: tuple[str, ...] = ()
    """Ids of all events used: a replay that is fed just these decides the same, unless the spec
    asks for a courtesy that remembers; the decisions and updates that it rests on are then among
    them. Where it aims at a share of late records, `late` says what those so far come to."""

    workload: Rate | None = None
    """Mean workload of the loop, records/s; null when unknown."""

    forecast_max: Rate | None = None
    """Highest forecast within the horizon, records/s; null without a forecast."""

    lag: Records | None = None
    """Records waiting; null when unknown."""

    late: LateRecords | None = None
    """What lateness was weighed with; null where its price is fixed, or nothing was weighed."""

    promise: Promise | None = None
    """What is expected of the chosen scale-out; null when nothing changes."""

    asked: Asked | None = None
    """The rescale that needs a person's word; null where the spec requires none, or nothing is
    wanted."""

    command: str | None = None
    """Id of the ScaleCommand that follows; null when none does."""

    shadow: bool = False
    """Whether the spec names another planner, so that nothing follows."""

    dry_run: bool = False
    """Whether the job is in mode `advise`: commands are checked but not carried out."""

    @property
    def identity(self) -> str:
        """One decision of a planner and job in a tick."""
        return f"{self.planner}|{self.tick.isoformat()}"
