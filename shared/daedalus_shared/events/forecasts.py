"""What the workload is expected to be. Any program may publish one; only the mean is required."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from daedalus_shared.durations import BRIEFEST, LONGEST
from daedalus_shared.events.base import Rate, Ratio, Share, TickEvent, Value

_Ahead = Annotated[float, Field(ge=BRIEFEST, le=LONGEST, allow_inf_nan=False)]

Path = Annotated[tuple[Rate, ...], Field(min_length=1, max_length=2000)]
"""Records/s, one value a step; value i holds at `at` + (i + 1) · `step`."""


class HorizonError(Value):
    """How wrong this forecaster lately was, this far ahead."""

    horizon: _Ahead
    """Seconds ahead."""

    wape: Ratio
    """Σ|y - ŷ| / Σy over the scored forecasts, rolling."""

    coverage: Share | None = None
    """Share of the scored workloads that lay between the quantiles 0.1 and 0.9, rolling; 0.8 is
    right; null without quantiles."""


class Forecast(TickEvent):
    """The workload expected over the horizon, issued at the end of a tick (`at` = `tick`)."""

    NAME: ClassVar[str] = "forecasts"

    step: _Ahead
    """Seconds between two values."""

    horizon: _Ahead
    """Seconds that the forecast spans: step · number of values."""

    mean: Path
    """Expected workload, records/s."""

    quantiles: dict[str, Path] = Field(default_factory=dict)
    """Optional: `0.1`, `0.5`, `0.9` → records/s, each as long as `mean`."""

    paths: tuple[Path, ...] = Field(default=(), max_length=16)
    """Optional: equally likely sample paths, records/s, each as long as `mean`."""

    forecaster: str = Field(min_length=1)
    """Name of the forecaster, by which a spec's policy chooses it."""

    model: str = Field(min_length=1)
    """The model that made `mean`, such as `arima(2,1,1)` or `line`."""

    wape: Ratio | None = None
    """Error of the previous forecast on the data that has since arrived; null when unscored."""

    errors: tuple[HorizonError, ...] = ()
    """Rolling errors by horizon, ascending."""

    fallback: bool = False
    """Whether the model was not good enough, or not there, and a line serves instead."""

    why: str | None = None
    """Why the fallback serves."""

    @model_validator(mode="after")
    def _all_of_one_length(self) -> Self:
        for name, path in (*self.quantiles.items(), *enumerate(self.paths)):
            if len(path) != len(self.mean):
                raise ValueError(f"{name}: {len(path)} values, but mean has {len(self.mean)}")
        if abs(self.step * len(self.mean) - self.horizon) > 0.5 * self.step:
            raise ValueError(
                f"horizon {self.horizon} is not step {self.step} x {len(self.mean)} values"
            )
        return self

    @property
    def identity(self) -> str:
        """One forecast of a forecaster and job in a tick."""
        return f"{self.forecaster}|{self.tick.isoformat()}"
