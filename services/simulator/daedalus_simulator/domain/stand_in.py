"""One simulated job on the topics: what its monitor reports, and its executor answers.

Time on the topics is wall time. At a speed f the job lives f seconds in one of them: rates stay,
and durations and backlogs are divided by f, as if a recorded day was played faster on a real
cluster. The policy's durations have to be divided alike (`Policy.compressed`).

A command is checked and answered by the executor's own rules; only the cluster behind them is
simulated.
"""

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from daedalus_executor.domain import state as executor
from daedalus_executor.domain.checks import Found, Known, Result, judge, refuse
from daedalus_executor.domain.state import ExecutorState
from daedalus_monitor.domain.schedule import Due, next_due
from daedalus_shared.control import JobControl
from daedalus_shared.events import JobMetrics, Sample, ScaleCommand, ScaleOutcome, Status
from daedalus_shared.job_spec import JobSpec
from daedalus_shared.service import Step
from daedalus_simulator.domain.job import Job, Rescale
from daedalus_simulator.domain.seen import CHECKPOINT, PARTITIONS, Monitor
from daedalus_simulator.domain.world import World


@dataclass
class StandIn:
    """The job, its monitor and its executor; told what time it is."""

    spec: JobSpec
    """As declared last."""

    control: JobControl
    """All that was declared: a tick is closed only where the job is declared in it."""

    world: World
    """What the job meets; it begins again when it ends."""

    source: str
    """Who reports and answers."""

    speed: float
    """Seconds of the job's time in one second on the topics."""

    began: datetime
    """When the world's first second was played."""

    now: datetime
    """Up to when it was played."""

    executor: ExecutorState
    """What the executor knows: generation, scale-out, the command in hand."""

    offset: int = 0
    """Second of the world that was played first, so that jobs with one world differ."""

    job: Job = field(init=False)
    _monitor: Monitor = field(init=False)
    _samples: list[Sample] = field(default_factory=list)
    _rescale: Rescale | None = None
    _due: Due = field(init=False)
    _first: int = 0
    """Second of the world before which nothing was played."""

    def __post_init__(self) -> None:
        self.job = Job(self.world, self.executor.scale_out or self.spec.scale.min)
        self._monitor = Monitor(self.spec.engine.kind, self.speed)
        self.began -= timedelta(seconds=self.offset / self.speed)
        self._due = next_due(self.control, self.spec, self.now)
        self._enter(self.now)

    @property
    def due(self) -> datetime:
        """When something happens next."""
        ends = self._ends
        return self._due.at if ends is None else min(self._due.at, ends)

    @property
    def _ends(self) -> datetime | None:
        """When the rescale under way has converged: in the first second that is without outage."""
        return self._at(math.ceil(self.job.down_until)) if self._rescale is not None else None

    def declare(self, spec: JobSpec, control: JobControl) -> None:
        """Take a new declaration in; what was sampled so far stays."""
        self.spec, self.control = spec, control
        self._due = next_due(control, spec, self.now)

    def take(self, command: ScaleCommand, now: datetime) -> tuple[ScaleOutcome, ...]:
        """Take a command, and begin it if nothing else is in hand; a duplicate does nothing.

        Args:
            command: What the planner wants.
            now: When it came; all that was due before is done.
        """
        self._play(now)
        taken = executor.take(self.executor, command, self.source)
        outcomes = self._commit(taken)
        return outcomes + self._begin()

    def advance(self) -> tuple[JobMetrics | ScaleOutcome, ...]:
        """Play up to what is due next, and return what is published then."""
        at = self.due
        self._play(at)
        events: tuple[JobMetrics | ScaleOutcome, ...] = ()
        if self._rescale is not None and self._ends is not None and self._ends <= at:
            events += self._converged(self._rescale)
        if self._due.at <= at:
            events += self._look(self._due)
            self._due = next_due(self.control, self.spec, at)
        return events

    # -- the monitor ----------------------------------------------------------------------------

    def _look(self, due: Due) -> tuple[JobMetrics, ...]:
        policy = self.spec.policy
        played = self.job.second - self._first
        if due.look and played:
            interval = max(1, min(round(policy.sample * self.speed), played))
            self._samples.append(self._monitor.sample(self.job.look(interval), due.at))
        if not due.report:
            return ()
        samples, self._samples = tuple(self._samples), []
        return (
            JobMetrics(
                job=self.spec.job,
                at=due.at,
                source=self.source,
                samples=samples,
                input_partitions=PARTITIONS,
                max_parallelism=self.world.most,
                checkpoint_interval=CHECKPOINT / self.speed,
                tick=due.tick,
            ),
        )

    # -- the executor ---------------------------------------------------------------------------

    def _begin(self) -> tuple[ScaleOutcome, ...]:
        """Begin the command in hand, or say why not; then the one that waited for it."""
        outcomes: tuple[ScaleOutcome, ...] = ()
        while self._rescale is None and (intent := self.executor.pending) is not None:
            command = intent.command
            ended = refuse(command, self.spec, self.now) or self._judge(command)
            if ended is not None:
                outcomes += self._conclude(command, ended)
                continue
            begun = executor.begin(self.executor, command, self.job.scale_out, self.now)
            outcomes += self._commit(begun)
            self._rescale = self.job.rescale(command.to_scale_out)
        return outcomes

    def _judge(self, command: ScaleCommand) -> Result | None:
        found = Found(
            scale_out=self.job.scale_out,
            running=self.job.running,
            status="RUNNING" if self.job.running else "RESTARTING",
            most=self.world.most,
            limit=f"the simulated cluster has {self.world.most} workers",
        )
        known = Known(
            scale_out=self.executor.scale_out, generation=self.executor.generation, begun=False
        )
        return judge(command, known, found)

    def _converged(self, rescale: Rescale) -> tuple[ScaleOutcome, ...]:
        self._rescale = None
        intent = self.executor.pending
        if intent is None:
            return ()
        result = Result(
            status=Status.APPLIED,
            before=rescale.before,
            after=rescale.after,
            downtime=rescale.outage / self.speed,
            converged_at=self.now,
        )
        return self._conclude(intent.command, result) + self._begin()

    def _conclude(self, command: ScaleCommand, result: Result) -> tuple[ScaleOutcome, ...]:
        ended = executor.conclude(self.executor, command, result, self.source, self.now)
        return self._commit(ended)

    def _commit(self, step: Step[ExecutorState]) -> tuple[ScaleOutcome, ...]:
        if step.state is not None:
            self.executor = step.state
        return tuple(event for event in step.events if isinstance(event, ScaleOutcome))

    # -- the job --------------------------------------------------------------------------------

    def _play(self, now: datetime) -> None:
        """Play the job up to an instant; its world begins again when it ends."""
        self.now = max(self.now, now)
        second = self._second(self.now)
        while second > self.world.seconds:
            self.job.advance(self.world.seconds)
            self._begin_again()
            second = self._second(self.now)
        self.job.advance(second - self.job.second)

    def _begin_again(self) -> None:
        """Go on in the same world from its first second: lag and outage go along."""
        ended, seconds = self.job, self.world.seconds
        self.began += timedelta(seconds=seconds / self.speed)
        self.job = Job(self.world, ended.scale_out, _lag=float(ended.lags[-1]))
        self.job.down_until = ended.down_until - seconds
        self._first = 0

    def _enter(self, now: datetime) -> None:
        """Begin in the middle of the world, where the clock says."""
        rounds = self._second(now) // self.world.seconds
        self.began += timedelta(seconds=rounds * self.world.seconds / self.speed)
        self.job.second = self._first = self._second(now)
        self.job.down_until = float(self.job.second)

    def _second(self, at: datetime) -> int:
        passed = (at - self.began).total_seconds() * self.speed
        return math.floor(passed + 1e-6)

    def _at(self, second: int) -> datetime:
        return self.began + timedelta(seconds=second / self.speed)
