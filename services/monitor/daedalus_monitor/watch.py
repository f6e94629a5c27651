"""One job's watch: looks at its sources on the grid of its samples, and hands on its reports."""

import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from daedalus_monitor.domain.counters import FIRST, Moment, elapsed
from daedalus_monitor.domain.looks import EngineLook, sample
from daedalus_monitor.domain.offsets import Offsets, lag, partitions, summed, workload
from daedalus_monitor.domain.readings import Reading, Unknown
from daedalus_monitor.domain.schedule import Due, next_due, present, too_early, too_late
from daedalus_monitor.domain.stillness import Look, Stillness, believed
from daedalus_monitor.inquiry import Inquiry
from daedalus_monitor.monitor import Draft
from daedalus_monitor.ports import Clock, Connect
from daedalus_shared.control import JobControl
from daedalus_shared.events import Sample
from daedalus_shared.job_spec import JobSpec
from daedalus_shared.telemetry import counter, histogram

log = logging.getLogger(__name__)

T = TypeVar("T")

LOOKS = counter("daedalus_monitor_looks_total", "Samples taken.", by="monitor")
MISSED = counter(
    "daedalus_monitor_looks_missed_total",
    "Samples and reports that came too late to be made.",
    by="monitor",
)
UNKNOWN = counter(
    "daedalus_monitor_unknown_readings_total",
    "Readings that could not be made, by their signal.",
    ["signal"],
    by="monitor",
)
LOOK_SECONDS = histogram(
    "daedalus_monitor_look_seconds",
    "Seconds from the begin of a look until all its sources have answered or run out of time.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    by="monitor",
)

BUDGET = 0.8
"""A look takes at most this part of a sample interval, so that the next one is in time."""

_NUMBER = re.compile(r"\d+(\.\d+)?")

Publish = Callable[[Draft, Moment], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Memory:
    """What the next look is compared with."""

    moment: Moment | None = None
    ends: Reading[dict[tuple[str, int], int]] = FIRST
    still: Stillness = field(default_factory=Stillness)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the last look said of the job as a whole."""

    partitions: Reading[int] = FIRST
    engine: EngineLook | None = None


class Watch:
    """Watches one job for as long as `run` is let run."""

    def __init__(
        self,
        control: Callable[[], JobControl],
        connect: Connect,
        clock: Clock,
        publish: Publish,
        still_after: int,
    ) -> None:
        self._control = control
        self._connect = connect
        self._clock = clock
        self._publish = publish
        self._still_after = still_after
        self._memory = Memory()
        self._seen = Seen()
        self._samples: list[Sample] = []
        self._said: set[str] = set()

    async def run(self) -> None:
        """Watch until the job is declared no more."""
        connected: JobSpec | None = None
        while (spec := present(self._control(), self._clock.now().wall)) is not None:
            if connected is None or _elsewhere(connected, spec):
                connected = spec
                inquiry, after = await self._begin(spec)
            due = next_due(self._control(), spec, after)
            await self._clock.sleep((due.at - self._clock.now().wall).total_seconds())
            now, interval = self._clock.now().wall, spec.policy.sample
            if too_early(due, now, interval) or too_late(due, now, interval):
                MISSED.inc()
                after = now
                continue
            if due.look:
                self._samples.append(await self._look(due.at, inquiry, spec))
            if due.report:
                await self._report(due, spec)
            after = due.at

    async def _begin(self, spec: JobSpec) -> tuple[Inquiry, datetime]:
        """Take a first look to compare with; return whom to ask, and from when on."""
        inquiry = Inquiry(self._connect(spec))
        self._memory = Memory()
        await self._look(self._clock.now().wall, inquiry, spec)
        # A rate over a moment is noise: the first sample comes half an interval later at least.
        await self._clock.sleep(spec.policy.sample / 2)
        return inquiry, self._clock.now().wall

    async def _look(self, at: datetime, inquiry: Inquiry, spec: JobSpec) -> Sample:
        now = self._clock.now()
        with LOOK_SECONDS.time():
            engine, offsets = await inquiry.look(now, BUDGET * spec.policy.sample)
        LOOKS.inc()
        self._seen = Seen(partitions(offsets), engine)
        return self._judged(at, now, engine, offsets, spec)

    def _judged(
        self, at: datetime, now: Moment, engine: EngineLook, offsets: Offsets, spec: JobSpec
    ) -> Sample:
        """Compare a look with the last, leave out what is not believed, and remember it."""
        passed = elapsed(self._memory.moment, now, spec.policy.sample)
        arriving, waiting = workload(self._memory.ends, offsets.ends, passed), lag(offsets)
        still = self._memory.still.with_look(
            Look(passed, summed(offsets.ends), summed(offsets.committed), engine)
        )
        doubts = still.doubts(engine, self._still_after)
        if doubts.offsets:
            arriving = waiting = Unknown(doubts.offsets)
        elif doubts.commits:
            waiting = Unknown(doubts.commits)
        ends = offsets.ends if isinstance(offsets.ends, Unknown) else dict(offsets.ends)
        self._memory = Memory(now, ends, still)
        found = sample(at, believed(engine, doubts), arriving, waiting)
        self._tell(spec.job, found.unknown)
        return found

    def _tell(self, job: str, unknown: dict[str, str]) -> None:
        """Log why signals are unknown, once until the reason changes in more than a number."""
        signals: dict[str, list[str]] = {}
        for signal, why in unknown.items():
            UNKNOWN.labels(signal.rpartition(".")[2]).inc()
            signals.setdefault(why, []).append(signal)
        reasons = {_NUMBER.sub("#", why) for why in signals}
        for why, which in signals.items():
            if _NUMBER.sub("#", why) not in self._said:
                log.info("unknown of %s: %s: %s", job, ", ".join(which), why)
        self._said = reasons

    async def _report(self, due: Due, spec: JobSpec) -> None:
        engine = self._seen.engine
        draft = Draft(
            job=spec.job,
            at=due.at,
            tick=due.tick,
            samples=tuple(self._samples),
            input_partitions=_known(self._seen.partitions),
            max_parallelism=_known(engine.max_parallelism) if engine else None,
            checkpoint_interval=_known(engine.checkpoint_interval) if engine else None,
        )
        self._samples = []
        await self._publish(draft, self._clock.now())


def _elsewhere(before: JobSpec, now: JobSpec) -> bool:
    """Whether the sources of a spec are not those of an earlier one."""
    return (before.engine, before.input, before.metrics) != (now.engine, now.input, now.metrics)


def _known(reading: Reading[T]) -> T | None:
    return None if isinstance(reading, Unknown) else reading
