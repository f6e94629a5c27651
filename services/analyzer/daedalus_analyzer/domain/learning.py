"""What the looks of a loop teach: readings of the capacity, who is hottest, who has no work."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from daedalus_analyzer.domain import warming
from daedalus_analyzer.domain.balance import Point
from daedalus_analyzer.domain.reading import Reading, Stretched
from daedalus_analyzer.domain.samples import Look, Stretch
from daedalus_analyzer.domain.skew import Skew, WorkerLoad, skew
from daedalus_analyzer.domain.warming import Warming


@dataclass(slots=True)
class Learner:
    """Folds looks in the order of time; made for one tick, from what the state remembers."""

    warm_up: float
    """Seconds after a change or a restart in which a job is cold."""

    window: float
    """Start of the loop that the tick ends, seconds since 1970."""

    committed: float
    """Seconds of records that may count as waiting though they are processed."""

    idle: float
    """CPU of an idle worker, in [0, 1]."""

    noise: float
    """Standard deviation of one reading of a worker's CPU."""

    loads: dict[str, WorkerLoad]
    """Per worker, since the scale-out last changed."""

    scale_out: int | None
    """The newest known."""

    scale_out_since: float | None
    """When it was last seen to change, seconds since 1970; None when no change was seen."""

    cold_since: float | None
    """When workers last changed or got work, seconds since 1970; None when that was not seen."""

    warming: Warming | None
    """The scale-up whose new workers are awaited."""

    sampled: float | None
    """When the newest look before these was taken; None when there was none."""

    readings: list[Reading] = field(default_factory=list)
    """What the looks say of the capacity, in the order of time."""

    warm_ups: list[float] = field(default_factory=list)
    """Seconds after which the new workers of a scale-up were seen to work."""

    points: list[Point] = field(default_factory=list)
    """Arrivals against throughput, one a look."""

    workload: list[tuple[float, float]] = field(default_factory=list)
    """(seconds since 1970, records/s) of the loop."""

    present: tuple[str, ...] = ()
    """The workers listed last in the loop."""

    cold: bool = False
    """Whether the newest look was taken soon after a change or a restart."""

    without_work: int = 0
    """New workers that had no work in the newest look."""

    skew: Skew | None = None
    """Who was hottest in the newest reading, and by how much; None without any."""

    stretch: Stretched | None = None
    """The looks of the reading that is being made."""

    _listed: tuple[str, ...] = ()
    """Workers of that reading."""

    def fold(self, stretches: Iterable[Stretch]) -> None:
        """Learn from all looks."""
        for stretch in stretches:
            for look in stretch.looks:
                self._look(stretch, look)
                self.sampled = look.at
            self._seen(stretch)
        self._close()

    def _look(self, stretch: Stretch, look: Look) -> None:
        self._changes(stretch, look)
        since = [began for began in stretch.since if began is not None]
        young = min((look.at - began for began in since), default=self.warm_up)
        self.cold = (
            young < self.warm_up
            or (look.uptime is not None and look.uptime < self.warm_up)
            or (self.cold_since is not None and look.at - self.cold_since < self.warm_up)
        )
        self.points.append(
            Point(look.at, look.residual, look.workload, look.lag, steady=not self.cold)
        )
        if look.at > self.window:
            if stretch.workers:
                self.present = stretch.workers
            if look.workload is not None:
                self.workload.append((look.at, look.workload))
        self._collect(stretch.workers, look)

    def _changes(self, stretch: Stretch, look: Look) -> None:
        """Notice another scale-out, new workers, and new workers that got work."""
        if look.scale_out is not None and look.scale_out != self.scale_out:
            if self.scale_out is not None:
                self._close()
                self.warming = self._awaited(look.at, look.scale_out)
                self.scale_out_since = self.cold_since = look.at
                self.loads.clear()
            self.scale_out = look.scale_out
        for worker in stretch.workers:
            if worker not in self.loads:
                if self.sampled is not None:
                    self.cold_since = look.at
                self.loads[worker] = WorkerLoad(worker, look.at)
        self.without_work = 0
        if self.warming is not None:
            whole = self.warming.whole
            self.warming, over = warming.step(self.warming, look.at, look.uptime, look.throughput)
            if over is not None and whole:
                self.warm_ups.append(over)
            if over:
                self._close()
                self.cold_since = look.at
                self.loads = {w: WorkerLoad(w, look.at) for w in stretch.workers}
            if self.warming is not None:
                self.without_work = len(stretch.workers) - len(warming.at_work(look.throughput))

    def _awaited(self, at: float, scale_out: int) -> Warming | None:
        """Return whose work is awaited at a change to `scale_out`: new ones, or still the last."""
        known = self.scale_out or 0
        before = known if self.warming is None else self.warming.before
        if scale_out > known:
            return Warming(at, before)
        return Warming(at, before, whole=False) if scale_out > before else None

    def _collect(self, workers: tuple[str, ...], look: Look) -> None:
        """Add a look to the reading of its scale-out, or end the reading."""
        began = self.sampled if self.sampled is not None else look.at
        partly = look.uptime is not None and look.uptime < look.at - began
        still = look.workload != 0 and look.processed == 0
        if partly or still or not workers or len(workers) != self.scale_out:
            self._close()
            return
        at_work = len(workers) - self.without_work
        if self.without_work:
            if self.warming is None or at_work != self.warming.before:
                self._close()
                return
            workers, look = _at_work(workers, look)
        if self.stretch is not None and (self.stretch.scale_out, self.stretch.cold) != (
            at_work,
            self.cold,
        ):
            self._close()
        if self.stretch is None:
            self.stretch = Stretched(at_work, self.cold, self.committed, began)
        self._listed = workers
        self.stretch.add(workers, look)

    def _close(self) -> None:
        """End the reading."""
        if self.stretch is None:
            return
        self.stretch.merged(self.loads)
        loads = [self.loads[worker] for worker in self._listed]
        self.skew = skew(loads, self.idle, self.noise)
        reading = self.stretch.reading(self.skew)
        if reading is not None:
            self.readings.append(reading)
        self.stretch = None

    def _seen(self, stretch: Stretch) -> None:
        """Drop workers that were not listed for as long as a warm-up takes.

        A worker that one look misses is not gone; one that a rescale removed is.
        """
        at = stretch.looks[-1].at
        for worker in stretch.workers:
            self.loads[worker] = self.loads[worker]._replace(seen=at)
        gone = [w.id for w in self.loads.values() if w.seen < at and at - w.seen >= self.warm_up]
        for worker in gone:
            del self.loads[worker]


def _at_work(workers: tuple[str, ...], look: Look) -> tuple[tuple[str, ...], Look]:
    """Return the workers that have work, and the look as if there were no others."""
    chosen = warming.at_work(look.throughput)
    reduced = look._replace(
        scale_out=len(chosen),
        cpu=tuple(look.cpu[index] for index in chosen),
        throughput=tuple(look.throughput[index] for index in chosen),
    )
    return tuple(workers[index] for index in chosen), reduced
