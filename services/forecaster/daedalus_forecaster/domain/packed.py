"""Arrays as text, so that a state that is published at every tick stays small."""

from base64 import b64decode, b64encode
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

LEVELS = 65535
"""Largest code of `coarse`."""

_TOP = float(np.log1p(1e15))


def pack(values: NDArray[Any]) -> str:
    """Return an array's bytes as text; its type and shape are known to whoever reads it."""
    return b64encode(values.tobytes()).decode("ascii")


def unpack(text: str, dtype: DTypeLike) -> NDArray[Any]:
    """Return the array that was packed, flat; it must not be written to."""
    return np.frombuffer(b64decode(text), dtype=dtype)


def coarse(values: NDArray[np.float64]) -> NDArray[np.uint16]:
    """Return rates as codes of two bytes, 0.05 % apart; NaN is code 0.

    >>> fine(coarse(np.array([np.nan, 0.0, 1000.0]))).round(-1).tolist()
    [nan, 0.0, 1000.0]
    """
    codes = np.rint(np.log1p(np.clip(values, 0.0, 1e15)) / _TOP * (LEVELS - 1)) + 1
    return np.where(np.isnan(values), 0, codes).astype("<u2")


def fine(codes: NDArray[np.uint16]) -> NDArray[np.float64]:
    """Return the rates of codes."""
    found = np.expm1((codes.astype(np.float64) - 1) / (LEVELS - 1) * _TOP)
    found[codes == 0] = np.nan
    return found
