"""A small linear model with Gaussian errors: shared parameters, and what is a group's own.

Readings and priors make one Gaussian whose mean and covariance are exact (Bishop, "Pattern
Recognition and Machine Learning", 2006, eq. 3.50 f.). With a handful of parameters, plain floats
are quicker than calls of a library.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul
from typing import NamedTuple


class Reading(NamedTuple):
    """One value y = parts · shared + own + noise."""

    value: float
    """y."""

    variance: float
    """Of the noise; positive."""

    parts: tuple[float, ...]
    """What each shared parameter adds to it."""


class Own(NamedTuple):
    """What a group's readings say beside the shared parameters: own = value - parts · shared."""

    variance: float
    """Of what is its own, given the shared parameters."""

    value: float
    parts: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Posterior:
    """What is known of the shared parameters."""

    mean: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]

    def at(self, parts: Sequence[float], own: Own) -> tuple[float, float]:
        """Return mean and variance of parts · shared + own."""
        rest = [part - taken for part, taken in zip(parts, own.parts, strict=True)]
        level, variance = own.value, own.variance
        for part, value, row in zip(rest, self.mean, self.covariance, strict=True):
            level += part * value
            variance += part * sum(map(mul, row, rest))
        return level, max(variance, 0.0)


class Information:
    """Collects readings; worked with as deviations from the prior's mean."""

    def __init__(self, mean: Sequence[float], errors: Sequence[float]) -> None:
        """Begin with a prior of independent parameters."""
        self._start = tuple(mean)
        self._size = range(len(self._start))
        self._lower = [
            [errors[i] ** -2 if i == k else 0.0 for k in range(i + 1)] for i in self._size
        ]
        self._toward = [0.0] * len(self._start)

    def add(self, readings: Sequence[Reading], spread: float) -> Own:
        """Add the readings of one group, and return what they say of its own.

        What is its own, of variance m², is integrated out: it takes
        (sum x/v)(sum x/v)' / (1/m² + sum 1/v) off the information sum xx'/v (Schur complement).

        Args:
            readings: Of the group; at least one.
            spread: m, how far groups' own values lie apart.
        """
        precision, total, parts = spread**-2, 0.0, [0.0] * len(self._start)
        for reading in readings:
            weight = 1 / reading.variance
            precision += weight
            total += weight * reading.value
            for i in self._size:
                parts[i] += weight * reading.parts[i]
            self._count(reading.parts, reading.value, weight)
        self._count(parts, total, -1 / precision)
        mine = tuple(part / precision for part in parts)
        return Own(1 / precision, total / precision, mine)

    def _count(self, parts: Sequence[float], value: float, weight: float) -> None:
        apart = weight * (value - sum(map(mul, parts, self._start)))
        for i in self._size:
            self._toward[i] += apart * parts[i]
            row, weighted = self._lower[i], weight * parts[i]
            for k in range(i + 1):
                row[k] += weighted * parts[k]

    def posterior(self) -> Posterior:
        """Return what the prior and all readings say together.

        >>> one = Information(mean=[0.0], errors=[1.0])
        >>> own = one.add([Reading(3.0, 0.5, (1.0,)), Reading(3.0, 0.5, (1.0,))], spread=0.5)
        >>> found = one.posterior()
        >>> [round(value, 3) for value in (found.mean[0], *found.at((1.0,), own))]
        [2.0, 2.5, 0.208]
        """
        covariance = inverse(self._lower)
        mean = tuple(
            begin + sum(map(mul, row, self._toward))
            for begin, row in zip(self._start, covariance, strict=True)
        )
        return Posterior(mean, covariance)


def inverse(lower: Sequence[Sequence[float]]) -> tuple[tuple[float, ...], ...]:
    """Return the inverse of a symmetric positive definite matrix, given its lower half.

    By its Cholesky factor.

    >>> [[round(value, 3) for value in row] for row in inverse([[4.0], [2.0, 3.0]])]
    [[0.375, -0.25], [-0.25, 0.5]]
    """
    size = range(len(lower))
    factor = [[0.0] * len(lower) for _ in size]
    for i in size:
        for k in range(i + 1):
            rest = lower[i][k] - sum(map(mul, factor[i][:k], factor[k][:k]))
            factor[i][k] = math.sqrt(rest) if i == k else rest / factor[k][k]
    back = [[0.0] * len(lower) for _ in size]
    for i in size:
        for k in range(i + 1):
            rest = float(i == k) - sum(factor[i][j] * back[j][k] for j in range(k, i))
            back[i][k] = rest / factor[i][i]
    columns = tuple(zip(*back, strict=True))
    return tuple(tuple(sum(map(mul, columns[i], columns[k])) for k in size) for i in size)
