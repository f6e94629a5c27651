"""A job whose reports are made from a list of workloads, one a slot of 15 s."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from daedalus_forecaster.forecaster import Forecaster
from daedalus_forecaster.models import ArimaParams, Trained, TrainingData
from daedalus_forecaster.state import ForecasterState
from daedalus_shared.control import JobControl
from daedalus_shared.events import Declaration, Forecast, JobMetrics, Sample
from daedalus_shared.job_spec import JobSpec
from daedalus_shared.ticks import next_end

MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)
FIRST = next_end("ysb", 60.0, MIDNIGHT)


def declared(**policy: Any) -> JobControl:
    spec = JobSpec.model_validate(
        {
            "job": "ysb",
            "engine": {"kind": "flink", "rest": "http://jobmanager:8081"},
            "input": {"bootstrap": "kafka:9092", "topics": ["ads"], "group": "ysb"},
            "workers": {"kind": "none"},
            "scale": {"max": 12},
            "policy": {"model": "arima", "horizon": 900.0, **policy},
        }
    )
    declaration = Declaration(
        job="ysb", at=MIDNIGHT - timedelta(hours=1), source="console/test", spec=spec
    )
    return JobControl().fold(declaration)


def last_value(data: TrainingData) -> Trained:
    """A training in no time: the model repeats the last value."""
    assert data.values
    return Trained(ArimaParams(differences=1).model_dump(mode="json"))


@dataclass
class Job:
    """Feeds a forecaster with reports, and keeps what it says."""

    control: JobControl = field(default_factory=declared)
    trained: Callable[[TrainingData], Trained] = last_value
    state: ForecasterState | None = None
    start: datetime = FIRST
    slot: int = 0
    forecasts: list[Forecast] = field(default_factory=list)

    def report(self, slot: int, workload: float | None) -> JobMetrics:
        """Return the report of a slot, three samples 5 s apart; every fourth closes a tick."""
        end = self.start + timedelta(seconds=15 * slot)
        return JobMetrics(
            job="ysb",
            at=end,
            source="monitor/monitor",
            samples=tuple(
                Sample(at=end - timedelta(seconds=before), workload=workload)
                for before in (10, 5, 0)
            ),
            tick=end if slot % 4 == 0 else None,
        )

    def take(self, event: JobMetrics) -> tuple[Forecast, ...]:
        """Hand one report over, as the shell does."""
        step = Forecaster(trained=self.trained).handle(self.control, self.state, event)
        self.state = step.state
        found = tuple(event for event in step.events if isinstance(event, Forecast))
        self.forecasts.extend(found)
        return found

    def feed(self, workloads: Iterable[float | None]) -> Sequence[Forecast]:
        """Hand over the next slots' reports; return the forecasts issued meanwhile."""
        before = len(self.forecasts)
        for workload in workloads:
            self.take(self.report(self.slot, workload))
            self.slot += 1
        return self.forecasts[before:]

    def restart(self) -> None:
        """Lose all but the snapshot."""
        assert self.state is not None
        self.state = ForecasterState.model_validate_json(self.state.model_dump_json())


@pytest.fixture(scope="session")
def new_job() -> type[Job]:
    return Job


@pytest.fixture(scope="session")
def declare() -> Callable[..., JobControl]:
    return declared
