"""How much hotter than the mean the hottest of q workers will be, where that was not seen.

Two causes: shares spread (the hottest is the largest of q draws), and one key may be heavy: the
worker that has it gets its whole part of the records, however many workers share the rest.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from daedalus_analyzer.domain.skew import Skew

SPREAD, SPREAD_ERROR = 0.15, 0.08
"""Prior of how far shares spread around the mean, in parts of it, evenly."""

OUTLIER = 4.0
"""Times the usual distance between the two hottest from which on it is put down to a heavy key:
that far happens by chance once in fifty."""


def largest(scale_out: int) -> tuple[float, float]:
    """Return mean and deviation of the largest of n draws from an even spread of -1 to 1.

    >>> largest(1), [round(value, 3) for value in largest(3)]
    ((0.0, 0.0), [0.5, 0.387])
    """
    if scale_out < 2:
        return 0.0, 0.0
    more = scale_out + 1
    return (scale_out - 1) / more, 2 * math.sqrt(scale_out / (more**2 * (scale_out + 2)))


class Unevenness(NamedTuple):
    """What the skews seen tell of the others."""

    spread: float
    """How far shares spread around the mean, in parts of it."""

    error: float
    """Its standard error."""

    heavy: float
    """Part of all records that a heavy key has; 0 without one."""

    @classmethod
    def of(cls, seen: Iterable[tuple[int, Skew]]) -> "Unevenness":
        """Return what the skews of some scale-outs tell.

        The more workers, the clearer a heavy key stands out: parts are weighted by (n - 1)².

        >>> Unevenness.of([]).at(1), round(Unevenness.of([]).at(8)[0], 3)
        ((1.0, 0.0), 1.117)
        >>> even = Unevenness.of([(4, Skew("a", 1.0, 0.0, 1.0)), (8, Skew("b", 1.0, 0.0, 1.0))])
        >>> round(even.spread, 2), even.heavy
        (0.02, 0.0)
        >>> hot = Unevenness.of([(4, Skew("a", 1.6, 0.0, 1.0)), (8, Skew("b", 2.4, 0.0, 1.0))])
        >>> round(hot.heavy, 3), round(hot.at(16)[0], 3)
        (0.2, 4.0)
        """
        weight = SPREAD_ERROR**-2
        total = SPREAD * weight
        heavy = certainty = 0.0
        for scale_out, skew in seen:
            mean, deviation = largest(scale_out)
            if mean <= 0:
                continue
            usual = 2 * SPREAD / (scale_out + 1)
            highest = skew.factor
            certainty += (scale_out - 1) ** 2
            if skew.factor - skew.second > OUTLIER * usual:
                # it has the key's part h beside its even share of the rest: 1 - h + h n times
                part = (skew.factor - 1) / (scale_out - 1)
                heavy += (scale_out - 1) ** 2 * part
                highest = skew.second / max(1 - part, 0.1)
            precision = (SPREAD * deviation) ** -2
            weight += precision * mean**2
            total += precision * mean * (highest - 1)
        spread = max(total / weight, 0.0)
        return cls(spread, weight**-0.5, heavy / certainty if certainty else 0.0)

    def at(self, scale_out: int) -> tuple[float, float]:
        """Return the factor expected of a scale-out, and its relative standard error."""
        mean, deviation = largest(scale_out)
        spread = 1 + self.spread * mean
        light = 1 - self.heavy
        factor = max(light * spread, light + self.heavy * scale_out)
        error = math.hypot(self.error * mean, self.spread * deviation)
        return factor, light * error / factor
