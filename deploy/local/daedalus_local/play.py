"""One workload on a running stack, from its beginning to its figures."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from daedalus_local import tape
from daedalus_local.errors import OptionError, StackError
from daedalus_local.home import Home, Options, Stack
from daedalus_local.jobs import JOBS
from daedalus_local.score import Look, Rescale, ScoreCard, score
from daedalus_local.story import Story
from daedalus_shared.events import Decision, Event, JobMetrics, Recovery, ScaleOutcome

JOB_MINUTES = 80.0
"""Length of the workload in the job's time."""

LEAST, MOST = 2.0, JOB_MINUTES
"""Minutes that it may be played in: below, a rescale of a few seconds would be longer than the loop
that it interrupts."""

DRAIN = 10.0
"""Seconds after the last record that outcomes are waited for."""


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """What a run left behind."""

    looks: list[Look]
    rescales: list[Rescale]
    card: ScoreCard


def options(minutes: float, seed: int, planner: str, job: str = "ysb") -> Options:
    """Return the options of a run of a sample job that takes `minutes` of ours.

    Raises:
        OptionError: It would be too short or too long.
    """
    if not LEAST <= minutes <= MOST:
        raise OptionError(f"DEMO_MINUTES {minutes:g}: must be {LEAST:g} to {MOST:g}")
    return Options(
        job=job,
        factor=JOB_MINUTES / minutes,
        minutes=JOB_MINUTES,
        seed=seed,
        planner=planner,
        peak=JOBS[job].peak,
    )


def play(where: Home, stack: Stack, tell: Callable[[Event], None]) -> Played:
    """Follow the job until its load has ended.

    Args:
        where: The stack's folder.
        stack: The stack, ready.
        tell: Gets each event of the job once, by its time.

    Raises:
        StackError: Something that the run needs has ended.
    """
    assert stack.bootstrap is not None  # noqa: S101 - it is ready
    settings = stack.options
    began = stack.load_began or time.time()
    story = Story(settings.job)
    follower = tape.Tape(stack.bootstrap, (JobMetrics, Decision, ScaleOutcome, Recovery))
    until: float | None = None
    try:
        while until is None or time.monotonic() < until:
            for event in follower.read(0.5):
                if story.add(event):
                    tell(event)
            until = until or _end_of_load(where)
    finally:
        follower.close()
    looks, rescales = story.looks(began), story.rescales()
    card = score(
        looks,
        tape.delays(stack.bootstrap, JOBS[settings.job].output, since=began),
        rescales,
        allowed=settings.max_workers,
        factor=settings.factor,
    )
    if card is None:
        raise StackError("the monitor has reported nothing of the job")
    return Played(looks, rescales, card)


def _end_of_load(where: Home) -> float | None:
    """Return until when to go on, once the load has ended."""
    stack = where.read()
    if stack is None or not stack.supervised:
        raise StackError("the stack has ended; was it killed?")
    load = next((each for each in stack.processes if each.name == "load"), None)
    if load is not None and load.state == "failed":
        raise StackError(f"the load generator failed, see {load.log}")
    for process in stack.processes:
        if process.name == "jobmanager" and process.state != "running":
            raise StackError(f"Flink's JobManager has ended, see {process.log}")
    ended = load is None or load.state == "ended"
    return time.monotonic() + DRAIN if ended else None
