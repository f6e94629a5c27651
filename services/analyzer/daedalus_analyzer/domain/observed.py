"""What is remembered of each scale-out, and the CPU that a worker burns when idle.

While CPU-bound, the workers' mean CPU is linear in the job's throughput T, u = b + A_p T: one idle
CPU b for the job, one slope a scale-out. Evenly loaded, the job would be at its limit at u = 1, so
at (1 - b) / A_p records/s (docs/method.md, "Analyze: capacity"). The CPU is regressed on the
throughput: that is counted, the CPU is a noisy reading, and noise in what is regressed on would
flatten the line.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

from daedalus_analyzer.domain.reading import Reading
from daedalus_analyzer.domain.skew import Skew

USUAL_IDLE, USUAL_IDLE_ERROR = 0.09, 0.05
"""Idle CPU before any reading: 0.08 to 0.11 in the method's authors' runs, up to 0.2 elsewhere."""

MOST_IDLE = 0.6
"""No idle CPU above this is believed."""

LEAST_IDLE_ERROR = 0.003
"""Standard error of an idle CPU learned for long."""

LEAST_LOAD = 0.001
"""CPU beyond the idle one that is taken for load at least: less is noise."""

APART = 240.0
"""Seconds after which two readings count as independent: what makes one minute slower than another
lasts for minutes, so that ten of them in a row are no ten proofs."""


class Observed(NamedTuple):
    """What a scale-out was seen to do: weighted sums over its readings, fading."""

    scale_out: int
    """Workers."""

    at: float
    """When it was last seen, seconds since 1970."""

    skew: Skew
    """How unevenly its workers were loaded, when last seen."""

    highest: float = 0.0
    """Highest throughput over a loop, records/s, fading."""

    least: float = 0.0
    """Capacity that its CPU told of while it was cold, records/s, fading: less than the truth."""

    weight: float = 0.0
    """Sum of the weights, each the reciprocal of the variance of a mean CPU."""

    rate: float = 0.0
    """Weighted sum of throughputs T, records/s."""

    cpu: float = 0.0
    """Weighted sum of mean CPUs u."""

    rate_rate: float = 0.0
    """Weighted sum of T²."""

    rate_cpu: float = 0.0
    """Weighted sum of T u."""

    cpu_cpu: float = 0.0
    """Weighted sum of u²."""

    direct: float = 0.0
    """Sum of the weights of saturated readings, each the reciprocal of the variance of a logarithm
    of the capacity."""

    direct_log: float = 0.0
    """Weighted sum of the logarithms of the capacities without skew that those read."""

    def scaled(self, keep: float) -> "Observed":
        """Return it with all weights times `keep`."""
        return self._replace(
            weight=self.weight * keep,
            rate=self.rate * keep,
            cpu=self.cpu * keep,
            rate_rate=self.rate_rate * keep,
            rate_cpu=self.rate_cpu * keep,
            cpu_cpu=self.cpu_cpu * keep,
            direct=self.direct * keep,
            direct_log=self.direct_log * keep,
        )

    def with_reading(
        self, reading: Reading, idle: float, noise: float, wobble: float
    ) -> "Observed":
        """Return it with the mean CPU of a reading, weighted by its variance.

        Two things make a mean CPU err: the noise of each reading of a worker's CPU, and the wobble
        of the capacity itself, which lasts.

        Args:
            reading: With a throughput.
            idle: CPU of an idle worker.
            noise: Standard deviation of one reading of a worker's CPU.
            wobble: Relative standard deviation of the capacity.
        """
        rate, cpu = reading.rate, reading.cpu
        slow = wobble * max(cpu - idle, 0.0)
        variance = noise**2 / max(reading.readings, 1) + slow**2 * repeated(reading.span)
        weight = 1 / variance
        return self._replace(
            weight=self.weight + weight,
            rate=self.rate + weight * rate,
            cpu=self.cpu + weight * cpu,
            rate_rate=self.rate_rate + weight * rate * rate,
            rate_cpu=self.rate_cpu + weight * rate * cpu,
            cpu_cpu=self.cpu_cpu + weight * cpu * cpu,
        )

    def with_direct(self, even: float, span: float, wobble: float) -> "Observed":
        """Return it with a saturated reading of `even` records/s, which covers `span` seconds."""
        weight = 1 / (wobble**2 * repeated(span))
        return self._replace(
            direct=self.direct + weight, direct_log=self.direct_log + weight * math.log(even)
        )

    @property
    def typical(self) -> float:
        """The throughput that its line is read at, records/s; 0 when nothing is known."""
        return self.rate_rate / self.rate if self.rate > 0 else 0.0

    def load(self, idle: float) -> float:
        """Return the CPU beyond the idle one at the typical throughput, A_p T."""
        return self.rate_cpu / self.rate - idle if self.rate > 0 else 0.0


def repeated(span: float) -> float:
    """Return how often a reading over `span` seconds is repeated before another is independent.

    >>> repeated(60.0), repeated(600.0)
    (4.0, 1.0)
    """
    return max(1.0, APART / span) if span > 0 else 1.0


class Idle(NamedTuple):
    """The CPU of a worker without work."""

    cpu: float
    """In [0, 1]."""

    error: float
    """Its standard error."""


class IdleSums(NamedTuple):
    """What is known of the idle CPU: weighted sums over intercepts."""

    weight: float = USUAL_IDLE_ERROR**-2
    """Sum of the weights, each the reciprocal of a variance; at first the prior's."""

    total: float = USUAL_IDLE * USUAL_IDLE_ERROR**-2
    """Weighted sum of the intercepts."""

    def plus(self, other: "IdleSums", times: float = 1.0) -> "IdleSums":
        """Return the sums with others, weighted."""
        return IdleSums(self.weight + times * other.weight, self.total + times * other.total)

    @property
    def idle(self) -> Idle:
        """What the sums say."""
        cpu = min(max(self.total / self.weight, 0.0), MOST_IDLE)
        return Idle(cpu, max(self.weight**-0.5, LEAST_IDLE_ERROR))


def intercept(known: Observed) -> IdleSums:
    """Return what one scale-out tells of the idle CPU that all share.

    Minimising sum w (u - b - A T)² over A leaves b the weight sum w - (sum w T)² / sum w T², and
    the weighted sum sum w u - (sum w T)(sum w T u) / sum w T² (Frisch & Waugh 1933): much where the
    load varied, nothing where it stood still.

    >>> found = Observed(2, 0.0, Skew("a", 1.0, 0.0))
    >>> for rate in (0.0, 100.0, 200.0, 300.0):
    ...     found = found._replace(weight=found.weight + 1e6, rate=found.rate + 1e6 * rate,
    ...         cpu=found.cpu + 1e6 * (0.2 + rate / 500), rate_rate=found.rate_rate + 1e6 * rate**2,
    ...         rate_cpu=found.rate_cpu + 1e6 * rate * (0.2 + rate / 500))
    >>> round(IdleSums().plus(intercept(found)).idle.cpu, 4), IdleSums().idle
    (0.2, Idle(cpu=0.09, error=0.05))
    """
    if known.rate_rate <= 0:
        return IdleSums(known.weight, known.cpu)
    weight = known.weight - known.rate**2 / known.rate_rate
    if weight <= 0:
        return IdleSums(0.0, 0.0)
    return IdleSums(weight, known.cpu - known.rate * known.rate_cpu / known.rate_rate)


class Fit(NamedTuple):
    """How well CPU and throughput lie on lines."""

    explained: float
    """R²: the part of the CPU's variance within scale-outs that the throughput explains."""

    spread: float
    """Standard deviation of the CPU within scale-outs, in [0, 1]."""


def fit(observed: Iterable[Observed]) -> Fit | None:
    """Return how well the lines fit over all scale-outs; None without any spread."""
    weight = explained = squares = 0.0
    for known in observed:
        if known.weight <= 0:
            continue
        rate_rate = known.rate_rate - known.rate**2 / known.weight
        cpu_cpu = known.cpu_cpu - known.cpu**2 / known.weight
        rate_cpu = known.rate_cpu - known.rate * known.cpu / known.weight
        if rate_rate <= 0 or cpu_cpu <= 0:
            continue
        weight += known.weight
        squares += cpu_cpu
        explained += min(max(rate_cpu, 0.0) ** 2 / rate_rate, cpu_cpu)
    if squares <= 0:
        return None
    return Fit(explained / squares, math.sqrt(squares / weight))
