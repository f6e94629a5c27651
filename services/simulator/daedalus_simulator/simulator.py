"""Many simulated jobs at once: which there are, what each meets, and what happens when.

No Kafka and no clock: `__main__` reads the topics and tells the time.
"""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from zlib import crc32

from daedalus_executor.domain.state import ExecutorState
from daedalus_shared.control import JobControl
from daedalus_shared.events import ControlEvent, Declaration, Event, ScaleCommand, ScaleOutcome
from daedalus_shared.job_spec import EngineKind, JobSpec, Policy
from daedalus_simulator.domain.engines import ENGINES, Engine
from daedalus_simulator.domain.stand_in import StandIn
from daedalus_simulator.domain.traces import Trace
from daedalus_simulator.domain.world import World

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)

_GRACE, _EXPIRY = 5.0, 30.0
"""Seconds of ours, however compressed the time of a job is, until a service's event counts as
missing, and until a command is void: services are no faster then."""

_SEEDS = 16
"""Worlds that are drawn of one workload: the jobs share them, each from another second on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What the jobs meet."""

    traces: tuple[Trace, ...]
    """Workloads, dealt out to the jobs by their names."""

    speed: float = 1.0
    """Seconds of the jobs' time in one second."""

    engine: Engine | None = None
    """What a rescale costs; None: as the engine that a job declares."""

    seed: int = 1
    """Of all that is drawn."""

    workers: int
    """Workers that a job starts with, within its bounds."""


@dataclass
class Simulator:
    """All jobs of one instance."""

    source: str
    """Who reports and answers, such as `simulator/sim`."""

    scene: Scene
    """What they meet."""

    plays: Callable[[str], bool]
    """Whether a job is this instance's, by its name."""

    jobs: dict[str, StandIn] = field(default_factory=dict)
    _controls: dict[str, JobControl] = field(default_factory=dict)
    _outcomes: dict[str, list[ScaleOutcome]] = field(default_factory=dict)
    _queue: list[tuple[datetime, str]] = field(default_factory=list)

    def restore(self, events: Iterable[Event]) -> None:
        """Learn what was said before this process began: control, and the outcomes of its own.

        Nothing else is remembered. The workload goes on by the clock; what waited, and an outage
        under way, are gone like those of a job that was started again.
        """
        for event in events:
            if not self.plays(event.job):
                continue
            if isinstance(event, ControlEvent):
                self._controls[event.job] = self.control(event.job).fold(event)
            elif isinstance(event, ScaleOutcome) and event.source == self.source:
                self._outcomes.setdefault(event.job, []).append(event)

    def begin(self, now: datetime) -> None:
        """Start all jobs that are declared."""
        for job in self._controls:
            self._declared(job, now)

    def control(self, job: str) -> JobControl:
        """Return what is wanted of a job."""
        return self._controls.get(job, JobControl())

    def handle(self, event: Event, now: datetime) -> tuple[Event, ...]:
        """Take in a control event or a command, and return what is answered at once."""
        if not self.plays(event.job):
            return ()
        if isinstance(event, ControlEvent):
            self._controls[event.job] = self.control(event.job).fold(event)
            self._declared(event.job, now)
            return ()
        job = self.jobs.get(event.job)
        if not isinstance(event, ScaleCommand) or job is None:
            return ()
        answers = job.take(event, max(now, job.now))
        self._note(event.job)
        return answers

    @property
    def due(self) -> datetime | None:
        """When something happens next; None without jobs."""
        while self._queue and not self._stands(*self._queue[0]):
            heapq.heappop(self._queue)
        return self._queue[0][0] if self._queue else None

    def advance(self, now: datetime, instants: int) -> list[Event]:
        """Return what is published up to an instant, in the order of time.

        Args:
            now: The instant.
            instants: At most so many things are done; more may be due then.
        """
        events: list[Event] = []
        for _ in range(instants):
            if (due := self.due) is None or due > now:
                break
            _, name = heapq.heappop(self._queue)
            events += self.jobs[name].advance()
            self._note(name)
        return events

    def _stands(self, due: datetime, name: str) -> bool:
        return name in self.jobs and self.jobs[name].due == due

    def _note(self, name: str) -> None:
        heapq.heappush(self._queue, (self.jobs[name].due, name))

    def _declared(self, job: str, now: datetime) -> None:
        control = self.control(job)
        spec = control.newest
        if spec is None:
            self.jobs.pop(job, None)
            return
        if job in self.jobs:
            self.jobs[job].declare(spec, control)
        else:
            self.jobs[job] = self._stand_in(spec, control, now)
        self._note(job)

    def _stand_in(self, spec: JobSpec, control: JobControl, now: datetime) -> StandIn:
        number = crc32(spec.job.encode())
        trace = self.scene.traces[number % len(self.scene.traces)]
        world = _world(trace, self._engine(spec), self.scene.seed + number % _SEEDS, spec.scale.max)
        first = min(max(self.scene.workers, spec.scale.min), spec.scale.max)
        return StandIn(
            spec=spec,
            control=control,
            world=world,
            source=self.source,
            speed=self.scene.speed,
            began=min(control.declarations[0].at, now),
            now=now,
            executor=_resumed(self._outcomes.get(spec.job, ()), first),
            offset=number % world.seconds,
        )

    def _engine(self, spec: JobSpec) -> Engine:
        name = "flink" if spec.engine.kind is EngineKind.FLINK else "kafka-streams"
        return self.scene.engine or ENGINES[name]


def _resumed(outcomes: Iterable[ScaleOutcome], first: int) -> ExecutorState:
    """Return what an executor knows of a job by its own outcomes so far.

    Args:
        outcomes: In any order; a command that has one is not carried out again.
        first: Workers where none was carried out.
    """
    ordered = sorted(outcomes, key=lambda outcome: (outcome.generation, outcome.at))
    found = [outcome.scale_out for outcome in ordered if outcome.scale_out is not None]
    return ExecutorState(
        tick=max((outcome.tick for outcome in ordered), default=_NEVER),
        generation=ordered[-1].generation if ordered else 0,
        scale_out=found[-1] if found else first,
        last=ordered[-1] if ordered else None,
    )


@cache
def _world(trace: Trace, engine: Engine, seed: int, most: int) -> World:
    return World(trace.rates, engine, seed, most)


def compressed(policy: Policy, speed: float) -> Policy:
    """Return the policy of a job that lives `speed` times as fast, but for what services bound."""
    found = policy.compressed(speed)
    found = found.aligned(found.sample)
    loops = max(policy.command_expiry_loops, _EXPIRY / found.loop)
    grace = max(found.forecast_grace, min(policy.forecast_grace, _GRACE))
    return found.model_copy(update={"forecast_grace": grace, "command_expiry_loops": loops})


def declarations(count: int, prefix: str, policy: Policy, most: int) -> list[JobSpec]:
    """Return the specs of an instance's own jobs, `<prefix>-0000` and on."""
    return [
        JobSpec.model_validate(
            {
                "job": f"{prefix}-{number:04}",
                "engine": {"kind": "flink", "rest": "http://simulated"},
                "input": {"bootstrap": "simulated", "topics": ["input"], "group": "simulated"},
                "workers": {"kind": "none"},
                "scale": {"min": 1, "max": most},
                "policy": policy,
            }
        )
        for number in range(count)
    ]


def undeclared(specs: Iterable[JobSpec], simulator: Simulator, now: datetime) -> list[Declaration]:
    """Return declarations of those specs that do not stand on the topic yet."""
    return [
        Declaration(job=spec.job, at=now, source=simulator.source, spec=spec)
        for spec in specs
        if simulator.control(spec.job).newest != spec
    ]
