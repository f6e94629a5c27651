"""Autoregressive models: what they learn, expect, and how shocks go on in them."""

import numpy as np
import pytest

from daedalus_forecaster.domain.autoregression import Autoregression, fit


def test_a_sine_is_carried_on() -> None:
    t = np.arange(200)
    sine = 100 * np.sin(2 * np.pi * t / 40)

    model = fit(sine, 4, 1e-9)

    assert model is not None
    expected = 100 * np.sin(2 * np.pi * np.arange(200, 240) / 40)
    assert model.forecast(sine, 40) == pytest.approx(expected, abs=1.0)


def test_weights_come_back_from_the_newest_to_the_oldest() -> None:
    shocks = np.random.default_rng(1).standard_normal(3000)
    series = np.zeros(3000)
    for t in range(2, 3000):
        series[t] = 0.6 * series[t - 1] - 0.3 * series[t - 2] + shocks[t]

    model = fit(series, 2, 1e-9)

    assert model is not None
    assert model.weights == pytest.approx([0.6, -0.3], abs=0.05)


@pytest.mark.parametrize(
    "series", [np.zeros(50), np.arange(10.0), np.empty(0)], ids=["nothing varies", "short", "empty"]
)
def test_nothing_is_learned_from_too_little(series: np.ndarray) -> None:
    assert fit(series, 8, 1e-6) is None


def test_a_constant_series_has_no_model_around_its_mean() -> None:
    assert fit(np.full(50, 7.0), 8, 1e-6, mean=7.0) is None


def test_a_shock_goes_on_as_the_weights_say() -> None:
    model = Autoregression(np.array([0.5, 0.25]), mean=3.0)

    assert model.responses(4).tolist() == [1.0, 0.5, 0.5, 0.375]
