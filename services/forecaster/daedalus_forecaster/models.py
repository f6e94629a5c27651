"""The models by name: how each is trained, and how it forecasts from plain parameters.

The only module that knows Darts, which takes 5 s and 270 MB to import: training alone needs it,
and imports it when it is called. Forecasts are made from the parameters, with numpy.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np
from pydantic import JsonValue

from daedalus_forecaster.domain import arma
from daedalus_forecaster.domain.history import FloatArray
from daedalus_shared.events import Value

Params = dict[str, JsonValue]
"""What a model has learned, as JSON values; never a pickle."""

LEAST = 20
"""Fewest values that a model is trained on: with fewer, coefficients are noise."""

CEILING = 10.0
"""A forecast above this many times the highest workload kept is one that ran away."""


class ModelError(ValueError):
    """The model cannot be trained on this series, or cannot forecast it."""


class Model(Protocol):
    """One way to forecast. Training is slow and pure; a forecast takes milliseconds."""

    def fit(self, values: FloatArray) -> Params:
        """Return what is learned from a series without gaps, records/s.

        Raises:
            ModelError: Nothing can be learned from it.
        """
        ...

    def predict(self, params: Params, values: FloatArray, steps: int) -> FloatArray:
        """Return the `steps` values after a series without gaps, records/s; any finite numbers.

        Raises:
            ModelError: The parameters do not lead to a forecast of this series.
        """
        ...

    def label(self, params: Params) -> str:
        """Return the model's name with its order, such as `arima(2,1,1)`."""
        ...


class ArimaParams(Value):
    """An ARIMA model: its order is that of its coefficients."""

    ar: tuple[float, ...] = ()
    """Autoregressive coefficients, lag 1 first."""

    ma: tuple[float, ...] = ()
    """Moving-average coefficients, lag 1 first, with a plus sign in the equation."""

    differences: int = 0
    """How often the series is differenced (d)."""

    constant: float = 0.0
    """Mean of the differenced series: the mean for d = 0, the drift for d = 1; records/s."""


class Arima:
    """Non-seasonal auto-ARIMA, p and q ≤ 5, d by KPSS (docs/method.md, "Analyze: forecast")."""

    def fit(self, values: FloatArray) -> Params:
        """Search the order by AICc and fit it, in 30-300 ms; Darts' import comes on top."""
        scale = float(np.max(np.abs(values), initial=0.0))
        if scale == 0 or np.all(values == values[0]):
            # Nothing varies: the last value holds, also after the level changes.
            return ArimaParams(differences=1).model_dump(mode="json")

        from darts import TimeSeries  # noqa: PLC0415 -- 5 s and 270 MB, paid by training alone
        from darts.models import AutoARIMA  # noqa: PLC0415 -- as above

        model = AutoARIMA(season_length=1, seasonal=False, max_p=5, max_q=5, max_d=2, test="kpss")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tries of the search that do not converge
            try:
                model.fit(TimeSeries.from_values(values / scale))
            except (ValueError, ArithmeticError, RuntimeError) as error:
                raise ModelError(f"no ARIMA model fits: {error}") from error
        found = model.model.model_
        p, q, *_, differences, _ = (int(number) for number in found["arma"])
        coefficients = {name: float(value) for name, value in found["coef"].items()}
        constant = coefficients.get("intercept", 0.0) + coefficients.get("drift", 0.0)
        params = ArimaParams(
            ar=tuple(coefficients[f"ar{lag}"] for lag in range(1, p + 1)),
            ma=tuple(coefficients[f"ma{lag}"] for lag in range(1, q + 1)),
            differences=differences,
            constant=constant * scale,
        )
        if not np.all(np.isfinite([*params.ar, *params.ma, params.constant])):
            raise ModelError(f"{self.label(params.model_dump(mode='json'))} did not converge")
        return params.model_dump(mode="json")

    def predict(self, params: Params, values: FloatArray, steps: int) -> FloatArray:
        """Carry the difference equation on, in about 1 ms for 480 values."""
        found = ArimaParams.model_validate(params)
        try:
            return arma.forecast(
                values,
                ar=found.ar,
                ma=found.ma,
                differences=found.differences,
                constant=found.constant,
                steps=steps,
            )
        except (ValueError, ArithmeticError) as error:
            raise ModelError(f"{self.label(params)}: {error}") from error

    def label(self, params: Params) -> str:
        """Return such as `arima(2,1,1)`."""
        found = ArimaParams.model_validate(params)
        return f"arima({len(found.ar)},{found.differences},{len(found.ma)})"


MODELS: Mapping[str, Model] = MappingProxyType({"arima": Arima()})


@dataclass(frozen=True, slots=True)
class TrainingData:
    """All that a training depends on, so that it can be done anywhere with the same result."""

    model: str
    """Name in the registry."""

    values: tuple[float, ...]
    """The history without gaps, records/s."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training led to: parameters, or why there are none."""

    params: Params | None
    failure: str | None = None


def train(data: TrainingData) -> Trained:
    """Train a model. Pure: the same data give the same parameters, in whichever process."""
    if len(data.values) < LEAST:
        return Trained(None, f"{len(data.values)} values are too few to train on")
    try:
        return Trained(MODELS[data.model].fit(np.array(data.values)))
    except ModelError as error:
        return Trained(None, str(error))


def predict(model: str, params: Params, values: FloatArray, steps: int) -> FloatArray:
    """Return a trained model's forecast: finite, and not out of all proportion.

    Raises:
        ModelError: There is none.
    """
    if not len(values):
        raise ModelError("no workload is known")
    with np.errstate(all="ignore"):
        found = MODELS[model].predict(params, values, steps)
    label = MODELS[model].label(params)
    if not np.all(np.isfinite(found)):
        raise ModelError(f"{label} gives no finite number")
    highest = float(np.max(values))
    if float(np.max(found)) > CEILING * highest:
        raise ModelError(f"{label} runs away to {np.max(found):.3g}/s from at most {highest:.3g}/s")
    return found
