"""What the page and the API show of jobs: plain frozen values, made when they are asked for."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import computed_field

from daedalus_console.board import Health
from daedalus_shared.events import (
    Asked,
    CapacityPoint,
    Downtime,
    HorizonError,
    Override,
    Promise,
    Skew,
    Status,
    Value,
    Worker,
)


class State(StrEnum):
    """A job in a word; of several that hold, the first here."""

    SILENT = "silent"
    """No report came for two loops."""

    LATE = "late"
    """No report came for three intervals."""

    RESCALING = "rescaling"
    """A command waits for its outcome."""

    OVERLOADED = "overloaded"
    """More arrives than its workers can process."""

    PINNED = "pinned"
    """A person fixed the number of workers."""

    PAUSED = "paused"
    """A person paused scaling, in a direction at least."""

    ADVISED = "advised"
    """Another scale-out is advised, and nothing is done (`mode: advise`)."""

    STEADY = "steady"
    """Looked after, nothing to do."""


class Move(Value):
    """The next change of the scale-out that is expected."""

    at: datetime
    """When."""

    to: int | None
    """Workers then; null when more than the job may have would be needed."""

    kind: Literal["commanded", "advised", "expected"]
    """`commanded`: under way; `advised`: decided, not carried out; `expected`: what the console
    reads from forecast and capacity, promised by nobody."""

    why: str
    """As a sentence."""


class Savings(Value):
    """Worker-hours against as many workers as the spec allows, all the time."""

    since: datetime
    """From when on hours are counted: the begin of the day (UTC), or of what was read."""

    hours: float
    """Worker-hours used."""

    static: float
    """Worker-hours of `scale.max` workers in the same time, times without reports left out."""

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorated property
    @property
    def saved(self) -> float:
        """Worker-hours not used."""
        return self.static - self.hours


class DecisionLine(Value):
    """One decision, without what it weighed."""

    id: str
    tick: datetime
    planner: str
    scale_out: int | None
    """Workers then."""

    chosen: int | None
    """Workers wanted."""

    reason: str
    sentence: str
    marks: tuple[str, ...]
    limits: tuple[str, ...]
    command: str | None
    shadow: bool
    dry_run: bool


class RescaleLine(Value):
    """One command, what was promised of it, and what came of it; null for what is not known."""

    command: str
    tick: datetime
    before: int | None
    """Workers before."""

    after: int | None
    """Workers wanted."""

    reason: str | None
    """Of the decision, a word."""

    sentence: str | None
    """Of the decision."""

    decision: str | None
    """Its id."""

    dry_run: bool
    promise: Promise | None
    status: Status | None
    """The outcome known last; null while it is awaited."""

    why: str
    """What the outcome says beside."""

    started_at: datetime | None
    converged_at: datetime | None
    downtime: float | None
    """Seconds without processing, as measured."""

    recovery: float | None
    """Seconds until the job had caught up, as seen."""

    recovered: bool | None
    """Whether it caught up while it was watched; null while it is."""

    worst_lag: float | None
    """Most records waiting meanwhile."""


class JobRow(Value):
    """A job in the list; null is unknown."""

    job: str
    engine: str | None
    """`flink`, `kafka-streams`; null when the job is not declared."""

    mode: Literal["act", "advise"] | None
    declared: bool
    state: State
    health: Health
    seen: datetime | None
    """When the newest report was made."""

    scale_out: int | None
    wanted: int | None
    """Workers that the newest decision chose."""

    scale_min: int | None
    scale_max: int | None
    workload: float | None
    """Records/s that arrive."""

    throughput: float | None
    """Records/s that the workers process."""

    capacity: float | None
    """Records/s that the workers can process."""

    load: float | None
    """Workload as a share of the capacity; above 1 the job falls behind."""

    lag: float | None
    """Records that wait."""

    latency: float | None
    """95th percentile, seconds."""

    move: Move | None
    today: Savings | None
    unknown: dict[str, str]
    """Signal → why it is unknown."""

    overrides: tuple[Override, ...]
    """Those that have not ended."""

    asked: Asked | None
    """The rescale that waits for a person's word; null where none does."""

    decision: DecisionLine | None
    """The newest of the planner that is obeyed."""

    revision: int
    """Rises with each change of the job."""


class Series(Value):
    """Columns over time; older rows stand for ever longer times."""

    at: tuple[datetime, ...]
    values: dict[str, tuple[float | None, ...]]
    """Column → a value each instant, null for unknown."""


class Step(Value):
    """A value that holds from an instant on; null for unknown."""

    at: datetime
    value: float | None


class Expected(Value):
    """The newest forecast of the forecaster that is obeyed."""

    id: str
    issued: datetime
    forecaster: str
    model: str
    fallback: bool
    why: str | None
    """Why the fallback serves."""

    at: tuple[datetime, ...]
    mean: tuple[float, ...]
    """Records/s."""

    quantiles: dict[str, tuple[float, ...]]
    """Such as `0.1` and `0.9` → records/s."""

    wape: float | None
    """Error of the forecast before, on what has since come."""

    errors: tuple[HorizonError, ...]
    """Rolling errors by how far ahead."""


class CapacityCurve(Value):
    """What each scale-out can process, as learned."""

    tick: datetime
    scale_out: int | None
    capacity: float | None
    """Of the present workers, records/s."""

    error: float | None
    """Its standard error, records/s."""

    points: tuple[CapacityPoint, ...]
    """Per scale-out: capacity, standard error, and whether observed, fitted or estimated."""

    downtime_up: Downtime
    downtime_down: Downtime
    report: str | None
    """The skew and what one more worker brings, as a sentence."""

    why_unknown: str | None
    caution: str | None


class JobView(Value):
    """All that is shown of one job."""

    row: JobRow
    metrics: Series
    """`workload`, `throughput`, `lag`, `latency`, and of the workers `cpu_mean`, `cpu_hottest`."""

    forecasts: Series
    """Past ones to hold against what came: `expected`, `low` and `high` (quantiles 0.1 and 0.9) at
    the instants that they were for, forecast half a horizon before."""

    expected: Expected | None
    scale_out: tuple[Step, ...]
    """Workers as seen."""

    recommended: tuple[Step, ...]
    """Workers as chosen, decision by decision."""

    capacity: tuple[Step, ...]
    """Records/s of the present workers, tick by tick."""

    errors: tuple[Step, ...]
    """Of each forecast, the error (WAPE) of the one before on what had come since."""

    curve: CapacityCurve | None
    workers: tuple[Worker, ...]
    """The workers as last seen."""

    skew: Skew | None
    """Which of them is the hottest, and what it costs."""

    decisions: tuple[DecisionLine, ...]
    """Newest first, those of shadows left out."""

    rescales: tuple[RescaleLine, ...]
    """Newest first."""

    lost: RescaleLine | None
    """The newest command, or the one before, of which nothing came in time; null where none is."""

    asked: tuple[Override, ...]
    """What people asked for, newest first, also when it has ended."""

    hours: Savings | None
    """Worker-hours of all the time that was read."""


class KafkaState(Value):
    """Whether Kafka answers."""

    connected: bool
    since: datetime
    """Since when it is so."""

    why: str
    """Why it is away; empty when it is not."""


class Standing(Value):
    """How the reader itself is."""

    kafka: KafkaState
    reading: bool
    """Whether the past is still being read in."""

    jobs: int
    """Jobs that are known."""

    unreadable: int
    """Records that are no event."""

    unreadable_last: str | None
    """Where the last of them lies, and why it is none."""

    dead_letters: int
    """Messages that services could not read."""

    revision: int
    """Rises with each change of anything."""
