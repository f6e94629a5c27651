"""The forecaster's own metrics, over all jobs; those of a job are read off its forecasts."""

from daedalus_forecaster.models import Trained
from daedalus_forecaster.state import ForecasterState
from daedalus_shared.telemetry import counter, histogram

_SHARES = (0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1.0)

FORECASTS = counter(
    "daedalus_forecaster_forecasts_total",
    "Forecasts issued, by why the model or the line was taken.",
    ["reason"],
    by="forecaster",
)
WAPE = histogram(
    "daedalus_forecaster_wape_ratio",
    "Error of the previous forecast on the data since: the published one, and the model's.",
    ["of"],
    buckets=_SHARES,
    by="forecaster",
)
ERROR = histogram(
    "daedalus_forecaster_rolling_error_ratio",
    "Rolling error of the published forecasts, by seconds ahead.",
    ["horizon"],
    buckets=_SHARES,
    by="forecaster",
)
COVERAGE = histogram(
    "daedalus_forecaster_coverage_ratio",
    "Share of the workloads that lay between the quantiles 0.1 and 0.9, rolling, by seconds ahead.",
    ["horizon"],
    buckets=(0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0),
    by="forecaster",
)
TRAININGS = counter(
    "daedalus_forecaster_trainings_total", "Trainings that ended.", ["result"], by="forecaster"
)


def observe(state: ForecasterState) -> None:
    """Export what a tick told."""
    if state.reason is not None:
        FORECASTS.labels(state.reason).inc()
    if state.wape is not None:
        WAPE.labels("published").observe(state.wape)
    if state.serving is not None and state.serving.track.wape is not None:
        WAPE.labels("model").observe(state.serving.track.wape)
    for error in state.errors:
        ERROR.labels(f"{error.horizon:g}").observe(error.wape)
        if error.coverage is not None:
            COVERAGE.labels(f"{error.horizon:g}").observe(error.coverage)


def count(result: Trained) -> None:
    """Export how a training ended."""
    TRAININGS.labels("failed" if result.params is None else "trained").inc()
