"""The job in its world: steps of one second, a rescale is an outage and a replay.

Processed = min(lag + arrivals, C(p) g(t)). A rescale stops all processing for its outage; then the
records since the last checkpoint come again, and where the engine warms up only the old workers
work at first. Workers are paid from the command on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numba import njit

from daedalus_simulator.domain.world import CPU_NOISE, IDLE_CPU, START, Series, World

_ROUNDING = 1e-3
"""Records within which two sums are the same."""


@dataclass(frozen=True, slots=True)
class Rescale:
    """A change of the scale-out."""

    second: int
    """When it was commanded."""

    before: int
    """Workers before."""

    after: int
    """Workers after."""

    outage: float
    """Seconds without processing."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What may be seen of a job: means over the interval that ends at `second`."""

    second: int
    """Seconds since the start."""

    interval: int
    """Seconds that the means are taken over."""

    scale_out: int
    """Workers that are paid."""

    arrivals: float
    """Records/s."""

    lag: float
    """Records waiting at the end."""

    cpu: Series
    """Per worker, in [0, 1]."""

    throughput: Series
    """Per worker, records/s."""

    uptime: float
    """Seconds since processing began; 0 in an outage."""


class Played(Protocol):
    """What is left of a job that was played to its end: a `Job`, or a record of it."""

    @property
    def world(self) -> World:
        """What the job met."""
        ...

    @property
    def workers(self) -> Series:
        """Workers paid in each second."""
        ...

    @property
    def processed(self) -> Series:
        """Records processed in each second, repeated ones included."""
        ...

    @property
    def lags(self) -> Series:
        """Records waiting at the end of each second."""
        ...

    @property
    def rescales(self) -> Sequence[Rescale]:
        """In the order of time."""
        ...


@dataclass
class Job:
    """One run of a job; a policy drives it by `advance`, `look` and `rescale`."""

    world: World
    scale_out: int = START
    """Workers that are paid."""

    second: int = 0
    """Seconds played; those before it are known."""

    rescales: list[Rescale] = field(default_factory=list)
    lags: Series = field(init=False)
    """Records waiting at the end of each second."""
    processed: Series = field(init=False)
    """Records processed in each second, repeated ones included."""
    workers: Series = field(init=False)
    """Workers paid in each second."""
    down_until: float = 0.0
    """When the latest outage ends, seconds since the start."""
    warm_from: float = 0.0
    """When the workers of the latest scale-up begin to work."""
    _working: int = field(init=False)
    _next: int = field(init=False)
    _lag: float = 0.0
    _replay: float = 0.0
    _noise: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.lags = np.zeros(self.world.seconds)
        self.processed = np.zeros(self.world.seconds)
        self.workers = np.zeros(self.world.seconds)
        self._working = self._next = self.scale_out
        self._noise = np.random.default_rng((self.world.seed, 4))

    @property
    def outage(self) -> float | None:
        """Seconds that the latest rescale stood still; None before it is over, and before any."""
        return self.rescales[-1].outage if self.rescales and self.running else None

    @property
    def over(self) -> bool:
        """Whether the whole trace was played."""
        return self.second >= self.world.seconds

    @property
    def working(self) -> int:
        """Workers that have work, or will have once an outage ends."""
        return self._working

    @property
    def running(self) -> bool:
        """Whether it processes at the end of the seconds played."""
        return self.second >= self.down_until

    @property
    def warming(self) -> bool:
        """Whether new workers have no work yet."""
        return self._working != self._next

    def rescale(self, to: int) -> Rescale | None:
        """Command a scale-out from the next second on; the present one changes nothing."""
        to = min(max(to, 1), self.world.most)
        if to == self.scale_out:
            return None
        up = to > self.scale_out
        outage = self.world.outage(self.second, up=up)
        found = Rescale(self.second, self.scale_out, to, outage)
        self.rescales.append(found)
        if self.running and not self._replay:
            first = max(0, self.second - round(self.world.engine.replay))
            rate = float(self.processed[first : self.second].mean()) if self.second else 0.0
            self._replay = self.world.replay(self.second) * rate
        colder = self.warming and to > self._working  # those that still warm up are not all gone
        self.scale_out = self._next = to
        self.down_until = self.second + outage
        if up and self.world.engine.warm_up:
            self.warm_from = self.down_until + self.world.engine.warm_up
        elif colder:
            self.warm_from = max(self.warm_from, self.down_until)
        else:
            self.warm_from = self.down_until
            self._working = to
        return found

    def advance(self, seconds: int) -> None:
        """Play `seconds` more, or what is left of the trace."""
        until = min(self.second + seconds, self.world.seconds)
        while self.second < until:
            if self.warming and self.second >= self.warm_from:
                self._working = self._next
            if self.running and self._replay:
                self._lag += self._replay
                self._replay = 0.0
            change = until
            for boundary in (self.down_until, self.warm_from):
                if boundary > self.second:
                    change = min(change, int(np.ceil(boundary)))
            self._lag = _play(
                self.world.arrivals[self.second : change],
                self.world.noise[self.second : change] * self.world.capacity(self._working),
                self.down_until - self.second,
                self._lag,
                self.lags[self.second : change],
                self.processed[self.second : change],
            )
            self.workers[self.second : change] = self.scale_out
            self.second = change

    def look(self, interval: int) -> Look:
        """Return what is seen of the last `interval` seconds; readings of CPU are noisy."""
        first = max(0, self.second - interval)
        span = slice(first, self.second)
        rate = float(self.processed[span].mean())
        capacity = self.world.worker_capacity(self._working) * float(self.world.noise[span].mean())
        throughput = np.zeros(self.scale_out)
        working = min(self._working, self.scale_out)
        throughput[:working] = rate * self.world.shares(working)
        noise = CPU_NOISE * self._noise.standard_normal(self.scale_out)
        cpu = np.clip(IDLE_CPU + (1 - IDLE_CPU) * throughput / capacity + noise, 0.0, 1.0)
        return Look(
            second=self.second,
            interval=self.second - first,
            scale_out=self.scale_out,
            arrivals=float(self.world.arrivals[span].mean()),
            lag=self._lag,
            cpu=cpu,
            throughput=throughput,
            uptime=max(0.0, self.second - self.down_until) if self.running else 0.0,
        )


@njit(cache=True)
def _play(  # type: ignore[no-untyped-def]
    arrivals, capacity, down, lag, lags, processed
):
    """Fill `lags` and `processed` for each second; `down` seconds of them are an outage."""
    for second in range(len(arrivals)):
        part = min(max(second + 1 - down, 0.0), 1.0)
        done = min(lag + arrivals[second], capacity[second] * part)
        lag = max(lag + arrivals[second] - done, 0.0)  # below it by rounding
        lags[second] = lag
        processed[second] = done
    return lag


def delays(job: Played) -> Series:
    """Return the FIFO delay of the records of each second, in seconds, shape (seconds,).

    A record leaves when all that came before it has been processed once. Those of a second come
    and go evenly within it; the delay is that of the last of them.
    """
    arrived = job.world.arrivals.cumsum()
    left = np.concatenate([[0.0], np.maximum.accumulate(np.maximum(arrived - job.lags, 0.0))])
    wanted = arrived - _ROUNDING
    after = np.clip(np.searchsorted(left, wanted), 1, len(arrived))
    part = (wanted - left[after - 1]) / np.maximum(left[after] - left[after - 1], _ROUNDING)
    gone = after - 1 + np.clip(part, 0.0, 1.0)
    # The last records of a run may still wait: they leave at what the last workers can do, even
    # where the run ends in an outage; a record may end with none, and is taken to go on with one.
    waiting = wanted > left[-1]
    rate = job.world.capacity(max(int(job.workers[-1]), 1)) if len(arrived) else 1.0
    gone[waiting] = len(arrived) + (arrived[waiting] - left[-1]) / rate
    return np.asarray(np.maximum(gone - np.arange(1, len(arrived) + 1), 0.0))
