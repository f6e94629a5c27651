"""`daedalus backtest`: one policy on one workload, told in full."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from daedalus_simulator.backtest import Progress
from daedalus_simulator.errors import UsageError
from daedalus_simulator.results import BEST, line
from daedalus_simulator.runs import contenders, sections, spec, tables
from daedalus_simulator.runs.contenders import CONTENDERS, DIALS, Contender
from daedalus_simulator.runs.matrix import (
    Done,
    Outcome,
    Task,
    execute,
    execute_all,
    with_least,
)
from daedalus_simulator.runs.progress import progress
from daedalus_simulator.runs.request import Wish


@dataclass(frozen=True, slots=True)
class Choice:
    """What is played."""

    planner: str
    """`horizon`, or a name in `CONTENDERS`."""

    prices: str | None
    """A dial of `horizon`; None for the job file's, or else balanced."""

    engine: str
    seeds: Sequence[int]


def backtest(wish: Wish, workload: str, choice: Choice) -> None:
    """Play a workload, and print how it went.

    Raises:
        CommandError: Something asked for does not exist, or cannot be read or written.
    """
    wish.check_places()
    contender = _contender(choice)
    declared = spec.specs(wish, [choice.engine])[choice.engine]
    if choice.prices is None and choice.planner == "horizon":
        # The dial, and prices set by themselves, may come from a job file or from --set.
        contender = CONTENDERS[contenders.horizon(declared.policy.prices.dial)]
    trace = wish.part.of(workload)
    names = [contender.name] + ([BEST] if contender.name != BEST else [])
    first = choice.seeds[0]
    tasks = [
        Task(
            trace, choice.engine, seed, name, declared,
            drawn=wish.report is not None and (name, seed) == (contender.name, first),
        )
        for seed in choice.seeds
        for name in names
    ]  # fmt: skip
    if wish.report is not None:
        tasks += [
            Task(trace, choice.engine, first, name, declared)
            for name in CONTENDERS
            if name not in names
        ]
    outcomes = _play(tasks, wish.jobs)
    shown = [one for one in outcomes if one.result.policy == contender.name]
    _tell(wish, shown, [one for one in outcomes if one.result.policy == BEST])
    if wish.report is not None:
        section = sections.section(outcomes, contender.name)
        first_run = shown[0].result
        introduction = (
            f"{first_run.engine}, seed {first}: {len(trace.rates) / 3600:.1f} h of a simulated "
            f"job, second by second."
        )
        title = f"{contender.name} on {trace.name}"
        sections.write(wish.report, title, introduction, [section])
        if not wish.as_json:
            sys.stdout.write(f"the page is {wish.report}\n")


def _contender(choice: Choice) -> Contender:
    if choice.planner != "horizon":
        if choice.prices is not None:
            raise UsageError(f"--prices {choice.prices}: are horizon's alone")
        return contenders.chosen(choice.planner)[0]
    dial = choice.prices or "balanced"
    if dial not in DIALS:
        raise UsageError(f"--prices {dial}: there are {', '.join(DIALS)}")
    return CONTENDERS[contenders.horizon(dial)]


def _play(tasks: Sequence[Task], jobs: int | None) -> list[Outcome]:
    """Play the tasks; one run is played here, where the bar can follow every minute of it."""
    with progress("playing", sum(task.weight for task in tasks)) as done:
        if len(tasks) > 2:
            return execute_all(tasks, jobs, done)
        return with_least([execute(task, _following(task, done)) for task in tasks])


def _following(task: Task, done: Done) -> Progress:
    """Return a progress that adds each stretch of a run to what is done."""
    played = 0

    def follow(second: int, seconds: int) -> None:
        nonlocal played
        if second - played >= seconds / 200 or second == seconds:
            done(task.weight * (second - played) / seconds)
            played = second

    return follow


def _tell(wish: Wish, shown: Sequence[Outcome], best: Sequence[Outcome]) -> None:
    results = [one.result for one in shown]
    if wish.as_json:
        document = {
            "runs": [result.as_json() for result in results],
            "mean": line(results).as_json(),
            "oracle": [one.result.as_json() for one in best],
        }
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return
    first = results[0]
    title = f"{first.policy} on {first.trace}, {first.engine}"
    console = tables.console()
    console.print(tables.runs(title, results))
    if len(results) > 1:
        console.print(tables.scores("In the mean", [line(results)], console.width))
