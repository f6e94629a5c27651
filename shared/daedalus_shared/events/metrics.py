"""What the monitor saw of a job."""

from typing import ClassVar

from pydantic import Field

from daedalus_shared.durations import Seconds
from daedalus_shared.events.base import (
    Event,
    Instant,
    Rate,
    Records,
    ScaleOut,
    Share,
    Value,
    correlation,
)


class Worker(Value):
    """One worker of a job at one instant."""

    id: str
    """The engine's name of the worker, such as a TaskManager id."""

    cpu: Share | None = None
    """CPU used as a share of what the worker may use, in [0, 1]; null when unknown."""

    throughput: Rate | None = None
    """Records/s of the input topics that the worker processes; null when unknown."""

    since: Instant | None = None
    """When the worker began to work on this job; null when unknown."""


class Sample(Value):
    """One look at a job. A signal that could not be read is null, and `unknown` says why."""

    at: Instant
    """When the look was taken."""

    scale_out: ScaleOut | None = None
    """Workers that work on the job."""

    workload: Rate | None = None
    """Records/s that arrive in the input topics."""

    lag: Records | None = None
    """Records that arrived and are not consumed yet."""

    latency: Seconds | None = None
    """End-to-end latency, 95th percentile, in seconds."""

    uptime: Seconds | None = None
    """Seconds since the job last began to run."""

    workers: tuple[Worker, ...] = ()
    """The workers, in the order of their ids."""

    unknown: dict[str, str] = Field(default_factory=dict)
    """Signal → why it could not be read. A signal of one worker is named `worker.<id>.<signal>`."""


class JobMetrics(Event):
    """The samples of one report interval of a job."""

    NAME: ClassVar[str] = "metrics"

    samples: tuple[Sample, ...]
    """In the order of time; the newest is at `at` or before it."""

    input_partitions: int | None = Field(default=None, ge=1)
    """Partitions of the input topics: the widest topic counts; null when unknown."""

    max_parallelism: int | None = Field(default=None, ge=1)
    """The engine's own limit to the scale-out; null when unknown."""

    checkpoint_interval: Seconds | None = None
    """Seconds between checkpoints; null when unknown or without checkpoints."""

    tick: Instant | None = None
    """The end of the tick that this report closes; null when it closes none."""

    @property
    def correlation(self) -> str:
        """The tick that the report closes, else its own instant."""
        return correlation(self.job, self.tick or self.at)
