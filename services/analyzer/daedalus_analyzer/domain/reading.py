"""What a stretch of looks at one scale-out says of its capacity: one reading."""

from dataclasses import dataclass, field
from typing import NamedTuple

from daedalus_analyzer.domain.samples import Look
from daedalus_analyzer.domain.skew import LEAST_RATE, Skew, WorkerLoad
from daedalus_shared.policy import LEAST_LOOKS

HOT = 0.9
"""CPU of the hottest worker from which on a lag of a second means that the job is saturated."""

WAITING = 1.0
"""Seconds of arrivals that wait in a saturated job, beside hot workers."""

DEEP = 30.0
"""The same whatever the CPU, beside what a job may have processed without having said so: its
offsets are committed once a checkpoint interval, and late by several where the machine is busy."""


class Reading(NamedTuple):
    """The means over a stretch of looks."""

    scale_out: int
    """Workers that had work."""

    at: float
    """Its end, seconds since 1970."""

    span: float
    """Seconds that its looks cover."""

    cold: bool
    """Whether the job had only just started: slower than it will be."""

    throughput: float | None
    """Of the job, records/s, where its CPU is known too; None when no look was usable."""

    cpu: float
    """Mean of the workers' CPU, in [0, 1]."""

    readings: int
    """Readings of a worker's CPU that `cpu` is the mean of."""

    scatter: float
    """Sum of the squared deviations of those readings from a line on the worker's throughput."""

    freedom: int
    """Degrees of freedom of `scatter`."""

    processed: float
    """Highest mean of the job's throughput over the looks of the stretch, records/s."""

    saturated: float | None
    """Mean throughput of the looks in which the job was saturated, records/s; None without."""

    saturated_span: float
    """Seconds that those looks cover."""

    skew: Skew | None
    """Over the time since the workers last changed."""

    @property
    def rate(self) -> float:
        """The throughput, records/s; 0 where there is none, or none to speak of."""
        return self.throughput if self.throughput and self.throughput >= LEAST_RATE else 0.0


@dataclass(slots=True)
class _Sums:
    """One worker's looks."""

    part: float = 0.0
    whole: float = 0.0
    readings: int = 0
    cpu: float = 0.0
    rate: float = 0.0
    cpu_cpu: float = 0.0
    cpu_rate: float = 0.0
    rate_rate: float = 0.0


@dataclass(slots=True)
class Stretched:
    """Collects the looks of one reading."""

    scale_out: int
    """Workers that have work."""

    cold: bool
    """Whether the job had only just started."""

    committed: float
    """Seconds of records that may count as waiting though they are processed."""

    start: float
    """When the interval of the first look began, seconds since 1970."""

    end: float = 0.0
    """When the newest look was taken, seconds since 1970."""

    looks: int = 0
    """Looks with a known throughput."""

    rates: float = 0.0
    """Sum of the job's throughput."""

    pairs: list[tuple[float, float]] = field(default_factory=list)
    """Throughput of the job and mean CPU, of each look that knows them."""

    saturated: list[float] = field(default_factory=list)
    """Throughput of each look that was saturated."""

    saturated_span: float = 0.0
    """Seconds that those cover."""

    workers: dict[str, _Sums] = field(default_factory=dict)
    """Per worker."""

    _before: tuple[float, float | None, bool] | None = None

    def add(self, workers: tuple[str, ...], look: Look) -> None:
        """Take one more look, in which the job runs at this scale-out."""
        self.end = look.at
        full = self._full(look)
        before, self._before = self._before, (look.at, look.lag, full)
        total = look.processed
        if total is None and before is not None:
            total = _drained(look, *before[:2])
        if total is None:
            return
        self.looks += 1
        self.rates += total
        # Both ends must wait: a look that ends a lull, or in which the queue empties, is no limit.
        if full and before is not None and before[2]:
            self.saturated.append(total)
            self.saturated_span += look.at - before[0]
        self._worker_sums(workers, look, total, usable=not full)

    def _full(self, look: Look) -> bool:
        if look.lag is None or not look.workload:
            return False
        hottest = max((cpu for cpu in look.cpu if cpu is not None), default=0.0)
        waiting = look.lag / look.workload
        return waiting > DEEP + self.committed or (hottest >= HOT and waiting > WAITING)

    def _worker_sums(
        self, workers: tuple[str, ...], look: Look, total: float, *, usable: bool
    ) -> None:
        known, cpus, rates = 0, 0.0, 0.0
        for worker, cpu, rate in zip(workers, look.cpu, look.throughput, strict=True):
            if rate is None:
                continue
            sums = self.workers.get(worker)
            if sums is None:
                sums = self.workers[worker] = _Sums()
            sums.part += rate
            sums.whole += total
            if cpu is not None:
                known += 1
                cpus += cpu
                rates += rate
                sums.readings += 1
                sums.cpu += cpu
                sums.rate += rate
                sums.cpu_cpu += cpu * cpu
                sums.cpu_rate += cpu * rate
                sums.rate_rate += rate * rate
        quiet = total > 0 or not look.workload
        # Where some workers' CPU is unknown, the others stand for them.
        if usable and quiet and known and 2 * known >= len(workers):
            self.pairs.append((rates / known * len(workers), cpus / known))

    def merged(self, loads: dict[str, WorkerLoad]) -> None:
        """Count the looks into the workers' loads; a cold worker's CPU tells little."""
        for worker, sums in self.workers.items():
            before = loads.get(worker, WorkerLoad(worker, self.end)).faded(self.end)
            after = before._replace(part=before.part + sums.part, whole=before.whole + sums.whole)
            if not self.cold:
                after = after._replace(
                    readings=before.readings + sums.readings,
                    throughput=before.throughput + sums.rate,
                    cpu=before.cpu + sums.cpu,
                )
            loads[worker] = after

    def reading(self, skew: Skew | None) -> Reading | None:
        """Return the reading; None with too few looks."""
        if self.looks < LEAST_LOOKS:
            return None
        pairs = self.pairs if len(self.pairs) >= LEAST_LOOKS else []
        scatter, freedom = self._scatter()
        count = len(pairs)
        known = sum(sums.readings for sums in self.workers.values())
        return Reading(
            scale_out=self.scale_out,
            at=self.end,
            span=(self.end - self.start) * count / self.looks,
            cold=self.cold,
            throughput=sum(rate for rate, _ in pairs) / count if count else None,
            cpu=sum(cpu for _, cpu in pairs) / count if count else 0.0,
            readings=round(known * count / self.looks),
            scatter=scatter,
            freedom=freedom,
            processed=self.rates / self.looks,
            saturated=sum(self.saturated) / len(self.saturated)
            if len(self.saturated) >= LEAST_LOOKS
            else None,
            saturated_span=self.saturated_span,
            skew=skew,
        )

    def _scatter(self) -> tuple[float, int]:
        """Return the squares that a common slope of CPU on throughput leaves, and their freedom."""
        cpu_cpu = cpu_rate = rate_rate = 0.0
        freedom = -1
        for sums in self.workers.values():
            if sums.readings > 1:
                count = sums.readings
                cpu_cpu += sums.cpu_cpu - sums.cpu * sums.cpu / count
                cpu_rate += sums.cpu_rate - sums.cpu * sums.rate / count
                rate_rate += sums.rate_rate - sums.rate * sums.rate / count
                freedom += count - 1
        if freedom <= 0:
            return 0.0, 0
        explained = cpu_rate * cpu_rate / rate_rate if rate_rate > 0 else 0.0
        return max(cpu_cpu - explained, 0.0), freedom


def _drained(look: Look, at: float, lag: float | None) -> float | None:
    """Return the throughput as arrivals minus the growth of the lag, where workers do not tell."""
    if lag is None or look.lag is None or look.workload is None:
        return None
    return max(look.workload - (look.lag - lag) / (look.at - at), 0.0)
