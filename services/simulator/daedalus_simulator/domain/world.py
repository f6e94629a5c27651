"""All that a simulated job does not decide: arrivals, true capacities, noise, outages.

A world is drawn once from (arrivals, engine, seed), so that every policy meets the same one
(docs/method.md, The simulated job).
"""

import math
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from daedalus_simulator.domain.engines import Engine

Series: TypeAlias = NDArray[np.float64]

MOST = 18
"""Workers at most."""

START = 12
"""Workers at the start, and of the static policy."""

CONTENTION, COHERENCY = 0.0055, 0.0002
"""How much each further worker slows the others: c(p) = c1 / (1 + s (p - 1) + k p (p - 1))."""

NEEDED, TYPICAL_SKEW = 8.5, 1.12
"""The highest 60-s mean needs so many workers, where the hottest has so many times its share."""

UNEVEN = 0.15
"""Shares of the workers are drawn from 1 ± this."""

NOISE, NOISE_TAU = 0.015, 120.0
"""Standard deviation and correlation time (s) of the capacity's noise."""

BLOCK = 300
"""Seconds for which one draw of the outage holds."""

IDLE_CPU, CPU_NOISE = 0.09, 0.02
"""CPU of a worker without work, and the deviation of a reading."""


def slowed(scale_out: float) -> float:
    """Return c1 / c(p): how much slower one of `scale_out` workers is than one alone."""
    others = scale_out - 1
    return 1 + CONTENTION * others + COHERENCY * scale_out * others


class World:
    """What a job meets."""

    def __init__(self, arrivals: Series, engine: Engine, seed: int, most: int = MOST) -> None:
        """Draw a world.

        Args:
            arrivals: Records that arrive in each second, shape (seconds,).
            engine: What a rescale costs.
            seed: Of all draws.
            most: Workers at most.
        """
        self.arrivals = np.ascontiguousarray(arrivals, dtype=np.float64)
        self.engine = engine
        self.seed = seed
        self.most = most
        self.seconds = len(arrivals)
        sums = np.concatenate([[0.0], self.arrivals.cumsum()])
        window = min(60, self.seconds)
        peak = float((sums[window:] - sums[:-window]).max()) / window
        self.single = max(peak, 1.0) * TYPICAL_SKEW * slowed(NEEDED) / NEEDED
        """c1, records/s of one worker alone."""
        self._shares: dict[int, Series] = {}

    @cached_property
    def noise(self) -> Series:
        """g(t), the factor on every capacity in each second."""
        draw = np.random.default_rng((self.seed, 1)).standard_normal(self.seconds)
        keeps = math.exp(-1 / NOISE_TAU)
        fresh = NOISE * math.sqrt(1 - keeps**2)
        found = np.empty(self.seconds)
        level = NOISE * draw[0] if self.seconds else 0.0
        for second in range(self.seconds):
            level = keeps * level + fresh * draw[second]
            found[second] = 1 + level
        return found

    def worker_capacity(self, scale_out: int) -> float:
        """Return c(p), the records/s of one of `scale_out` workers."""
        return self.single / slowed(scale_out)

    def shares(self, scale_out: int) -> Series:
        """Return each worker's share of the records; they sum to 1."""
        if scale_out not in self._shares:
            draw = np.random.default_rng((self.seed, 2, scale_out))
            found = draw.uniform(1 - UNEVEN, 1 + UNEVEN, scale_out)
            found /= found.sum()
            found.flags.writeable = False
            self._shares[scale_out] = found
        return self._shares[scale_out]

    def capacity(self, scale_out: int) -> float:
        """Return C(p) = c(p) / largest share: all workers stop at the hottest."""
        return self.worker_capacity(scale_out) / float(self.shares(scale_out).max())

    def outage(self, second: int, *, up: bool) -> float:
        """Return the seconds of outage of a rescale commanded in `second`."""
        nominal = self.engine.outage_up if up else self.engine.outage_down
        return nominal * float(self._draw(second).uniform(0.7, 1.3))

    def replay(self, second: int) -> float:
        """Return the seconds of processed records that are processed again after that outage."""
        draw = self._draw(second)
        draw.uniform()
        return self.engine.replay * float(draw.uniform())

    def _draw(self, second: int) -> np.random.Generator:
        return np.random.default_rng((self.seed, 3, second // BLOCK))
