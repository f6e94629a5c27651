"""What several sources say of a job, and the sample that it makes."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from daedalus_monitor.domain.looks import EngineLook, WorkerLook, credible, merged, sample
from daedalus_monitor.domain.readings import Unknown
from daedalus_shared.events import Worker

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)

FULL = EngineLook(
    scale_out=2,
    uptime=60.0,
    latency=0.5,
    workers=(WorkerLook("tm-2", 0.4, 900.0, NOON), WorkerLook("tm-1", 0.5, 1000.0, NOON)),
    max_parallelism=12,
    checkpoint_interval=10.0,
)


def test_a_full_look_makes_a_sample_without_unknowns() -> None:
    found = sample(NOON, FULL, workload=1900.0, lag=7.0)

    assert found.unknown == {}
    assert (found.scale_out, found.workload, found.lag) == (2, 1900.0, 7.0)
    assert found.workers == (
        Worker(id="tm-1", cpu=0.5, throughput=1000.0, since=NOON),
        Worker(id="tm-2", cpu=0.4, throughput=900.0, since=NOON),
    )


def test_what_is_unknown_is_null_with_its_reason_and_never_zero() -> None:
    worker = WorkerLook("tm-1", Unknown("NaN"), Unknown("restarted"))
    look = replace(FULL, uptime=Unknown("3 of 4 subtasks do not run"), workers=(worker,))

    found = sample(NOON, look, workload=Unknown("no broker"), lag=0.0)

    assert (found.uptime, found.workload, found.lag) == (None, None, 0.0)
    assert (found.workers[0].cpu, found.workers[0].throughput) == (None, None)
    assert found.unknown == {
        "uptime": "3 of 4 subtasks do not run",
        "worker.tm-1.cpu": "NaN",
        "worker.tm-1.throughput": "restarted",
        "workload": "no broker",
    }


@pytest.mark.parametrize("absurd", [1e18, 1e308, float("inf"), float("nan"), -1.0])
def test_a_figure_that_no_event_may_tell_is_unknown_and_the_others_are_not(absurd: float) -> None:
    worker = WorkerLook("tm-1", 0.5, absurd)
    look = replace(FULL, uptime=absurd, latency=absurd, workers=(worker,), checkpoint_interval=1.0)

    found = sample(NOON, credible(look), workload=absurd, lag=absurd)

    assert (found.uptime, found.latency, found.workload, found.lag) == (None,) * 4
    assert (found.scale_out, found.workers) == (2, (Worker(id="tm-1", cpu=0.5),))
    signals = {"uptime", "latency", "workload", "lag", "worker.tm-1.throughput"}
    assert found.unknown.keys() == signals
    assert "workload reads " in found.unknown["workload"]


def test_a_scale_out_of_more_digits_than_a_float_has_is_unknown() -> None:
    found = sample(NOON, credible(replace(FULL, scale_out=10**400)), workload=1.0, lag=1.0)

    assert found.scale_out is None
    assert "more than" in found.unknown["scale_out"]


def test_a_source_that_fails_leaves_each_signal_with_its_reason() -> None:
    found = sample(NOON, EngineLook.nothing("answered 500"), workload=1.0, lag=1.0)

    assert found.workers == ()
    assert found.unknown == dict.fromkeys(
        ["scale_out", "uptime", "latency", "workers", "max_parallelism", "checkpoint_interval"],
        "answered 500",
    )


def test_the_second_source_fills_in_signal_by_signal() -> None:
    first = replace(
        FULL, latency=Unknown("none"), workers=(WorkerLook("tm-1", Unknown("NaN"), 1000.0),)
    )
    # Flink's Prometheus reporter writes tm_1 for tm-1.
    second = replace(FULL, scale_out=9, latency=0.7, workers=(WorkerLook("tm_1", 0.6, 5.0, NOON),))

    found = merged(first, second)

    assert found.scale_out == 2
    assert found.latency == 0.7
    assert found.workers == (WorkerLook("tm-1", 0.6, 1000.0, NOON),)


def test_the_second_source_serves_alone_where_the_first_fails() -> None:
    assert merged(EngineLook.nothing("answered 500"), FULL) == FULL


def test_a_look_is_complete_only_without_unknowns() -> None:
    assert FULL.complete
    assert not replace(FULL, latency=Unknown("none")).complete
    assert not replace(FULL, workers=(WorkerLook("a", Unknown("NaN"), 1.0),)).complete
