"""How a job is scaled: every number of the method, with its default, its unit and its source."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, Self

from pydantic import Field, model_validator

from daedalus_shared.courtesies import Courtesies
from daedalus_shared.durations import Seconds
from daedalus_shared.section import DURATION, Part, PositiveSeconds, Section, divided

LEAST_LOOKS = 3
"""Looks at a job in a loop from which on its capacity can be measured."""


class Prices(Section):
    """What `horizon` weighs against workers, in worker-seconds (docs/method.md, Price of a run)."""

    dial: Literal["thrift", "balanced", "steady"] = "balanced"
    """Sets all prices that are not set by themselves."""

    rescale: Seconds | None = Field(default=None, json_schema_extra=DURATION)
    """Worker-seconds that a rescale costs beside its outage; null for the dial's."""

    delay: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Worker-seconds that a second of delay costs, for the records of one second; null for the
    dial's."""

    late: Seconds | None = Field(default=None, json_schema_extra=DURATION)
    """Seconds of delay that each late record counts as beside its own, at first where a share of
    them is aimed at; null for the dial's."""

    late_share: Part | None = None
    """Share of late records that is aimed at: what a late one counts as rises while more are late
    and falls while fewer are. Null for the dial's, or for none where `late` is set by itself."""

    tolerated: Seconds = 1.0
    """Seconds of delay that cost nothing; a record that waits longer is late."""

    @model_validator(mode="after")
    def _has_a_price_to_begin_with(self) -> Self:
        if self.late_share is not None and self.each.late == 0:
            raise ValueError(f"late_share {self.late_share:g} needs a price to begin with in late")
        return self

    @property
    def each(self) -> "Price":
        """Every price: those set by themselves, the rest as the dial has them."""
        dial = DIALS[self.dial]
        share = dial.late_share if self.late is None else None
        return Price(
            rescale=dial.rescale if self.rescale is None else self.rescale,
            delay=dial.delay if self.delay is None else self.delay,
            late=dial.late if self.late is None else self.late,
            tolerated=self.tolerated,
            late_share=share if self.late_share is None else self.late_share,
        )

    def compressed(self, factor: float) -> "Prices":
        """Return the prices of a job whose workload is played `factor` times as fast.

        A delay that is divided with all other durations weighs as much as before.
        """
        each = self.each
        return Prices(
            dial=self.dial,
            rescale=each.rescale / factor,
            delay=each.delay * factor,
            late=each.late / factor,
            tolerated=each.tolerated / factor,
            late_share=each.late_share,
        )


class Price(NamedTuple):
    """The price of everything but workers."""

    rescale: float
    """Worker-seconds of a rescale, beside its outage."""

    delay: float
    """Worker-seconds of a second of delay, for the records of one second."""

    late: float
    """Seconds of delay that a late record counts as beside its own."""

    tolerated: float
    """Seconds of delay that cost nothing."""

    late_share: float | None = None
    """Share of late records that is aimed at; None where `late` is fixed."""


DIALS: Mapping[str, Price] = MappingProxyType(
    {
        "thrift": Price(rescale=300.0, delay=0.05, late=0.0, tolerated=1.0),
        "balanced": Price(rescale=300.0, delay=0.2, late=0.0, tolerated=1.0),
        "steady": Price(rescale=300.0, delay=0.2, late=80.0, tolerated=1.0, late_share=0.035),
    }
)
"""What the dial sets.

`balanced` is J, the price of a run (docs/method.md). `thrift` lets records wait four times as long
for a worker saved. `steady` holds the p95 of latency at a second. At first it counts each late
record as 80 s more of delay, which moves rescales to hours of low load; the figure comes from an
independent experiment. It aims at 3.5 % of late records rather than 5: within hours a job ends
somewhat beside its aim.
"""


class Policy(Section):
    """How the job is scaled. Constants marked R are those of the paper's reference code."""

    mode: Literal["act", "advise"] = "advise"
    """`advise` decides and checks, but changes nothing."""

    planner: str = "horizon"
    """The planner instance that is obeyed; others are shadows."""

    forecaster: str = "daedalus"
    """The forecaster whose forecasts are planned with."""

    loop: PositiveSeconds = 60.0
    """Seconds between decisions (R)."""

    sample: PositiveSeconds = 5.0
    """Seconds between two looks at the job."""

    report: PositiveSeconds = 15.0
    """Seconds between two metrics events."""

    forecast_grace: PositiveSeconds = 30.0
    """Seconds after a tick's end that a decision waits for what is missing; also how long before a
    tick's end an outcome or a control event must lie to count in it."""

    horizon: PositiveSeconds = 2400.0
    """Seconds that a forecast spans and that `horizon` plans over."""

    rules_horizon: PositiveSeconds = 900.0
    """Seconds of a forecast that `rules` reads at most (R)."""

    forecast_step: PositiveSeconds = 60.0
    """Seconds between two values of an ensemble's forecast."""

    model: Literal["ensemble", "arima"] = "ensemble"
    """How the forecaster forecasts: `arima` is the reference's, with the line as its fallback."""

    prices: Prices = Prices()
    """What `horizon` weighs against workers."""

    courtesies: Courtesies = Courtesies()
    """What a rescale must respect beside the plan."""

    approval: Literal["none", "required"] = "none"
    """`required` holds each rescale that the planner wants until a person approves it (`daedalus
    approve`). What people ask for themselves (pin, floor, ceiling) needs no other word, nor does
    what brings the job into its bounds."""

    approval_time: PositiveSeconds = 900.0
    """Seconds that a rescale waits for its approval, and that an approval or a rejection holds."""

    approval_lapse: Literal["drop", "act"] = "drop"
    """What becomes of a rescale whose time is up without a word: `drop` asks anew, `act` carries
    it out."""

    approval_spares: Literal["nothing", "overload"] = "nothing"
    """What needs no approval: `overload` is a scale-up without which the backlog would last longer
    than `recovery_target`."""

    recovery_target: PositiveSeconds = 600.0
    """Seconds within which the job must have caught up after a rescale (R)."""

    settle: Seconds = 180.0
    """Seconds after a rescale without any decision to change (R, rule 1)."""

    quiet: Seconds = 600.0
    """Seconds after a rescale in which a job that keeps up is left alone (R, rule 2)."""

    near: PositiveSeconds = 60.0
    """Seconds of forecast that rule 2 looks at (R)."""

    warm_up: Seconds = 120.0
    """Seconds after a rescale whose samples are not learned from (R)."""

    downtime_up: Seconds = 30.0
    """Downtime expected of a scale-up before any was measured (R)."""

    downtime_down: Seconds = 15.0
    """Downtime expected of a scale-down before any was measured (R)."""

    checkpoint_interval: Seconds = 10.0
    """Seconds of records that a rescale replays where the engine does not say (R)."""

    half_life: PositiveSeconds = 7200.0
    """Seconds after which a sample counts half in the capacity regression."""

    cpu_spread: Part = 0.02
    """Read no more, since capacities carry a standard error; kept so that older specs decode."""

    least_samples: int = Field(default=12, ge=3)
    """Fewest normal points of arrivals against throughput from which a recovery is judged."""

    wape_gate: Part = 0.25
    """A forecast whose predecessor's error is below this is used; else the line serves (R)."""

    wape_poor: Part = 0.10
    """An error from here on counts as poor (R)."""

    poor_in_a_row: int = Field(default=15, ge=1)
    """So many poor forecasts in a row cause retraining (R)."""

    fallback_horizon: PositiveSeconds = 600.0
    """Seconds that the fallback line is extrapolated; then it holds (R)."""

    training_window: PositiveSeconds = 7200.0
    """Seconds of history that a model is trained on, and that are kept."""

    least_history: PositiveSeconds = 900.0
    """Seconds of history before a first model is trained; the line serves until then."""

    command_expiry_loops: float = Field(default=2.0, gt=0)
    """Loops after a tick's end from which on its command is void."""

    recovery_watch: PositiveSeconds = 1800.0
    """Seconds after a rescale that a recovery is waited for; also the window of the anomaly's
    mean and deviation (R)."""

    anomaly_gap: Seconds = 30.0
    """Normal seconds within an anomaly that do not end it (R)."""

    converge_within: PositiveSeconds = 120.0
    """Seconds that the executor waits for a new scale-out to run."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.sample > self.report:
            raise ValueError(f"sample {self.sample:g}s is above report {self.report:g}s")
        if self.report > self.loop:
            raise ValueError(f"report {self.report:g}s is above loop {self.loop:g}s")
        if round(self.loop / self.sample, 3) < LEAST_LOOKS:
            raise ValueError(
                f"sample {self.sample:g}s leaves fewer than {LEAST_LOOKS} looks in a loop of "
                f"{self.loop:g}s: no capacity can be measured by so few"
            )
        return self

    def aligned(self, sample: float) -> Self:
        """Return the policy with looks `sample` seconds apart, and reports and ticks among them.

        Each report is a whole number of looks and each loop a whole number of reports, to the
        millisecond: else the report that closes a tick may have nothing to say of its end.
        """
        look = max(1, round(sample * 1000))
        report = look * max(1, round(self.report * 1000 / look))
        loop = report * max(1, round(self.loop * 1000 / report))
        changed = {"sample": look / 1000, "report": report / 1000, "loop": loop / 1000}
        return self.model_copy(update=changed)

    def compressed(self, factor: float) -> Self:
        """Return the policy for a job whose workload is played `factor` times as fast.

        Every duration is divided alike; counts and shares stay, and so do windows of the calendar.
        """
        prices = self.prices.compressed(factor)
        return divided(self, factor).model_copy(update={"prices": prices})
