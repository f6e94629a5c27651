"""The real models on real Darts, whose import alone takes about 6 s; and what they may not do."""

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from daedalus_forecaster.domain.history import FloatArray
from daedalus_forecaster.models import (
    MODELS,
    ArimaParams,
    ModelError,
    TrainingData,
    predict,
    train,
)

ARIMA = MODELS["arima"]


def noise(count: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).normal(0.0, 1.0, count)


def autoregressive(count: int, *, coefficient: float, mean: float, deviation: float) -> FloatArray:
    """Return an AR(1) series."""
    values = [mean]
    for shock in noise(count) * deviation:
        values.append(mean + coefficient * (values[-1] - mean) + shock)
    return np.array(values[1:])


def found(values: FloatArray) -> ArimaParams:
    result = train(TrainingData("arima", tuple(values.tolist())))
    assert result.failure is None
    return ArimaParams.model_validate(result.params)


def test_an_autoregressive_job_returns_to_its_mean() -> None:
    values = autoregressive(480, coefficient=0.8, mean=50_000.0, deviation=1_000.0)
    params = found(values)

    assert params.differences == 0
    assert params.constant == pytest.approx(50_000.0, rel=0.02)
    assert params.ar[0] == pytest.approx(0.8, abs=0.1)
    forecast = predict("arima", params.model_dump(mode="json"), values, 200)
    assert forecast[-1] == pytest.approx(50_000.0, rel=0.02)


def test_a_rising_job_goes_on_rising() -> None:
    values = 1_000.0 + 50.0 * np.arange(480) + 20.0 * noise(480)
    params = found(values)

    forecast = predict("arima", params.model_dump(mode="json"), values, 60)

    assert params.differences >= 1
    assert forecast[-1] == pytest.approx(1_000.0 + 50.0 * 539, rel=0.01)


@pytest.mark.parametrize("count", [60, 480])
@pytest.mark.parametrize("seed", [0, 1, 3])
def test_the_difference_equation_agrees_with_darts(count: int, seed: int) -> None:
    from darts import TimeSeries  # noqa: PLC0415 -- 6 s, for the tests that need it
    from darts.models import AutoARIMA  # noqa: PLC0415 -- as above

    values = 100.0 + np.cumsum(noise(count, seed)) + 3.0 * noise(count, seed + 100)
    model = AutoARIMA(season_length=1, seasonal=False, max_p=5, max_q=5, max_d=2, test="kpss")
    model.fit(TimeSeries.from_values(values))

    ours = predict("arima", found(values).model_dump(mode="json"), values, 60)

    assert ours == pytest.approx(model.predict(60).values()[:, 0], rel=0.002)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(np.tile([0.0, 1e15], 240), id="two points, huge"),
        pytest.param(np.r_[np.zeros(479), 1e6], id="an impulse at the end"),
        pytest.param(np.r_[np.zeros(240), np.full(240, 1e5)], id="a step"),
        pytest.param(np.exp(np.arange(480) / 15.0), id="exponential growth"),
        pytest.param(1e-9 * np.abs(noise(480)), id="tiny"),
        pytest.param(1e6 + np.arange(480.0) ** 2, id="quadratic"),
        pytest.param(np.abs(np.cumsum(np.cumsum(noise(480)))), id="twice integrated"),
        pytest.param(np.r_[np.full(479, 5.0), 5.000001], id="almost constant"),
        pytest.param(np.tile([3.0, 7.0, 1.0], 7)[:20], id="fewest values"),
    ],
)
def test_odd_series_lead_to_a_finite_forecast_or_a_reason(values: FloatArray) -> None:
    result = train(TrainingData("arima", tuple(values.tolist())))

    if result.params is None:
        assert result.failure
        return
    with suppress(ModelError):  # a reason, too
        assert np.all(np.isfinite(predict("arima", result.params, values, 60)))


def test_a_constant_job_is_a_random_walk_without_a_search() -> None:
    for level in (0.0, 7.0, 1e15):
        params = found(np.full(60, level))
        assert params == ArimaParams(differences=1)
        forecast = predict("arima", params.model_dump(mode="json"), np.array([1.0, level]), 2)
        assert forecast.tolist() == [level, level]


def test_too_few_values_are_a_reason() -> None:
    assert train(TrainingData("arima", (1.0, 2.0))).failure == "2 values are too few to train on"


@pytest.mark.parametrize(
    ("params", "values", "why"),
    [
        pytest.param(ArimaParams(), [], "no workload is known", id="nothing known"),
        pytest.param(ArimaParams(ar=(9.0,) * 5), [1.0] * 99, "runs away", id="explosive"),
        pytest.param(ArimaParams(ma=(9.0,) * 5), [1.0] * 999, "no finite number", id="overflow"),
        pytest.param(ArimaParams(differences=2), [1.0, 2.0], "do not carry", id="too short"),
    ],
)
def test_a_forecast_that_makes_no_sense_is_refused(
    params: ArimaParams, values: list[float], why: str
) -> None:
    with pytest.raises(ModelError, match=why):
        predict("arima", params.model_dump(mode="json"), np.array(values), 60)


def test_the_forecast_beats_the_line_on_a_sine(
    new_job: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """A period of two hours, with noise of 1 % of the mean, over 15 min ahead."""
    truth = [
        50_000.0 + 40_000.0 * math.sin(2 * math.pi * slot / 480) + 500.0 * shock
        for slot, shock in enumerate(noise(1000).tolist())
    ]
    model = new_job(trained=train)
    line = new_job(trained=lambda data: train(TrainingData(data.model, ())))

    errors = {}
    for name, job in {"arima": model, "line": line}.items():
        missed = total = 0.0
        for forecast in job.feed(truth):
            slot = round((forecast.tick - job.start).total_seconds() / 15)
            actual = truth[slot + 1 : slot + 61]
            if slot > 100 and len(actual) == 60:
                missed += sum(abs(y - e) for y, e in zip(actual, forecast.mean, strict=True))
                total += sum(actual)
        errors[name] = missed / total

    with capsys.disabled():
        print(f"\nWAPE over 900 s on a sine: {errors}")
    assert model.forecasts[-1].model.startswith("arima(")
    assert line.forecasts[-1].model == "line"
    assert errors["arima"] < 0.8 * errors["line"]
