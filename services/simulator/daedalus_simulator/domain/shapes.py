"""Generated workloads by name, seeded: what a trace at hand does not show.

Each is 1 at its highest smoothed minute or so before the peak rate scales it, never negative, and
the same for the same (name, seed, seconds). They stand beside recorded traces in comparisons, so
that nothing is tuned to four recordings.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from zlib import crc32

import numpy as np

from daedalus_simulator.domain.traces import Trace
from daedalus_simulator.domain.world import Series

SECONDS = 6 * 3600
"""How long a generated workload lasts unless told otherwise."""

PEAK = 100_000.0
"""Records/s at the top of a shape unless told otherwise."""

Shape = Callable[[np.random.Generator, Series], Series]
"""(generator, seconds since the start) → the rate as a part of the peak."""


def _sine(_: np.random.Generator, at: Series) -> Series:
    return 0.55 - 0.45 * np.cos(2 * np.pi * at / 7200)


def _noisy_sine(draw: np.random.Generator, at: Series) -> Series:
    return _sine(draw, at) * (1 + _wobble(draw, len(at), 0.06, 30.0))


def _steps(draw: np.random.Generator, at: Series) -> Series:
    """Levels that hold for 15 to 45 min."""
    found = np.empty(len(at))
    begin = 0
    while begin < len(at):
        end = begin + int(draw.uniform(900, 2700))
        found[begin:end] = draw.uniform(0.2, 1.0)
        begin = end
    return found


def _spikes(draw: np.random.Generator, at: Series) -> Series:
    """A low level with a spike of 3 to 10 min each half an hour or so."""
    found = np.full(len(at), 0.25)
    middle = draw.uniform(600, 1800)
    while middle < at[-1]:
        width = draw.uniform(90, 300)
        found += draw.uniform(0.4, 0.75) * np.exp(-0.5 * ((at - middle) / width) ** 2)
        middle += draw.uniform(1200, 3000)
    return found


def _ramp(_: np.random.Generator, at: Series) -> Series:
    """Up in a straight line for two thirds of the time, and down again."""
    top = at[-1] * 2 / 3
    return np.asarray(0.1 + 0.9 * np.where(at < top, at / top, (at[-1] - at) / (at[-1] - top)))


def _random_walk(draw: np.random.Generator, at: Series) -> Series:
    """A level that wanders within bounds, smooth over a minute."""
    steps = draw.standard_normal(len(at) // 60 + 2) * 0.03
    level, levels = 0.5, []
    for step in steps:
        level += step
        # Thrown back by the bounds, so that it neither leaves nor sticks to them.
        level = abs(level - 0.1) + 0.1
        level = 1.0 - abs(1.0 - level)
        levels.append(level)
    return np.asarray(np.interp(at, 60.0 * np.arange(len(levels)), levels))


def _days(draw: np.random.Generator, at: Series) -> Series:
    """Days of two hours: a low night, a steep morning, a plateau, a second peak."""
    hour = (at / 7200 * 24) % 24
    hours = [0, 5, 8, 12, 15, 19, 22, 24]
    parts = [0.15, 0.1, 0.6, 0.75, 0.65, 1.0, 0.4, 0.15]
    return np.interp(hour, hours, parts) * (1 + _wobble(draw, len(at), 0.02, 120.0))


def _flash_crowd(draw: np.random.Generator, at: Series) -> Series:
    """A calm level, and twice a crowd that comes within 2 min and leaves over half an hour."""
    found = 0.25 + 0.05 * np.sin(2 * np.pi * at / 5400)
    for part in (0.25, 0.65):
        since = at - (part + draw.uniform(0, 0.15)) * at[-1]
        rise = np.clip(since / 120, 0, 1)
        found += draw.uniform(0.5, 0.7) * rise * np.exp(-np.maximum(since - 120, 0) / 1500)
    return found


def _noisy(draw: np.random.Generator, at: Series) -> Series:
    """A wave under gusts that last minutes, and noise from second to second."""
    wave = 0.5 + 0.25 * np.sin(2 * np.pi * at / 10800)
    gusts = _wobble(draw, len(at), 0.12, 240.0) + _wobble(draw, len(at), 0.08, 1.0)
    return wave * (1 + gusts)


def _flat(draw: np.random.Generator, at: Series) -> Series:
    return 0.6 * (1 + _wobble(draw, len(at), 0.02, 60.0))


SHAPES: Mapping[str, Shape] = MappingProxyType(
    {
        "sine": _sine,
        "noisy-sine": _noisy_sine,
        "steps": _steps,
        "spikes": _spikes,
        "ramp": _ramp,
        "random-walk": _random_walk,
        "days": _days,
        "flash-crowd": _flash_crowd,
        "noisy": _noisy,
        "flat": _flat,
    }
)
"""By name."""


def generate(name: str, seed: int = 0, seconds: int = SECONDS, peak: float = PEAK) -> Trace:
    """Return a generated workload.

    Args:
        name: One of `SHAPES`.
        seed: Of its chance; another seed is another workload of the same kind.
        seconds: How long it is, 60 or more.
        peak: Records/s at about its highest.

    Raises:
        ValueError: There is no such shape, or it is too short.
    """
    if name not in SHAPES:
        raise ValueError(f"{name!r} is no shape; there are {', '.join(SHAPES)}")
    if seconds < 60:
        raise ValueError(f"{seconds} s are too short for a workload; 60 or more")
    draw = np.random.default_rng((seed, crc32(name.encode())))
    parts = SHAPES[name](draw, np.arange(seconds, dtype=np.float64))
    return Trace(name, np.round(np.maximum(parts, 0.0) * peak))


def _wobble(draw: np.random.Generator, seconds: int, deviation: float, tau: float) -> Series:
    """Return first-order autoregressive noise, its deviation and its correlation time (s)."""
    keeps = float(np.exp(-1 / tau))
    fresh = draw.standard_normal(seconds) * deviation * np.sqrt(1 - keeps**2)
    found, level = np.empty(seconds), 0.0
    for second, value in enumerate(fresh):
        level = keeps * level + value
        found[second] = level
    return found
