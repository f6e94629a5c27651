"""A world made of a job's record: its workload, its capacity and outages as learned."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from daedalus_shared.events import CapacityUpdate, JobMetrics, ScaleOutcome, Status
from daedalus_simulator.domain.engines import Engine
from daedalus_simulator.domain.job import Rescale
from daedalus_simulator.domain.run import Run
from daedalus_simulator.domain.traces import LONGEST
from daedalus_simulator.domain.world import Series, World, slowed

GAP = 60.0
"""Seconds without a look at the job from which on they are told."""

REPLAY = 10.0
"""Seconds of records that a rescale repeats, where the engine does not tell its checkpoints."""


class RecordError(ValueError):
    """The record does not do for a model; one line says why."""


class LearnedWorld(World):
    """Recorded arrivals, learned capacities; noise, chance and the workers' skew are drawn."""

    def __init__(
        self,
        arrivals: Series,
        engine: Engine,
        seed: int,
        capacities: Mapping[int, float],
        most: int,
    ) -> None:
        """Make a world.

        Args:
            arrivals: Records that arrive in each second, shape (seconds,).
            engine: What a rescale costs, as learned.
            seed: Of all draws.
            capacities: Workers → records/s, one at least.
            most: Workers at most; beyond what was learned the usual sub-linear curve goes on.
        """
        super().__init__(arrivals, engine, seed, most)
        if not capacities:
            raise RecordError("no capacity is known")
        self._learned = dict(capacities)

    def worker_capacity(self, scale_out: int) -> float:
        """Return what one worker does, so that the hottest one stops all at what was learned."""
        return self._total(scale_out) * float(self.shares(scale_out).max())

    def _total(self, scale_out: int) -> float:
        known = min(self._learned, key=lambda each: (abs(each - scale_out), each))
        usual = (scale_out / slowed(scale_out)) / (known / slowed(known))
        return self._learned[known] * usual


@dataclass
class Record:
    """Collects what a job's events say, by the second; the order of the events does not matter."""

    _at: list[float] = field(default_factory=list)
    _workload: list[float] = field(default_factory=list)
    _lag: list[float] = field(default_factory=list)
    _workers: list[float] = field(default_factory=list)
    _outcomes: dict[str, ScaleOutcome] = field(default_factory=dict)
    update: CapacityUpdate | None = None
    """The newest that knows capacities."""
    checkpoint: float | None = None

    def take(self, event: JobMetrics | CapacityUpdate | ScaleOutcome) -> None:
        """Take in one event."""
        match event:
            case JobMetrics():
                self.checkpoint = event.checkpoint_interval or self.checkpoint
                for sample in event.samples:
                    self._at.append(sample.at.timestamp())
                    self._workload.append(_number(sample.workload))
                    self._lag.append(_number(sample.lag))
                    self._workers.append(_number(sample.scale_out))
            case CapacityUpdate() if event.table:
                if self.update is None or self.update.tick <= event.tick:
                    self.update = event
            case ScaleOutcome():
                self._outcomes[event.id] = event

    @property
    def span(self) -> tuple[datetime, datetime]:
        """First and last look at the job."""
        if not self._at or self.update is None:
            raise RecordError("no reports, or no capacity, are on the topics for that time")
        tick = self.update.tick
        first, last = (
            tick + timedelta(seconds=at - tick.timestamp()) for at in (min(self._at), max(self._at))
        )
        return first, last

    def must_last(self, least: float) -> None:
        """Raise `RecordError` where it is shorter than `least` seconds, or too long to play."""
        first, last = self.span
        seconds = (last - first).total_seconds()
        if seconds < least:
            raise RecordError(
                f"only {seconds:.0f} s are recorded, {least:.0f} s are needed; "
                "look further back with --since"
            )
        if seconds > LONGEST:
            raise RecordError(f"more than {LONGEST / 86400:.0f} days: shorten it by --since")

    @property
    def gaps(self) -> dict[str, float]:
        """Signal → seconds of all stretches without it, where it is known at times.

        A straight line fills those of the workload and the lag; the number of workers holds.
        """
        found = {}
        for name, values in self._signals.items():
            at, _ = self._known(values)
            apart = np.diff(np.concatenate([[min(self._at)], at, [max(self._at)]]))
            if len(at) and (apart > GAP).any():
                found[name] = float(apart[apart > GAP].sum())
        return found

    @property
    def unknown(self) -> frozenset[str]:
        """What it does not tell: `workload`, `lag`, `workers` at any time, or a `downtime`."""
        never = {name for name, values in self._signals.items() if np.isnan(values).all()}
        if any(outcome.downtime is None for _, outcome in self._applied()):
            never.add("downtime")
        return frozenset(never)

    def arrivals(self) -> Series:
        """Return the records that arrived in each second, shape (seconds,)."""
        if "workload" in self.unknown:
            raise RecordError("the workload is unknown all the time")
        return self._by_second(self._workload)

    def engine(self) -> Engine:
        """Return what a rescale costs, as learned by the end of the record."""
        assert self.update is not None  # noqa: S101 -- `span` is asked first
        update = self.update
        return Engine(
            name="learned",
            outage_up=update.downtime_up.mean,
            outage_down=update.downtime_down.mean,
            warm_up=update.warm_up.mean if update.warm_up else 0.0,
            replay=self.checkpoint or update.checkpoint_interval or REPLAY,
        )

    def capacities(self) -> dict[int, float]:
        """Return the capacity curve by the end of the record: workers → records/s."""
        assert self.update is not None  # noqa: S101 -- `span` is asked first
        return {
            point.scale_out: point.capacity
            for point in self.update.table
            if point.capacity > 0 and point.scale_out > 0
        }

    def played(self, world: World) -> Run:
        """Return the record itself as a run, to be scored as one that was played.

        What is `unknown` is 0 in it: the figures that rest on it say nothing.
        """
        return Run(
            policy="recorded",
            world=world,
            workers=self._held(self._workers),
            processed=np.zeros(world.seconds),
            lags=np.maximum(self._by_second(self._lag), 0.0),
            rescales=tuple(
                Rescale(
                    second=second,
                    before=outcome.from_scale_out or 0,
                    after=outcome.to_scale_out,
                    outage=outcome.downtime or 0.0,
                )
                for second, outcome in self._applied()
            ),
        )

    @property
    def _signals(self) -> dict[str, list[float]]:
        return {"workload": self._workload, "lag": self._lag, "workers": self._workers}

    def _applied(self) -> list[tuple[int, ScaleOutcome]]:
        """Return the rescales within the record, each with the second that it began in."""
        begin, seconds = min(self._at), len(self._seconds())
        done = (
            each
            for each in self._outcomes.values()
            if each.status is Status.APPLIED and not each.dry_run
        )
        began = (
            (int((each.started_at or each.at).timestamp() - begin), each)
            for each in sorted(done, key=lambda each: each.at)
        )
        return [(second, each) for second, each in began if 0 <= second < seconds]

    def _seconds(self) -> Series:
        begin, end = min(self._at), max(self._at)
        return begin + np.arange(max(1, int(end - begin)), dtype=np.float64)

    def _known(self, values: list[float]) -> tuple[Series, Series]:
        at, found = np.asarray(self._at), np.asarray(values)
        order = np.argsort(at, kind="stable")
        at, found = at[order], found[order]
        known = ~np.isnan(found)
        return at[known], found[known]

    def _by_second(self, values: list[float]) -> Series:
        at, found = self._known(values)
        if not len(at):
            return np.zeros(len(self._seconds()))
        return np.asarray(np.interp(self._seconds(), at, found))

    def _held(self, values: list[float]) -> Series:
        """Return what holds until it is seen otherwise, as the number of workers does."""
        at, found = self._known(values)
        if not len(at):
            return np.zeros(len(self._seconds()))
        place = np.clip(np.searchsorted(at, self._seconds(), side="right") - 1, 0, len(at) - 1)
        return np.asarray(found[place])


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
