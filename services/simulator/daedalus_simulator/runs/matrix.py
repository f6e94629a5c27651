"""Many runs, on several cores: each workload x engine x seed x policy once."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace

from daedalus_shared.job_spec import JobSpec
from daedalus_simulator.backtest import Progress, play
from daedalus_simulator.domain.engines import ENGINES
from daedalus_simulator.domain.job import delays
from daedalus_simulator.domain.run import Run
from daedalus_simulator.domain.score import BASE_LATENCY, ScoreCard
from daedalus_simulator.domain.traces import Trace
from daedalus_simulator.domain.world import START, World
from daedalus_simulator.errors import CommandError
from daedalus_simulator.report.charts import Distribution
from daedalus_simulator.report.detail import Detail
from daedalus_simulator.report.drawing import detail
from daedalus_simulator.results import BEST, Result
from daedalus_simulator.runs.contenders import CONTENDERS

Done = Callable[[float], None]
"""Called with the weight of what was done."""


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One run to be played."""

    trace: Trace
    engine: str
    seed: int
    policy: str
    """A name in `CONTENDERS`."""

    spec: JobSpec
    drawn: bool = False
    """Whether it is drawn in full."""

    @property
    def weight(self) -> float:
        """Seconds that it takes, about."""
        return CONTENDERS[self.policy].weight * len(self.trace.rates) / 21_600

    @property
    def world(self) -> tuple[str, str, int]:
        """What tells its world from others."""
        return (self.engine, self.trace.name, self.seed)


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """A task's run, as far as it is shown."""

    result: Result
    distribution: Distribution
    detail: Detail | None


def execute(task: Task, progress: Progress | None = None) -> Outcome:
    """Play one task."""
    begin = time.perf_counter()
    world = World(task.trace.rates, ENGINES[task.engine], task.seed)
    policy = CONTENDERS[task.policy].make(world, task.spec)
    run = play(world, policy, progress)
    result = Result(
        trace=task.trace.name,
        engine=task.engine,
        policy=task.policy,
        seed=task.seed,
        card=ScoreCard.of(run),
        steps=_steps(run),
        elapsed=time.perf_counter() - begin,
    )
    return Outcome(
        result,
        Distribution.of(task.policy, delays(run) + BASE_LATENCY, world.arrivals),
        replace(detail(task.trace.name, run), policy=task.policy) if task.drawn else None,
    )


def execute_all(tasks: Sequence[Task], jobs: int | None, done: Done) -> list[Outcome]:
    """Play all tasks, the longest first, and return them in their order with the oracle's price.

    Args:
        tasks: What is played; with `BEST` among the policies, the others are held against it.
        jobs: Processes at once; None for one a core. With one, no process is started.
        done: Called after each, in this process.

    Raises:
        CommandError: A process died, for want of memory perhaps.
        KeyboardInterrupt: All processes have ended then.
    """
    jobs = min(jobs or len(os.sched_getaffinity(0)), len(tasks))
    found: dict[int, Outcome] = {}
    for number, outcome in _alone(tasks) if jobs <= 1 else _spread(tasks, jobs):
        found[number] = outcome
        done(tasks[number].weight)
    return with_least([found[number] for number in range(len(tasks))])


def with_least(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return the outcomes, each with the oracle's price in its world where that was played."""
    least = {
        _world(outcome.result): outcome.result.card.price
        for outcome in outcomes
        if outcome.result.policy == BEST
    }
    return [
        replace(outcome, result=replace(outcome.result, least=least.get(_world(outcome.result))))
        for outcome in outcomes
    ]


def _world(result: Result) -> tuple[str, str, int]:
    return (result.engine, result.trace, result.seed)


def _alone(tasks: Sequence[Task]) -> Iterator[tuple[int, Outcome]]:
    for number, task in enumerate(tasks):
        yield number, execute(task)


def _spread(tasks: Sequence[Task], jobs: int) -> Iterator[tuple[int, Outcome]]:
    order = sorted(range(len(tasks)), key=lambda number: -tasks[number].weight)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin) as pool:
        futures = {pool.submit(execute, tasks[number]): number for number in order}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as error:
            raise CommandError(
                f"a process of {jobs} died, for want of memory perhaps; --jobs 1 needs the least"
            ) from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def _begin() -> None:
    """Leave Ctrl-C to the parent, which ends all; one thread a process is enough."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _steps(run: Run) -> tuple[tuple[int, int], ...]:
    first = run.rescales[0].before if run.rescales else START
    return ((0, first), *((move.second, move.after) for move in run.rescales))
