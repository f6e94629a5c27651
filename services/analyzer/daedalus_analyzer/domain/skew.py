"""How unevenly the workers are loaded, from their shares of the records and from their CPU.

All workers stop at the hottest, so that the job's capacity is what evenly loaded workers would do,
divided by how many times its share the hottest carries (docs/method.md, "Analyze: capacity").
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

HALF_LIFE = 900.0
"""Seconds after which a look counts half in a worker's share: hot keys move, but not each minute,
and one minute's share is a noisy figure."""

LEAST_ERROR = 0.003
"""Relative standard error of a skew that was seen for long: shares wobble."""

LEAST_RATE = 1e-6
"""Records/s that are taken for work at least: less is one in eleven days."""

LEAST_BUSY = 1e-9
"""CPU above idle below which nothing can be said of what a record costs."""


class WorkerLoad(NamedTuple):
    """What one worker did since the scale-out or the workers last changed, fading."""

    id: str
    """The engine's name of it."""

    seen: float
    """When it was last listed, seconds since 1970."""

    at: float = 0.0
    """When the newest look counted, seconds since 1970."""

    part: float = 0.0
    """Sum of its throughput, records/s, over the looks that know it."""

    whole: float = 0.0
    """Sum of the job's throughput in those looks, records/s."""

    readings: float = 0.0
    """Looks that know its throughput and its CPU."""

    throughput: float = 0.0
    """Sum of its throughput in those, records/s."""

    cpu: float = 0.0
    """Sum of its CPU in those."""

    def faded(self, at: float) -> "WorkerLoad":
        """Return the sums as they count at `at`."""
        keep = 0.5 ** (max(at - self.at, 0.0) / HALF_LIFE) if self.at else 0.0
        return self._replace(
            at=at,
            part=self.part * keep,
            whole=self.whole * keep,
            cpu=self.cpu * keep,
            throughput=self.throughput * keep,
            readings=self.readings * keep,
        )


class Skew(NamedTuple):
    """The hottest worker against the mean."""

    hottest: str
    """Its id."""

    factor: float
    """How many times its equal share the hottest carries, in CPU; at least 1."""

    error: float
    """Relative standard error of `factor`."""

    second: float = 1.0
    """How many times its equal share the second hottest carries; that of the hottest if alone."""


def skew(loads: Sequence[WorkerLoad], idle: float, noise: float) -> Skew | None:
    """Return who is hottest and by how much; None when no worker has processed anything.

    A worker's load is its share of the records times what a record costs it, compared with the
    mean. Shares are counted, costs are read off noisy CPUs, (u - idle) / T. Where the costs differ
    by no more than the noise explains, they are taken as equal (James & Stein 1961, positive part:
    deviations shrink by 1 - (n - 1) / chi²), so that the hottest is not just the noisiest.

    Args:
        loads: All workers of the job.
        idle: CPU of a worker without work, in [0, 1].
        noise: Standard deviation of one reading of a worker's CPU.

    >>> loads = [WorkerLoad(w, 0.0, part=part, whole=1000.0, readings=10.0, throughput=part, cpu=5)
    ...          for w, part in (("a", 600.0), ("b", 400.0))]
    >>> skew(loads, idle=0.1, noise=1.0)
    Skew(hottest='a', factor=1.2, error=0.003, second=0.8)
    """
    shares = {load.id: load.part / load.whole for load in loads if load.whole > 0}
    total = math.fsum(shares.values())
    if total <= 0:
        return None
    costs = _costs(loads, idle, noise)
    carried = {
        worker: share / total * len(loads) * costs.get(worker, (1.0, 0.0))[0]
        for worker, share in shares.items()
    }
    ranked = sorted(carried, key=lambda worker: (-carried[worker], worker))
    error = math.hypot(costs.get(ranked[0], (1.0, 0.0))[1], LEAST_ERROR)
    mean = math.fsum(carried.values()) / len(loads)
    if not mean > 0:
        return None
    first, second = (round(carried[worker] / mean, 6) for worker in (ranked * 2)[:2])
    return Skew(ranked[0], max(first, 1.0), error, second)


def _costs(
    loads: Sequence[WorkerLoad], idle: float, noise: float
) -> dict[str, tuple[float, float]]:
    """Return each worker's cost of a record against the mean, with its standard error."""
    known = [
        load
        for load in loads
        if load.readings > 0 and load.throughput >= LEAST_RATE * load.readings
    ]
    busy = math.fsum(load.cpu - idle * load.readings for load in known)
    if len(known) < 2 or busy < LEAST_BUSY:
        return {}
    usual = busy / math.fsum(load.throughput for load in known)
    found = {}
    for load in known:
        busy = load.cpu - idle * load.readings
        expected = usual * load.throughput
        if not expected > 0:
            return {}
        found[load.id] = (busy / expected, noise * math.sqrt(load.readings) / expected)
    unlike = math.fsum(((cost - 1) / error) ** 2 for cost, error in found.values() if error > 0)
    believed = max(0.0, 1 - (len(known) - 1) / unlike) if unlike > 0 else 0.0
    return {
        worker: (max(1 + believed * (cost - 1), 0.0), believed * error)
        for worker, (cost, error) in found.items()
    }
