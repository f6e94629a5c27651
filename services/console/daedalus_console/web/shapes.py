"""What the API takes and gives beside the read model's own views."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from daedalus_console.live.views import (
    CapacityCurve,
    DecisionLine,
    Expected,
    JobRow,
    RescaleLine,
    Savings,
    Series,
    Step,
)
from daedalus_console.overrides import MOST_WORKERS
from daedalus_shared.events import (
    Approval,
    CapacityUpdate,
    Decision,
    Direction,
    Forecast,
    Override,
    Skew,
    Value,
    Worker,
)

Why = Annotated[str, Field(min_length=1, max_length=300, pattern=r"\S")]
Until = Annotated[str, Field(min_length=1, max_length=40, examples=["30m", "2026-01-31T18:30:00Z"])]


class Wanted(BaseModel):
    """The body of a request that writes; an unknown field is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class PauseWanted(Wanted):
    """A pause of scaling."""

    until: Until
    """When it ends: a duration from now (`30m`), a time of day, or ISO 8601."""

    why: Why
    """For what reason; decisions repeat it."""

    direction: Direction = Direction.BOTH
    """Which way not to scale."""


class BoundWanted(Wanted):
    """A floor, a ceiling or a pin."""

    workers: int = Field(ge=0, le=MOST_WORKERS, strict=True)
    """So many workers."""

    until: Until
    """When it ends: a duration from now (`30m`), a time of day, or ISO 8601."""

    why: Why
    """For what reason; decisions repeat it."""


class AnswerWanted(Wanted):
    """A word on the rescale that waits for one."""

    why: Why
    """For what reason; decisions repeat it."""

    decision: str | None = Field(default=None, pattern=r"^[0-9a-f-]{6,64}$")
    """Id, or its beginning, of the decision that is meant; null for the one that waits now."""

    until: Until | None = None
    """When the word ends; null for the policy's `approval_time` from now on."""


class ResumeWanted(Wanted):
    """The end of pauses."""

    why: Why
    """For what reason; the record keeps it."""

    direction: Direction | None = None
    """Of this direction alone; null for all."""


class JobPage(Value):
    """Some of the jobs, by name."""

    items: tuple[JobRow, ...]
    total: int
    """Jobs that the filter lets through, on all pages."""

    next: str | None
    """What `after` is for the next page; null on the last."""


class JobDetail(Value):
    """One job right now."""

    row: JobRow
    expected: Expected | None
    """The newest forecast."""

    curve: CapacityCurve | None
    workers: tuple[Worker, ...]
    skew: Skew | None
    hours: Savings | None
    """Worker-hours of all the time that was read."""


class JobSeries(Value):
    """One job over time; older rows stand for ever longer times."""

    metrics: Series
    """`workload`, `throughput`, `lag`, `latency`, `cpu_mean`, `cpu_hottest`."""

    forecasts: Series
    """`expected`, `low`, `high` at the instants that they were for."""

    scale_out: tuple[Step, ...]
    recommended: tuple[Step, ...]
    capacity: tuple[Step, ...]
    errors: tuple[Step, ...]
    """Of each forecast, the error (WAPE) of the one before."""


class DecisionPage(Value):
    """Some of a job's decisions, newest first."""

    items: tuple[DecisionLine, ...]
    next: str | None
    """What `before` is for the next page; null on the last."""


class RescalePage(Value):
    """Some of a job's rescales, newest first."""

    items: tuple[RescaleLine, ...]
    next: str | None
    """What `before` is for the next page; null on the last."""


class DecisionStory(Value):
    """One decision whole, what it was made from, and what came of it."""

    decision: Decision
    capacity: CapacityUpdate | None
    forecast: Forecast | None
    rescale: RescaleLine | None
    complete: bool
    """Whether inputs and outcome were looked for on the topics: false while Kafka is away,
    and while as many read them as may."""


class Overrides(Value):
    """What people ask of a job; its `ETag` is for `If-Match`."""

    in_force: tuple[Override, ...]
    """Those that have not ended, whether they count yet or not."""

    asked: tuple[Override, ...]
    """All that is remembered, newest first; one that ends when it begins takes another back."""


class WrittenAnswer(Value):
    """The word that was written."""

    event: Approval
    effective: datetime
    """The first tick that ends then or later counts it in."""


class WrittenOverrides(Value):
    """What was written."""

    events: tuple[Override, ...]
    """None when there was nothing to take back."""

    effective: datetime
    """The first tick that ends then or later counts it in."""
