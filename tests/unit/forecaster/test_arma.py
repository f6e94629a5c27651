"""The difference equation, worked by hand."""

import numpy as np
import pytest

from daedalus_forecaster.domain.arma import forecast


@pytest.mark.parametrize(
    ("values", "model", "expected"),
    [
        pytest.param([3.0, 5.0], {}, [0.0, 0.0], id="white noise"),
        pytest.param([3.0, 5.0], {"constant": 4.0}, [4.0, 4.0], id="white noise around a mean"),
        pytest.param([3.0, 5.0], {"differences": 1}, [5.0, 5.0], id="random walk"),
        pytest.param(
            [3.0, 5.0], {"differences": 1, "constant": 2.0}, [7.0, 9.0], id="with a drift"
        ),
        pytest.param([1.0, 3.0, 5.0], {"differences": 2}, [7.0, 9.0], id="a trend holds"),
        pytest.param([8.0], {"ar": [0.5]}, [4.0, 2.0], id="AR(1) decays"),
        pytest.param(
            [14.0], {"ar": [0.5], "constant": 10.0}, [12.0, 11.0], id="AR(1) decays to its mean"
        ),
        # e: 4, 2 - 0.5 · 4 = 0, 6 - 0.5 · 0 = 6; next 0.5 · 6, then nothing
        pytest.param([4.0, 2.0, 6.0], {"ma": [0.5]}, [3.0, 0.0], id="MA(1)"),
        # e_1 = 0 (no lag yet), e_2 = 6 - 0.5 · 4 - 0.25 · 0 = 4; 0.5 · 6 + 0.25 · 4, then 0.5 · 4
        pytest.param([4.0, 6.0], {"ar": [0.5], "ma": [0.25]}, [4.0, 2.0], id="ARMA(1,1)"),
        # 0.5 · 4 + 0.25 · 8, 0.5 · 4 + 0.25 · 4
        pytest.param([8.0, 4.0], {"ar": [0.5, 0.25]}, [4.0, 3.0], id="AR(2)"),
    ],
)
def test_forecasts(values: list[float], model: dict[str, object], expected: list[float]) -> None:
    full = {"ar": [], "ma": [], "differences": 0, "constant": 0.0, **model}

    assert forecast(np.array(values), steps=2, **full).tolist() == pytest.approx(expected)  # type: ignore[arg-type]  # a table of keywords


def test_a_series_shorter_than_its_differences_has_no_forecast() -> None:
    with pytest.raises(ValueError, match="2 values do not carry 2 differences"):
        forecast(np.array([1.0, 2.0]), ar=[], ma=[], differences=2, constant=0.0, steps=1)
