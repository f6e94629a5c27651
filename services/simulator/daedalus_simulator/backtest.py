"""A backtest: one policy plays one world from its first second to its last."""

from collections.abc import Callable

from daedalus_simulator.domain.job import Job
from daedalus_simulator.domain.policy import Policy
from daedalus_simulator.domain.run import Run
from daedalus_simulator.domain.world import START, World

Progress = Callable[[int, int], None]
"""(seconds played, seconds in all) → shown to whoever waits."""


def play(
    world: World, policy: Policy, progress: Progress | None = None, workers: int = START
) -> Run:
    """Play a world; a scale-out that the policy names is commanded at once.

    Args:
        world: What the job meets.
        policy: Fresh: it has seen no other run.
        progress: Called after each of the policy's intervals.
        workers: That the job starts with.
    """
    job = Job(world, workers)
    job.advance(policy.interval)
    while job.second < world.seconds:
        wanted = policy.decide(job)
        if wanted is not None:
            job.rescale(wanted)
        job.advance(policy.interval)
        if progress is not None:
            progress(job.second, world.seconds)
    return Run(
        policy=policy.name,
        world=world,
        workers=job.workers,
        processed=job.processed,
        lags=job.lags,
        rescales=tuple(job.rescales),
        events=tuple(getattr(policy, "events", ())),
    )
