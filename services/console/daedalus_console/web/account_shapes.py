"""Accounts as the API gives them; `daedalus … --json` prints the same fields."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from daedalus_console.web.shapes import Wanted, Why
from daedalus_shared.events import Declaration, Forget, Value

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"\S")]


class Kept(Value):
    """Promises of one kind, beside what came."""

    count: int
    never_seen: int
    """Of them, what was promised and not seen while it was watched."""

    median_seen_over_promised: float | None
    """1 is right; null without any."""

    median_error: float | None
    """Median of |seen - promised| / promised."""

    kept: float | None
    """Part of the promises than which nothing worse came: no longer time, no less capacity."""


class Band(Value):
    """Workloads against the forecasts' band of eight in ten, five loops ahead."""

    count: int
    coverage: float | None
    """Part within the band: 0.8 is right."""

    above: float | None
    """Part above it."""


class Period(Value):
    """What was promised for some time, and what came."""

    start: datetime
    end: datetime
    rescales: int
    downtime: Kept
    recovery: Kept
    capacity: Kept
    band: Band


class Calibration(Value):
    """A job's promises beside what came."""

    job: str
    total: Period
    periods: tuple[Period, ...]


class Line(Value):
    """A course of scale-outs, played on the workload that came; "as it ran" is counted."""

    name: str
    obeyed: bool
    seconds: float
    """Time that is known of it: its worker-hours are those of this time. All but "as it ran" need
    workload and capacities as well."""

    worker_hours: float
    mean_workers: float | None
    late_share: float | None
    """Part of the records that waited longer than the policy tolerates; modelled for all lines."""

    rescales: int
    price: float | None
    """Workers, rescales and lateness by the job's own prices, in workers."""

    price_of_what_ran: float | None
    """Over the same time."""

    worker_hours_that_ran: float
    """Over the same time."""

    ratio: float | None
    """Price as a part of the price of what ran."""

    agreement: float | None
    """Part of the ticks at which it wanted what the obeyed planner wanted."""


class Score(Value):
    """What forecasts so far ahead came to."""

    scored: int
    wape: float | None
    """Σ|error| / Σ workload."""

    wape_of_the_one_in_use: float | None
    """Over the loops that both forecast."""

    bias: float | None
    coverage: float | None
    """Part of the workloads within the band: 0.8 is right."""

    above: float | None
    fallback: float | None
    """Part of the forecasts that were a fallback."""


class Forecaster(Value):
    """A forecaster, in use or a shadow."""

    name: str
    in_use: bool
    model: str | None
    distances: dict[str, Score]
    """Seconds ahead → score."""


class Told(Value):
    """An account of one job."""

    job: str
    since: datetime
    until: datetime
    known_seconds: float
    unknown_seconds: float
    """Time that is left out of every line; a line may know less than the rest (`seconds`)."""


class Standings(Told):
    """The planners and forecasters of a job, each kind the best first."""

    planners: tuple[Line, ...]
    forecasters: tuple[Forecaster, ...]


class Cost(Told):
    """What a job cost, and what others would have; no line where nothing is known."""

    ended: datetime | None
    """When its declaration was ended: what comes after is neither known nor unknown."""

    lines: tuple[Line, ...]


class Bill(Value):
    """Worker-hours, and those that others would have taken."""

    worker_hours: float
    worker_hours_at_max: float
    """Of as many workers as allowed, over the same time."""

    worker_hours_of_hpa: float | None
    """Null where nothing is known of it."""

    against_hpa: float | None
    """What ran as a part of the HPA's, over the time in which both are known."""

    unknown_seconds: float
    """Time that is left out."""

    unknown_seconds_of_hpa: float
    """Time that is counted, and left out of the HPA's: workload or capacity is not known of it."""


class JobBill(Bill):
    """The bill of one job."""

    job: str
    ended: datetime | None
    """When its declaration was ended; null while there is one."""


class Costs(Value):
    """What all jobs cost."""

    since: datetime
    until: datetime
    jobs: tuple[JobBill, ...]
    """Those of which anything is known, by name."""

    total: Bill


class Account(Value):
    """All accounts of one job, as its page shows them."""

    calibration: Calibration
    standings: Standings
    cost: Cost
    planner: str
    """Whom the job's spec names."""

    forecaster: str
    """Whom the job's spec names."""


class ForgetWanted(Wanted):
    """What is to be forgotten of a job."""

    why: Why
    """For what reason."""

    learned: bool = Field(strict=True)
    """Whether it is what was learned alone, and the job goes on; else its declaration ends too."""


class PromoteWanted(Wanted):
    """Who is to be obeyed; one of the two, or both."""

    planner: Name | None = None
    forecaster: Name | None = None
    why: Why
    """For what reason."""

    force: bool = Field(default=False, strict=True)
    """Also when nothing was heard of it lately: nothing acts for the job until it runs."""


class WrittenForget(Value):
    """What was written."""

    event: Forget
    effective: datetime
    """The first tick that ends then or later counts it in; at once where the job has ended."""


class Changed(Value):
    """A field of the spec that has another value."""

    field: str
    before: str
    after: str


class WrittenPromotion(Value):
    """What was written."""

    event: Declaration | None
    """Null where they are obeyed already."""

    changes: tuple[Changed, ...]
    effective: datetime
    """The first tick that ends then or later counts it in."""
