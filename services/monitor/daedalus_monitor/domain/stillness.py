"""Sources that answer in time, and lie still: a value that does not move while others do.

One source is judged by another: Kafka's offsets by the records that the engine says it read, and
the engine's counters by the offsets that its job commits.
"""

from dataclasses import dataclass, field, replace
from typing import TypeAlias

from daedalus_monitor.domain.looks import EngineLook, WorkerLook
from daedalus_monitor.domain.readings import Reading, Unknown

CHECKPOINTS = 3.0
"""Commits are late by up to one checkpoint interval; so many without any are suspicious."""

ASSUMED_CHECKPOINT = 60.0
"""Seconds between checkpoints where nobody says."""

Value: TypeAlias = float | None


@dataclass(frozen=True, slots=True)
class Stretch:
    """How long one value has not moved, and what moved meanwhile."""

    value: Value = None
    looks: int = 0
    """Looks since it last moved."""

    seconds: float = 0.0
    """Time since it last moved."""

    records: float = 0.0
    """Records that moved elsewhere meanwhile."""

    allowed: float = 0.0
    """Records that may move elsewhere without a contradiction."""

    def with_look(self, value: Value, seconds: float, records: float, allowed: float) -> "Stretch":
        """Return the stretch after one more look; unknown or another value begins a new one."""
        if value is None or value != self.value:
            return Stretch(value=value, allowed=allowed)
        return replace(
            self,
            looks=self.looks + 1,
            seconds=self.seconds + seconds,
            records=self.records + records,
        )


@dataclass(frozen=True, slots=True)
class Look:
    """What one look says of the things that should move together."""

    seconds: Reading[float]
    """Since the last look."""

    end: Reading[float]
    """Sum of end offsets."""

    committed: Reading[float]
    """Sum of committed offsets."""

    engine: EngineLook
    """The engine's side."""


@dataclass(frozen=True, slots=True)
class Doubts:
    """Why signals that were read are not believed; None where they are."""

    offsets: str | None = None
    commits: str | None = None
    throughput: str | None = None
    cpu: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stillness:
    """What has not moved for how long."""

    ends: Stretch = Stretch()
    commits: Stretch = Stretch()
    reads: Stretch = Stretch()
    cpu: dict[str, Stretch] = field(default_factory=dict)

    def with_look(self, look: Look) -> "Stillness":
        """Return what lies still after one more look."""
        if isinstance(look.seconds, Unknown):
            return Stillness()
        seconds = look.seconds
        rate = _throughput(look.engine)
        read = 0.0 if rate is None else rate * seconds
        end, committed = _number(look.end), _number(look.committed)
        backlog = float("inf") if end is None or committed is None else end - committed
        moved = 0.0
        if committed is not None and self.commits.value is not None:
            moved = max(0.0, committed - self.commits.value)
        # Commits follow what was read by up to a checkpoint: what they move by until then is right.
        settled = self.reads.seconds > CHECKPOINTS * _checkpoint(look.engine)
        workers = () if isinstance(look.engine.workers, Unknown) else look.engine.workers
        return Stillness(
            ends=self.ends.with_look(end, seconds, read, backlog),
            commits=self.commits.with_look(committed, seconds, read, 0.0),
            reads=self.reads.with_look(
                0.0 if rate == 0 else None, seconds, moved if settled else 0.0, 0.0
            ),
            cpu={
                worker.id: self.cpu.get(worker.id, Stretch()).with_look(
                    _telling(worker), seconds, 0.0, 0.0
                )
                for worker in workers
            },
        )

    def doubts(self, engine: EngineLook, looks: int) -> Doubts:
        """Return what is not believed after `looks` looks without a move."""
        late = self.commits.seconds > CHECKPOINTS * _checkpoint(engine)
        return Doubts(
            offsets=_doubt(self.ends, "the end offsets lie still", looks),
            commits=_doubt(self.commits, "the committed offsets lie still", looks)
            if late
            else None,
            throughput=_doubt(
                self.reads, "the engine's counters lie still", looks, "the job committed"
            ),
            cpu={
                worker: f"reads exactly {stretch.value} for {stretch.seconds:.0f} s: it lies still"
                for worker, stretch in self.cpu.items()
                if stretch.looks >= looks
            },
        )


def believed(engine: EngineLook, doubts: Doubts) -> EngineLook:
    """Return a look without what is not believed."""
    if isinstance(engine.workers, Unknown):
        return engine
    return replace(
        engine,
        workers=tuple(
            replace(
                worker,
                cpu=Unknown(doubts.cpu[worker.id]) if worker.id in doubts.cpu else worker.cpu,
                throughput=Unknown(doubts.throughput) if doubts.throughput else worker.throughput,
            )
            for worker in engine.workers
        ),
    )


def _doubt(stretch: Stretch, what: str, looks: int, other: str = "the job read") -> str | None:
    if stretch.looks < looks or stretch.records <= stretch.allowed:
        return None
    return f"{what} for {stretch.seconds:.0f} s while {other} {stretch.records:.0f} records"


def _throughput(engine: EngineLook) -> Value:
    if isinstance(engine.workers, Unknown) or not engine.workers:
        return None
    rates = [worker.throughput for worker in engine.workers]
    known = [rate for rate in rates if not isinstance(rate, Unknown)]
    return sum(known) if len(known) == len(rates) else None


def _telling(worker: WorkerLook) -> Value:
    """Return the CPU share where equal readings would be odd: idle and full workers repeat."""
    cpu = _number(worker.cpu)
    return cpu if cpu is not None and 0 < cpu < 1 else None


def _checkpoint(engine: EngineLook) -> float:
    interval = engine.checkpoint_interval
    return ASSUMED_CHECKPOINT if isinstance(interval, Unknown) else interval


def _number(reading: Reading[float]) -> Value:
    return None if isinstance(reading, Unknown) else reading
