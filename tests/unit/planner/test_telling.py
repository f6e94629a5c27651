"""What the planner exports of a job file."""

from datetime import UTC, datetime, timedelta

import pytest

from daedalus_planner.__main__ import Telling
from daedalus_shared import telemetry
from daedalus_shared.control import JobControl
from daedalus_shared.events import Declaration, Forget

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def declared(second: int, target: str) -> Declaration:
    spec = {
        "job": "ysb",
        "engine": {"kind": "flink", "rest": "http://flink:8081"},
        "input": {"bootstrap": "kafka:9092", "topics": ["ads"], "group": "ysb"},
        "workers": {"kind": "none"},
        "scale": {"min": 2, "max": 8},
        "policy": {"recovery_target": target},
    }
    at = NOON + timedelta(seconds=second)
    return Declaration.model_validate(
        {"job": "ysb", "at": at, "source": "console/cli", "spec": spec}
    )


def test_the_newest_job_file_is_exported_and_a_forgotten_one_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jobs = telemetry.Jobs()
    monkeypatch.setattr(telemetry, "JOBS", jobs)

    def exported(name: str) -> list[float]:
        return [
            sample.value
            for family in jobs.collect()
            for sample in family.samples
            if sample.name == f"daedalus_job_{name}"
        ]

    control = JobControl().fold(declared(0, "10m")).fold(declared(1, "5m"))
    Telling().stored("ysb", control, None)
    assert exported("recovery_target_seconds") == [300]
    assert exported("scale_out_bound_workers") == [2, 8]

    jobs.forget("ysb")  # as the relay does when the state is gone
    forget = Forget(job="ysb", at=NOON + timedelta(seconds=2), source="console/cli", author="me")
    Telling().stored("ysb", control.fold(forget), None)
    assert exported("recovery_target_seconds") == []
