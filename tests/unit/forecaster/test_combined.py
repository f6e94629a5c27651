"""The fold with the ensemble: what is published at a tick, and that it depends on history alone."""

import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from daedalus_forecaster.models import Trained, TrainingData
from daedalus_forecaster.state import Reason
from daedalus_shared.control import JobControl
from daedalus_shared.events import Forecast
from daedalus_shared.events.base import LARGEST

NewJob = Callable[..., Any]
Declare = Callable[..., JobControl]


def untrained(data: TrainingData) -> Trained:
    raise AssertionError(f"{data.model} is trained")


@pytest.fixture
def job(new_job: NewJob, declare: Declare) -> Any:
    return new_job(control=declare(model="ensemble", horizon=2400.0), trained=untrained)


def sine(slots: int) -> list[float]:
    return [1000 + 500 * math.sin(2 * math.pi * 15 * slot / 7200) for slot in range(slots)]


def valid(forecast: Forecast) -> bool:
    paths = [forecast.mean, *forecast.quantiles.values(), *forecast.paths]
    return all(math.isfinite(value) and value >= 0 for path in paths for value in path)


def test_the_first_tick_has_a_forecast_with_a_wide_band(job: Any) -> None:
    (forecast,) = job.feed([100.0])

    assert (forecast.step, forecast.horizon, len(forecast.mean)) == (60.0, 2400.0, 40)
    assert forecast.mean == (100.0,) * 40
    assert set(forecast.quantiles) == {"0.1", "0.5", "0.9"}
    assert forecast.quantiles["0.1"][-1] < 80
    assert forecast.quantiles["0.9"][-1] > 120
    assert len(forecast.paths) == 16
    assert forecast.fallback
    assert forecast.why.startswith("less than 600 s of history")
    assert (forecast.wape, forecast.errors) == (None, ())


def test_a_sine_is_foreseen_once_it_was_seen_for_a_while(job: Any) -> None:
    forecast = job.feed(sine(4 * 120 + 1))[-1]

    ahead = [1000 + 500 * math.sin(2 * math.pi * (7200 + 60 * k) / 7200) for k in range(1, 41)]
    assert forecast.mean == pytest.approx(ahead, rel=0.05)
    assert not forecast.fallback
    assert forecast.model.startswith("ensemble(")
    assert [error.horizon for error in forecast.errors][-1] == 2400.0
    assert forecast.errors[0].wape < 0.01


def test_a_constant_workload_gets_a_narrow_band(job: Any) -> None:
    forecast = job.feed([100.0] * 4 * 90)[-1]

    assert forecast.mean == pytest.approx([100.0] * 40)
    assert forecast.quantiles["0.1"][-1] > 95
    assert forecast.quantiles["0.9"][-1] < 105


def test_of_nothing_nothing_is_expected(job: Any) -> None:
    forecast = job.feed([0.0] * 4 * 60)[-1]

    assert valid(forecast)
    assert max(forecast.mean) == 0.0
    assert (forecast.wape, forecast.errors[-1].wape) == (0.0, 0.0)


def test_the_band_of_a_random_walk_holds_what_it_should(job: Any) -> None:
    steps = np.random.default_rng(5).standard_normal(4 * 150)
    walk = 1000 + np.cumsum(steps) * 5
    forecast = job.feed(np.maximum(walk, 0).tolist())[-1]

    coverage = {error.horizon: error.coverage for error in forecast.errors}

    assert 0.6 < coverage[60.0] < 0.95
    assert coverage[600.0] > 0.5


def test_a_gap_is_forecast_over_and_ends_the_forecast_when_it_is_as_long(job: Any) -> None:
    job.feed([100.0] * 81)

    over = job.feed([None] * 4 * 42)

    assert len(over) == 40
    assert all(valid(forecast) for forecast in over)
    assert over[0].wape is None
    assert job.state.reason is None


def test_a_restart_at_any_report_changes_nothing(job: Any, new_job: NewJob) -> None:
    workloads = [100.0 + slot % 7 if slot % 5 else None for slot in range(120)]
    again = new_job(control=job.control, trained=untrained)
    job.feed(workloads)

    for workload in workloads:
        again.feed([workload])
        again.restart()

    assert again.forecasts == job.forecasts
    assert again.state == job.state


def test_the_state_stays_small_and_no_training_is_asked_for(job: Any) -> None:
    job.feed(value * 123.4567 for value in sine(4 * 150))

    assert len(job.state.model_dump_json()) < 25_000
    assert (job.state.training, job.state.training_data) == (None, None)
    assert job.state.reason is Reason.COMBINED
    assert len(job.forecasts[-1].model_dump_json()) < 10_000


def test_a_changed_model_keeps_the_history(job: Any, declare: Declare) -> None:
    job.feed(sine(4 * 60 + 1))

    job.control = declare(model="arima", horizon=900.0)
    (reference,) = job.feed(sine(4))
    assert (reference.model, reference.paths) == ("line", ())
    assert reference.why.startswith("the first model serves from")
    assert job.state.seasons.values.size == 12

    job.control = declare(model="ensemble", horizon=2400.0)
    (forecast,) = job.feed(sine(4))
    assert not forecast.fallback


def test_a_compressed_job_is_forecast_in_its_own_time(new_job: NewJob, declare: Declare) -> None:
    policy = {"loop": 60.0, "forecast_step": 30.0, "horizon": 600.0}
    job = new_job(control=declare(model="ensemble", **policy), trained=untrained)

    forecast = job.feed([100.0] * 41)[-1]

    assert (forecast.step, len(forecast.mean), job.state.history.grid.step) == (30.0, 20, 15.0)


@settings(deadline=None, max_examples=20)
@example([0.0, 0.0, 0.0, 0.0, 547574.0])
@example([4.0, None, None, None, 2.3e-308])
@given(st.lists(st.floats(0, LARGEST) | st.none(), min_size=1, max_size=60))
def test_any_workload_leads_to_finite_forecasts(
    new_job: NewJob, declare: Declare, workloads: list[float | None]
) -> None:
    job = new_job(control=declare(model="ensemble"), trained=untrained)

    assert all(valid(forecast) for forecast in job.feed(workloads))


def test_forecasting_imports_neither_darts_nor_scikit_learn() -> None:
    """They take seconds and 200 MB; a season's neighbours and a training alone pay for them."""
    code = (
        "import sys, daedalus_forecaster.forecaster, daedalus_forecaster.combined;"
        "print(sorted({'darts', 'sklearn', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout == "[]\n"
