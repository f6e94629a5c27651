"""What Prometheus is told of each job: gauges that are read off the events about it.

Pure: an event gives samples. `telemetry` keeps the newest of each job and exports them. Whoever
publishes an event exports what it says, so that a stand-in (the simulator for monitor and executor,
a forecaster in another one's place) has the same series without a line of its own.

What is not known is no sample: a zero would be a claim.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import fsum
from statistics import fmean

from daedalus_shared.events import (
    CapacityUpdate,
    Decision,
    Declaration,
    Event,
    Forecast,
    JobMetrics,
    Recovery,
    ScaleOutcome,
)
from daedalus_shared.events.base import Instant


@dataclass(frozen=True, slots=True)
class Gauge:
    """A gauge with one value a job, or one a job and value of `labels`."""

    name: str
    meaning: str
    event: type[Event]
    """The event that tells it: whoever publishes that exports it."""

    labels: tuple[str, ...] = ()
    """Beside `job_name`."""


JOB = "job_name"
"""The label that names a job. Prometheus itself calls what it scrapes `job`; a label of that name
would be stored as `exported_job`, or hide Prometheus' own. Flink's reporter says `job_name` too."""

WORKLOAD = Gauge(
    "daedalus_job_workload_records_per_second",
    "Records/s that arrive in the input topics, at the newest look.",
    JobMetrics,
)
THROUGHPUT = Gauge(
    "daedalus_job_throughput_records_per_second",
    "Records/s of the input topics that the workers process together, at the newest look.",
    JobMetrics,
)
LAG = Gauge(
    "daedalus_job_lag_records",
    "Records that arrived and are not consumed yet, at the newest look.",
    JobMetrics,
)
LATENCY = Gauge(
    "daedalus_job_latency_seconds",
    "End-to-end latency, 95th percentile, at the newest look.",
    JobMetrics,
)
SCALE_OUT = Gauge(
    "daedalus_job_scale_out_workers",
    "Workers that work on the job, at the newest look: the scale-out applied.",
    JobMetrics,
)
CPU = Gauge(
    "daedalus_job_cpu_ratio",
    "Mean CPU that the workers use of what they may use, 0 to 1, at the newest look.",
    JobMetrics,
)
UNKNOWN = Gauge(
    "daedalus_job_unknown_readings",
    "Readings of a signal that the newest look could not make: for a signal of the workers, of how "
    "many of them. Absent where nothing is unknown; the metrics event says why it is.",
    JobMetrics,
    ("signal",),
)
CAPACITY = Gauge(
    "daedalus_job_capacity_records_per_second",
    "Records/s that the job can process at its present scale-out.",
    CapacityUpdate,
)
CAPACITY_ERROR = Gauge(
    "daedalus_job_capacity_error_records_per_second",
    "Standard error of the capacity, records/s.",
    CapacityUpdate,
)
EXPECTED_DOWNTIME = Gauge(
    "daedalus_job_expected_downtime_seconds",
    "Seconds without processing that a rescale in a direction is expected to cost.",
    CapacityUpdate,
    ("direction",),
)
FORECAST = Gauge(
    "daedalus_job_forecast_records_per_second",
    "Workload expected, records/s: one step ahead (`next`) and at the horizon (`end`).",
    Forecast,
    ("forecaster", "ahead"),
)
FORECAST_QUANTILE = Gauge(
    "daedalus_job_forecast_quantile_records_per_second",
    "Quantile 0.1, 0.5 or 0.9 of the workload expected, records/s, as far ahead.",
    Forecast,
    ("forecaster", "ahead", "quantile"),
)
FORECAST_HORIZON = Gauge(
    "daedalus_job_forecast_horizon_seconds",
    "How far ahead the forecast looks.",
    Forecast,
    ("forecaster",),
)
FORECAST_ERROR = Gauge(
    "daedalus_job_forecast_error_ratio",
    "Rolling error (WAPE) of the forecasts, by seconds ahead.",
    Forecast,
    ("forecaster", "horizon"),
)
FORECAST_COVERAGE = Gauge(
    "daedalus_job_forecast_coverage_ratio",
    "Share of the workloads that lay between the quantiles 0.1 and 0.9, rolling, by seconds ahead; "
    "0.8 is right.",
    Forecast,
    ("forecaster", "horizon"),
)
FORECAST_FALLBACK = Gauge(
    "daedalus_job_forecast_fallback",
    "1 where a line serves in the model's place, else 0.",
    Forecast,
    ("forecaster",),
)
RECOMMENDED = Gauge(
    "daedalus_job_scale_out_recommended_workers",
    "Workers that the newest decision wants.",
    Decision,
    ("planner",),
)
HIGHEST = Gauge(
    "daedalus_job_forecast_highest_records_per_second",
    "Highest workload within the horizon that the newest decision reckoned with, records/s.",
    Decision,
    ("planner",),
)
DECISION = Gauge(
    "daedalus_job_decision_info",
    "Always 1: why the newest decision is what it is, whether it is a shadow's, and whether the "
    "job is in mode `advise`.",
    Decision,
    ("planner", "reason", "shadow", "dry_run"),
)
DECIDED = Gauge(
    "daedalus_job_last_decision_timestamp_seconds",
    "Unix time of the tick that was decided last.",
    Decision,
    ("planner",),
)
COMMANDED = Gauge(
    "daedalus_job_last_command_timestamp_seconds",
    "Unix time of the tick whose decision led to the last command, with its reason.",
    Decision,
    ("planner", "reason", "direction"),
)
ENDED = Gauge(
    "daedalus_job_last_outcome_timestamp_seconds",
    "Unix time at which the last command came to its end, with what became of it.",
    ScaleOutcome,
    ("status", "direction"),
)
GENERATION = Gauge(
    "daedalus_job_generation",
    "Changes of the scale-out, applied and foreign, that the executor has seen.",
    ScaleOutcome,
)
DOWNTIME = Gauge(
    "daedalus_job_downtime_seconds",
    "Seconds without processing that the last command cost, as the executor measured them.",
    ScaleOutcome,
)
PROMISED_DOWNTIME = Gauge(
    "daedalus_job_promised_downtime_seconds",
    "What the decision had expected of that.",
    ScaleOutcome,
)
RECOVERED = Gauge(
    "daedalus_job_last_recovery_timestamp_seconds",
    "Unix time at which it was known how the last rescale went.",
    Recovery,
)
RECOVERY = Gauge(
    "daedalus_job_recovery_seconds",
    "From the last rescale until the job had caught up; absent where it did not within the watch.",
    Recovery,
)
PROMISED_RECOVERY = Gauge(
    "daedalus_job_promised_recovery_seconds",
    "What the decision had expected of that.",
    Recovery,
)
TARGET = Gauge(
    "daedalus_job_recovery_target_seconds",
    "Seconds within which the job must have caught up after a rescale, by its job file.",
    Declaration,
)
LOOP = Gauge(
    "daedalus_job_loop_seconds",
    "Seconds between decisions, by the job file.",
    Declaration,
)
BOUND = Gauge(
    "daedalus_job_scale_out_bound_workers",
    "Fewest (`min`) and most (`max`) workers, by the job file.",
    Declaration,
    ("bound",),
)

GAUGES: tuple[Gauge, ...] = tuple(each for each in vars().values() if isinstance(each, Gauge))
"""All of them, in the order of the loop."""

_QUANTILES = ("0.1", "0.5", "0.9")
_HORIZONS = 8
"""Errors of a forecast that are exported: anybody may publish one, and each is a series."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One value."""

    gauge: Gauge
    value: float
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """Samples that take the place of the job's last ones of their group."""

    group: str
    samples: tuple[Sample, ...]
    lasting: bool = False
    """Whether they hold until replaced: what happened stays true. What is measured grows stale."""


def told(event: Event) -> Iterator[Told]:
    """Yield what an event tells of its job; nothing for one that tells nothing."""
    match event:
        case JobMetrics():
            # A report without a look is an outage of the monitor's own: the last look grows stale.
            if event.samples:
                yield Told("metrics", tuple(_metrics(event)))
        case CapacityUpdate():
            yield Told("capacity", tuple(_capacity(event)))
        case Forecast():
            yield Told("forecast", tuple(_forecast(event)))
        case Decision():
            yield from _decision(event)
        case ScaleOutcome():
            yield Told("outcome", tuple(_outcome(event)), lasting=True)
        case Recovery():
            yield Told("recovery", tuple(_recovery(event)), lasting=True)
        case Declaration():
            yield Told("declared", tuple(_declared(event)), lasting=True)


def _metrics(event: JobMetrics) -> Iterator[Sample]:
    look = event.samples[-1]
    yield from _known((WORKLOAD, look.workload), (LAG, look.lag), (LATENCY, look.latency))
    yield from _known((SCALE_OUT, look.scale_out))
    rates = [worker.throughput for worker in look.workers if worker.throughput is not None]
    if rates and len(rates) == len(look.workers):
        yield Sample(THROUGHPUT, fsum(rates))
    shares = [worker.cpu for worker in look.workers if worker.cpu is not None]
    if shares and len(shares) == len(look.workers):
        yield Sample(CPU, fmean(shares))
    readings: dict[str, int] = {}
    for name in look.unknown:
        signal = name.rpartition(".")[2]
        readings[signal] = readings.get(signal, 0) + 1
    for signal, count in readings.items():
        yield Sample(UNKNOWN, count, (signal,))


def _capacity(event: CapacityUpdate) -> Iterator[Sample]:
    yield from _known((CAPACITY, event.capacity), (CAPACITY_ERROR, event.capacity_error))
    yield Sample(EXPECTED_DOWNTIME, event.downtime_up.mean, ("up",))
    yield Sample(EXPECTED_DOWNTIME, event.downtime_down.mean, ("down",))


def _forecast(event: Forecast) -> Iterator[Sample]:
    who = event.forecaster
    for ahead, place in (("next", 0), ("end", -1)):
        yield Sample(FORECAST, event.mean[place], (who, ahead))
        for quantile in _QUANTILES:
            if quantile in event.quantiles:
                value = event.quantiles[quantile][place]
                yield Sample(FORECAST_QUANTILE, value, (who, ahead, quantile))
    yield Sample(FORECAST_HORIZON, event.horizon, (who,))
    yield Sample(FORECAST_FALLBACK, event.fallback, (who,))
    for error in event.errors[:_HORIZONS]:
        horizon = f"{error.horizon:g}"
        yield Sample(FORECAST_ERROR, error.wape, (who, horizon))
        if error.coverage is not None:
            yield Sample(FORECAST_COVERAGE, error.coverage, (who, horizon))


def _decision(event: Decision) -> Iterator[Told]:
    who = event.planner
    signs = (who, event.reason, _word(event.shadow), _word(event.dry_run))
    samples = [Sample(DECISION, 1, signs)]
    samples += _known((RECOMMENDED, event.chosen), (HIGHEST, event.forecast_max), labels=(who,))
    yield Told("decision", tuple(samples))
    at = event.tick.timestamp()
    yield Told("decided", (Sample(DECIDED, at, (who,)),), lasting=True)
    if event.command is not None:
        direction = _direction(event.scale_out, event.chosen)
        yield Told(
            "commanded",
            (Sample(COMMANDED, at, (who, event.reason, direction)),),
            lasting=True,
        )


def _outcome(event: ScaleOutcome) -> Iterator[Sample]:
    direction = _direction(event.from_scale_out, event.to_scale_out)
    yield Sample(ENDED, event.at.timestamp(), (event.status, direction))
    yield Sample(GENERATION, event.generation)
    expected = event.promise.downtime if event.promise else None
    yield from _known((DOWNTIME, event.downtime), (PROMISED_DOWNTIME, expected))


def _recovery(event: Recovery) -> Iterator[Sample]:
    yield Sample(RECOVERED, event.at.timestamp())
    expected = event.promise.recovery if event.promise else None
    yield from _known((RECOVERY, event.recovery), (PROMISED_RECOVERY, expected))


def _declared(event: Declaration) -> Iterator[Sample]:
    yield Sample(TARGET, event.spec.policy.recovery_target)
    yield Sample(LOOP, event.spec.policy.loop)
    yield Sample(BOUND, event.spec.scale.min, ("min",))
    yield Sample(BOUND, event.spec.scale.max, ("max",))


def _known(*found: tuple[Gauge, float | None], labels: tuple[str, ...] = ()) -> Iterator[Sample]:
    for gauge, value in found:
        if value is not None:
            yield Sample(gauge, value, labels)


def _direction(before: int | None, after: int | None) -> str:
    if before is None or after is None:
        return "unknown"
    return "up" if after > before else "down" if after < before else "none"


def _word(holds: bool) -> str:
    return "true" if holds else "false"


class Newest:
    """The samples that hold of each job: the newest of each group, while they are not stale."""

    PATIENCE = 300.0
    """Seconds after which a measurement is stale, or three times as long as it took to come."""

    def __init__(self) -> None:
        self._held: dict[str, dict[str, tuple[float | None, Instant, tuple[Sample, ...]]]] = {}

    def fold(self, event: Event, now: float) -> None:
        """Take in what an event tells, at `now` seconds of a clock that never goes back."""
        for each in told(event):
            groups = self._held.setdefault(event.job, {})
            before = groups.get(each.group)
            if before is not None and event.at < before[1]:
                continue
            apart = (event.at - before[1]).total_seconds() if before else 0.0
            until = None if each.lasting else now + max(self.PATIENCE, 3 * apart)
            groups[each.group] = (until, event.at, each.samples)

    def forget(self, job: str) -> None:
        """Drop all of a job that is no more."""
        self._held.pop(job, None)

    def keep(self, jobs: Iterable[str]) -> None:
        """Drop all but these."""
        kept = frozenset(jobs)
        self._held = {job: groups for job, groups in self._held.items() if job in kept}

    @property
    def jobs(self) -> tuple[str, ...]:
        """The jobs of which anything was told."""
        return tuple(self._held)

    def at(self, now: float) -> Iterator[tuple[str, Sample]]:
        """Yield (job, sample) of all that hold."""
        for job, groups in self._held.items():
            for until, _, samples in groups.values():
                if until is None or now <= until:
                    for sample in samples:
                        yield job, sample
