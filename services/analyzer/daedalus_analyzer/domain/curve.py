"""The capacity of all scale-outs from what was observed: a sub-linear curve with its uncertainty.

Without skew, the capacity of q workers is exp(level) q^power (1 + 0.05 (q - 1))^-contention times
what is particular to q: a power law whose losses grow with the workers, which Gunther's Universal
Scalability Law ("Guerrilla Capacity Planning", 2007, ch. 4) is close to, and linear in its
parameters once logarithms are taken. Beside the curve it holds what all CPU readings share: the
error of the idle CPU, and what a bent relation of CPU and throughput misjudges. Saturated readings
have neither, so they correct both.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from daedalus_analyzer.domain.gaussian import Information, Own, Posterior, Reading
from daedalus_analyzer.domain.observed import LEAST_LOAD, MOST_IDLE, Idle, Observed
from daedalus_analyzer.domain.skew import Skew
from daedalus_analyzer.domain.unevenness import Unevenness

POWER, POWER_ERROR = 0.98, 0.03
"""Prior of the power: with the contention, ten workers gain like q^0.94 to q^0.95."""

CONTENTION, CONTENTION_ERROR, PART = 0.12, 0.12, 0.05
"""Prior of the contention, and the part (1 / workers) from which on it bends the curve."""

PARTICULAR = 0.01
"""What one scale-out may differ by from the curve, skew aside."""

BENT = 0.02
"""Prior error of a capacity read off idle CPUs, in parts: relations of CPU and throughput bend."""

BENT_LEAST = 0.2
"""Part of it that is left at full CPU."""

POORLY_BENT = 0.3
"""The same where the lines fit poorly."""

TOO_VAGUE = 0.3
"""Relative error of a reading from which on it only bounds the capacity from below."""

LEVEL_ERROR = 3.0
"""Prior error of the level's logarithm: none to speak of."""

UNSEEN = Own(PARTICULAR**2, 0.0, (0.0,) * 5)
"""What is particular to a scale-out without a reading. Shared by all are five parameters: level,
power, contention, the error of the idle CPU, and the bend."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The capacity of a scale-out."""

    capacity: float
    """Records/s."""

    error: float
    """Its standard error, records/s."""

    even: float
    """Records/s if all workers were equally loaded."""


def _shape(scale_out: int) -> tuple[float, float]:
    return math.log(scale_out), -math.log1p(PART * (scale_out - 1))


@dataclass(frozen=True, slots=True)
class Curve:
    """The posterior, given the readings of all scale-outs."""

    idle: Idle
    """The idle CPU, refined by what the scale-outs tell together."""

    bent: float
    """How far capacities read off an idle CPU were seen to be too high (or, negative, too low)."""

    _posterior: Posterior
    _own: Mapping[int, Own]
    _skews: Mapping[int, Skew]
    _unevenness: Unevenness

    @classmethod
    def of(cls, observed: Sequence[Observed], idle: Idle, *, linear: bool) -> "Curve | None":
        """Return the posterior; None when no reading is precise enough.

        Args:
            observed: Each scale-out that was seen.
            idle: The idle CPU.
            linear: Whether CPU and throughput are known of no poor fit.
        """
        found = {known.scale_out: _readings(known, idle) for known in observed}
        first = next((readings[0] for readings in found.values() if readings), None)
        if first is None:
            return None
        level = first.value - first.parts[1] * POWER - first.parts[2] * CONTENTION
        bent = BENT if linear else POORLY_BENT
        information = Information(
            mean=(level, POWER, CONTENTION, 0.0, 0.0),
            errors=(LEVEL_ERROR, POWER_ERROR, CONTENTION_ERROR, idle.error, bent),
        )
        own = {
            scale_out: information.add(readings, PARTICULAR)
            for scale_out, readings in found.items()
            if readings
        }
        posterior = information.posterior()
        skews = {known.scale_out: known.skew for known in observed}
        cpu = min(max(idle.cpu + posterior.mean[3], 0.0), MOST_IDLE)
        return cls(
            idle=Idle(cpu, math.sqrt(posterior.covariance[3][3])),
            bent=posterior.mean[4],
            _posterior=posterior,
            _own=own,
            _skews=skews,
            _unevenness=Unevenness.of(skews.items()),
        )

    def at(self, scale_out: int) -> Estimate:
        """Return the capacity of a scale-out, observed or not."""
        parts = (1.0, *_shape(scale_out), 0.0, 0.0)
        level, variance = self._posterior.at(parts, self._own.get(scale_out, UNSEEN))
        seen = self._skews.get(scale_out)
        factor, error = (
            (seen.factor, seen.error) if seen is not None else self._unevenness.at(scale_out)
        )
        even = math.exp(min(max(level, -700.0), 700.0))
        capacity = even / factor
        return Estimate(capacity, capacity * math.sqrt(variance + error**2), even)


def _readings(known: Observed, idle: Idle) -> list[Reading]:
    """Return logarithms of the capacity without skew: by the CPU, and by what was processed."""
    found = []
    shape = (1.0, *_shape(known.scale_out))
    load = known.load(idle.cpu)
    if load >= LEAST_LOAD:
        variance = known.typical / known.rate / load**2
        of_idle = 1 / (1 - idle.cpu) - 1 / load
        if variance < TOO_VAGUE**2 and idle.error * abs(of_idle) < TOO_VAGUE:
            free = max(1 - idle.cpu - load * known.skew.factor, 0.0) / (1 - idle.cpu)
            of_bent = BENT_LEAST + (1 - BENT_LEAST) * free
            even = math.log((1 - idle.cpu) * known.typical / load)
            found.append(Reading(even, variance, (*shape, of_idle, of_bent)))
    if known.direct > 0:
        even = known.direct_log / known.direct
        found.append(Reading(even, 1 / known.direct, (*shape, 0.0, 0.0)))
    return found
