"""Generated workloads, in shares of the peak, one value a second; the same seed, the same shape."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """How a generated workload looks."""

    minutes: float = 80.0
    """Length in minutes of the job's time."""

    seed: int = 1
    """Seed of the noise."""

    noise: float = 0.03
    """Standard deviation of the noise as a share of the rate; it wanders with a minute's memory."""

    low: float = 0.15
    """Share of the peak at the start and the end."""


QUIET = 0.19
"""Share of a rise and fall before it begins to rise: time to learn what a worker can process."""

TOP = 0.6
"""Where its top is, as a share of the whole: real days rise slower than they fall."""

END = 0.92
"""Share after which it is low again."""

SWELL, SWELL_SECONDS = 0.15, 720.0
"""How much the low load goes up and down, as a share of it, and how long one turn takes: at a
load that never moves nobody can learn how throughput follows CPU."""


def rise_and_fall(shape: Shape) -> list[float]:
    """Return a quiet start at `low`, one smooth rise to the peak, and the way back."""
    seconds = round(shape.minutes * 60)

    def clean(second: int) -> float:
        share = second / seconds
        climb = (share - QUIET) / (TOP - QUIET) if share < TOP else (END - share) / (END - TOP)
        height = math.sin(math.pi / 2 * min(1.0, max(0.0, climb))) ** 2
        swell = SWELL * math.sin(2 * math.pi * second / SWELL_SECONDS)
        return shape.low * (1 + swell) * (1 - height) + height

    return _noisy(clean, seconds, shape)


def step(shape: Shape) -> list[float]:
    """Return `low` for the first third, the peak for the second, `low` again."""
    seconds = round(shape.minutes * 60)

    def clean(second: int) -> float:
        return 1.0 if seconds <= 3 * second < 2 * seconds else shape.low

    return _noisy(clean, seconds, shape)


def steady(shape: Shape) -> list[float]:
    """Return the peak all the time."""
    return _noisy(lambda _second: 1.0, round(shape.minutes * 60), shape)


SHAPES: dict[str, Callable[[Shape], list[float]]] = {
    "rise-and-fall": rise_and_fall,
    "step": step,
    "steady": steady,
}


def _noisy(clean: Callable[[int], float], seconds: int, shape: Shape) -> list[float]:
    """Return the clean shape times a first-order autoregression around 1, never negative."""
    source = random.Random(shape.seed)
    memory = math.exp(-1 / 60)
    push = shape.noise * math.sqrt(1 - memory**2)
    wander = 0.0
    rates = []
    for second in range(seconds):
        wander = memory * wander + source.gauss(0, 1) * push
        rates.append(max(0.0, clean(second) * (1 + wander)))
    return rates
