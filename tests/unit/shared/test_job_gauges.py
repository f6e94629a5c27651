"""What Prometheus is told of each job: what is known, as long as it holds, by its owner alone."""

from datetime import UTC, datetime, timedelta

import pytest

from daedalus_shared.events import (
    CapacityUpdate,
    Decision,
    Declaration,
    Event,
    Forecast,
    JobMetrics,
    Promise,
    Recovery,
    Sample,
    ScaleOutcome,
    Status,
    Worker,
)
from daedalus_shared.events.capacity import Downtime
from daedalus_shared.events.forecasts import HorizonError
from daedalus_shared.job_gauges import GAUGES, Newest, told
from daedalus_shared.job_spec import JobSpec
from daedalus_shared.telemetry import Jobs

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
Values = dict[tuple[str, ...], float]


def at(second: float) -> datetime:
    return NOON + timedelta(seconds=second)


def metrics(second: float = 0, job: str = "ysb", **look: object) -> JobMetrics:
    sample = Sample(at=at(second), **look)
    return JobMetrics(job=job, at=at(second), source="m/m", samples=(sample,))


def capacity(second: float = 0, **found: object) -> CapacityUpdate:
    downtime = Downtime(mean=10, spread=0, seen=0)
    fields = {"downtime_up": downtime, "downtime_down": downtime, "loop": 1, **found}
    return CapacityUpdate(job="ysb", at=at(second), tick=at(second), source="a/a", **fields)


def decision(second: float = 0, **found: object) -> Decision:
    fields = {"planner": "horizon", "reason": "cheapest", "sentence": "Stay.", **found}
    return Decision(job="ysb", at=at(second), tick=at(second), source="p/p", **fields)


def outcome(second: float = 0, **found: object) -> ScaleOutcome:
    fields = {"to_scale_out": 4, "generation": 3, "status": Status.APPLIED, **found}
    return ScaleOutcome(
        job="ysb",
        at=at(second),
        tick=at(second),
        source="e/e",
        command="c",
        **fields,
    )


def values(event: Event) -> Values:
    """(name without its prefix, further labels …) → value."""
    return {
        (sample.gauge.name.removeprefix("daedalus_job_"), *sample.labels): sample.value
        for each in told(event)
        for sample in each.samples
    }


def test_a_look_tells_what_it_knows() -> None:
    workers = (Worker(id="a", cpu=0.2, throughput=100), Worker(id="b", cpu=0.6, throughput=300))

    found = values(metrics(workload=410, lag=0, latency=0.5, scale_out=2, workers=workers))

    assert found == {
        ("workload_records_per_second",): 410,
        ("throughput_records_per_second",): 400,
        ("lag_records",): 0,
        ("latency_seconds",): 0.5,
        ("scale_out_workers",): 2,
        ("cpu_ratio",): pytest.approx(0.4),
    }


def test_what_is_unknown_is_absent_and_not_zero() -> None:
    workers = (Worker(id="a.1", cpu=0.2, throughput=100), Worker(id="b.1", cpu=0.4))
    unknown = {
        "lag": "no commits",
        "latency": "no query",
        "worker.b.1.throughput": "counted anew",
        "worker.a.1.since": "unknown",
        "worker.b.1.since": "unknown",
    }

    found = values(metrics(workload=0, workers=workers, unknown=unknown))

    assert found == {
        ("workload_records_per_second",): 0,
        ("cpu_ratio",): pytest.approx(0.3),
        ("unknown_readings", "lag"): 1,
        ("unknown_readings", "latency"): 1,
        ("unknown_readings", "throughput"): 1,
        ("unknown_readings", "since"): 2,
    }


def test_a_report_without_a_look_tells_nothing() -> None:
    assert values(JobMetrics(job="ysb", at=NOON, source="m/m", samples=())) == {}


def test_an_unknown_capacity_is_absent() -> None:
    assert values(capacity(capacity=None)) == {
        ("expected_downtime_seconds", "up"): 10,
        ("expected_downtime_seconds", "down"): 10,
    }
    assert values(capacity(capacity=900, capacity_error=12))["capacity_records_per_second",] == 900


def test_a_forecast_tells_its_ends_and_errors_and_no_more_than_is_bounded() -> None:
    errors = tuple(HorizonError(horizon=60 * n, wape=0.1, coverage=0.8) for n in range(1, 21))
    forecast = Forecast(
        job="ysb",
        at=NOON,
        tick=NOON,
        source="f/f",
        step=60,
        horizon=180,
        mean=(1, 2, 3),
        quantiles={"0.9": (4, 5, 6), "0.123": (7, 8, 9)},
        forecaster="mine",
        model="line",
        errors=errors,
        fallback=True,
    )

    found = values(forecast)

    assert found["forecast_records_per_second", "mine", "next"] == 1
    assert found["forecast_records_per_second", "mine", "end"] == 3
    assert found["forecast_quantile_records_per_second", "mine", "end", "0.9"] == 6
    assert found["forecast_horizon_seconds", "mine"] == 180
    assert found["forecast_fallback", "mine"] == 1
    assert found["forecast_error_ratio", "mine", "60"] == 0.1
    assert len(found) == 6 + 2 * 8, "anybody may publish one, with as many errors as they like"


def test_a_decision_that_commands_is_kept_when_the_next_stays() -> None:
    newest = Newest()
    newest.fold(
        decision(0, scale_out=2, chosen=4, reason="scale_up", command="c", forecast_max=500), 0
    )
    newest.fold(decision(60, scale_out=4, chosen=4), 60)

    found = {(each.gauge.name, each.labels): each.value for _, each in newest.at(60)}

    assert found == {
        ("daedalus_job_decision_info", ("horizon", "cheapest", "false", "false")): 1,
        ("daedalus_job_scale_out_recommended_workers", ("horizon",)): 4,
        ("daedalus_job_last_decision_timestamp_seconds", ("horizon",)): at(60).timestamp(),
        (
            "daedalus_job_last_command_timestamp_seconds",
            ("horizon", "scale_up", "up"),
        ): NOON.timestamp(),
    }


def test_the_downtime_of_an_older_outcome_does_not_stand_beside_a_newer_promise() -> None:
    newest = Newest()
    newest.fold(outcome(0, downtime=3.0, from_scale_out=2, promise=Promise(downtime=5)), 0)
    newest.fold(outcome(9, status=Status.REFUSED, from_scale_out=6), 9)

    found = {(each.gauge.name, each.labels): each.value for _, each in newest.at(9)}

    assert found == {
        ("daedalus_job_last_outcome_timestamp_seconds", ("refused", "down")): at(9).timestamp(),
        ("daedalus_job_generation", ()): 3,
    }


def test_a_job_that_did_not_recover_has_a_promise_alone() -> None:
    recovery = Recovery(
        job="ysb",
        at=NOON,
        tick=NOON,
        source="a/a",
        command="c",
        to_scale_out=4,
        promise=Promise(recovery=30),
    )

    assert values(recovery) == {
        ("last_recovery_timestamp_seconds",): NOON.timestamp(),
        ("promised_recovery_seconds",): 30,
    }


def test_every_gauge_belongs_to_the_event_that_tells_it() -> None:
    spec = JobSpec.model_validate(
        {
            "apiVersion": "daedalus/v1",
            "job": "ysb",
            "engine": {"kind": "flink", "rest": "http://flink:8081"},
            "input": {"bootstrap": "kafka:9092", "topics": ["ads"], "group": "ysb"},
            "workers": {"kind": "none"},
            "scale": {"min": 1, "max": 12},
        }
    )
    declared = values(Declaration(job="ysb", at=NOON, source="c/c", spec=spec))

    assert declared["recovery_target_seconds",] == 600
    assert declared["scale_out_bound_workers", "max"] == 12
    assert declared["loop_seconds",] == 60
    assert len({each.name for each in GAUGES}) == len(GAUGES)


def test_what_is_measured_grows_stale_and_what_happened_does_not() -> None:
    newest = Newest()
    newest.fold(metrics(0, workload=1), 0)
    newest.fold(outcome(0), 0)

    def names(now: float) -> set[str]:
        return {each.gauge.name for _, each in newest.at(now)}

    assert "daedalus_job_workload_records_per_second" in names(Newest.PATIENCE)
    assert names(Newest.PATIENCE + 1) == {
        "daedalus_job_last_outcome_timestamp_seconds",
        "daedalus_job_generation",
    }


def test_a_slow_loop_is_waited_for_longer() -> None:
    newest = Newest()
    newest.fold(capacity(0, capacity=1), 0)
    newest.fold(capacity(1800, capacity=2), 1800)

    assert len([*newest.at(1800 + 3 * 1800)]) == 3
    assert [*newest.at(1801 + 3 * 1800)] == []


def test_an_event_that_is_published_again_late_changes_nothing() -> None:
    newest = Newest()
    newest.fold(metrics(15, workload=2), 15)
    newest.fold(metrics(0, workload=1), 16)

    assert [each.value for _, each in newest.at(16)] == [2]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def exported(jobs: Jobs) -> Values:
    return {
        (family.name, *sample.labels.values()): sample.value
        for family in jobs.collect()
        for sample in family.samples
    }


def test_a_job_is_exported_under_job_name_by_its_owner_alone() -> None:
    jobs = Jobs(Clock())
    for name in ("ysb", "moved", "forgotten"):
        jobs.fold(metrics(job=name, workload=1))
    assert len(exported(jobs)) == 3

    jobs.forget("forgotten")
    jobs.hide()
    assert exported(jobs) == {}, "while a rebalance is under way nobody knows whose a job is"

    jobs.show(lambda job: job == "ysb")
    assert exported(jobs) == {("daedalus_job_workload_records_per_second", "ysb"): 1}
    [family] = jobs.collect()
    assert [each.labels for each in family.samples] == [{"job_name": "ysb"}]

    jobs.show(lambda _: True)
    assert len(exported(jobs)) == 1, "what came back is told by its new events, not by old ones"
