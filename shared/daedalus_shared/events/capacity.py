"""What the analyzer knows of a job's capacity at the end of a tick."""

from enum import StrEnum
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


class Basis(StrEnum):
    """Where the capacity of a scale-out comes from."""

    OBSERVED = "observed"
    """The job ran at this scale-out."""

    FITTED = "fitted"
    """A sub-linear curve fitted to observed scale-outs."""

    ESTIMATED = "estimated"
    """The usual sub-linear curve through the one scale-out that was observed."""


class CapacityPoint(Value):
    """What one scale-out can process."""

    scale_out: ScaleOut
    """Workers."""

    capacity: Rate
    """Records/s of the input topics at full load."""

    basis: Basis
    """Where the figure comes from."""

    at: Instant | None = None
    """When it was last observed; null if never."""

    error: Rate | None = None
    """Standard error of `capacity`, records/s; null when unknown."""

    at_least: bool = False
    """Whether `capacity` is a lower bound only: so much was processed, without a sign of the
    limit."""


class Workload(Value):
    """The workload over the loop that the tick ends, with its least-squares line."""

    mean: Rate
    """Mean, records/s."""

    minimum: Rate
    """Lowest sample, records/s."""

    maximum: Rate
    """Highest sample, records/s."""

    level: Finite
    """The trend line's value at the tick's end, records/s; may be negative."""

    slope: Finite
    """The trend line's slope, records/s per second."""


class Skew(Value):
    """How unevenly the workers are loaded: the hottest saturates first."""

    hottest: str
    """Id of the worker with the highest mean CPU."""

    gap: Share
    """Mean CPU of the hottest minus the mean CPU of all workers."""

    capacity_without: Rate
    """Records/s that the job would process if all workers were equally loaded."""

    gain_of_one_more: Finite | None = None
    """Records/s that one more worker is expected to add; null when unknown."""


class Downtime(Value):
    """Seconds without processing that a rescale is expected to cost."""

    mean: Seconds
    """Expected downtime, seconds."""

    spread: Seconds
    """Standard deviation of the downtimes seen, seconds; 0 until two were seen."""

    seen: int = Field(ge=0)
    """How many recoveries this was learned from; 0 means the policy's prior."""


class CapacityUpdate(TickEvent):
    """The capacity of each scale-out and what the planner needs to know of the tick."""

    NAME: ClassVar[str] = "capacity-updates"

    loop: int = Field(ge=1)
    """How many ticks of this job the analyzer has analysed, this one included."""

    scale_out: ScaleOut | None = None
    """Workers at the tick's end; null when unknown."""

    capacity: Rate | None = None
    """Records/s that the job can process now, skew included, workers without work left out: by all
    readings so far (`why_unknown` says why none came in this loop); null when unknown."""

    capacity_error: Rate | None = None
    """Standard error of `capacity`, records/s; null when unknown or only a lower bound."""

    fit: Share | None = None
    """R² of CPU on throughput within scale-outs; null when unknown."""

    caution: str | None = None
    """What lessens the trust in `capacity`, such as a poor fit; null when nothing does."""

    table: tuple[CapacityPoint, ...] = ()
    """Capacity per scale-out, ascending, for all scale-outs from the spec's min to its max."""

    workload: Workload | None = None
    """The workload of the loop; null when no sample knew it."""

    skew: Skew | None = None
    """Null with one worker or when unknown."""

    lag: Records | None = None
    """Records waiting at the tick's end; null when unknown."""

    uptime: Seconds | None = None
    """Seconds the job has been running at the tick's end; null when unknown."""

    scale_out_since: Instant | None = None
    """Since when the current scale-out has been seen; null when no change was seen."""

    checkpoint_interval: Seconds | None = None
    """Seconds between checkpoints; null when unknown."""

    input_partitions: int | None = Field(default=None, ge=1)
    """More workers than this never help; null when unknown."""

    max_parallelism: int | None = Field(default=None, ge=1)
    """The engine's own limit; null when unknown."""

    downtime_up: Downtime
    """Expected of a rescale to more or equally many workers."""

    downtime_down: Downtime
    """Expected of a rescale to fewer workers."""

    warm_up: Downtime | None = None
    """Seconds after a scale-up's downtime until the new workers work; null when unknown."""

    warming: int = Field(default=0, ge=0)
    """Workers at the tick's end that have no work yet: no capacity so far."""

    report: str | None = None
    """The skew and what one more worker brings as one sentence; null when unknown."""

    why_unknown: str | None = None
    """Why `capacity` was not measured in this loop; null when it was."""
