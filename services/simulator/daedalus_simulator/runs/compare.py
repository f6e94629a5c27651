"""`daedalus compare`: many policies on many workloads, tabled."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from daedalus_simulator.domain.engines import ENGINES
from daedalus_simulator.domain.traces import Trace
from daedalus_simulator.errors import UsageError
from daedalus_simulator.results import BEST, Result, groups, lines
from daedalus_simulator.runs import contenders, plots, sections, spec, tables
from daedalus_simulator.runs.contenders import Contender
from daedalus_simulator.runs.matrix import Outcome, Task, execute_all
from daedalus_simulator.runs.progress import progress
from daedalus_simulator.runs.request import Wish


@dataclass(frozen=True, slots=True)
class Choice:
    """What is played."""

    policies: str
    """Names with commas between, or `all`."""

    engines: str
    """The same."""

    seeds: int
    """Runs of each, with seeds from 0 on."""


def compare(wish: Wish, workloads: Sequence[str], choice: Choice) -> None:
    """Play all workloads against all policies, and print a table each and one of all.

    Raises:
        CommandError: Something asked for does not exist, or cannot be read or written.
    """
    wish.check_places()
    policies = contenders.chosen(choice.policies)
    engines = tuple(ENGINES) if choice.engines == "all" else tuple(_parts(choice.engines))
    specs = spec.specs(wish, engines)
    traces = _named(wish, workloads)
    main = _main(policies)
    # The oracle is played in any case: without it there is nothing to hold the others against.
    names = [one.name for one in policies]
    names += [BEST] if BEST not in names else []
    tasks = [
        Task(
            trace, engine, seed, name, specs[engine],
            drawn=bool(wish.report or wish.plots) and (name, seed) == (main, 0),
        )
        for engine in engines
        for trace in traces
        for seed in range(choice.seeds)
        for name in names
    ]  # fmt: skip
    with progress(f"{len(tasks)} runs", sum(task.weight for task in tasks)) as done:
        outcomes = execute_all(tasks, wish.jobs, done)
    _tell(wish, [one.result for one in outcomes], main)
    if wish.plots is not None:
        found = plots.write(wish.plots, outcomes, main)
        if not (wish.as_json or wish.markdown):
            sys.stdout.write(f"{len(found)} pictures are in {wish.plots}\n")
    if wish.report is not None:
        _page(wish.report, outcomes, main)
        if not (wish.as_json or wish.markdown):
            sys.stdout.write(f"the page is {wish.report}\n")


def _parts(text: str) -> Sequence[str]:
    return list(dict.fromkeys(part.strip() for part in text.split(",")))


def _named(wish: Wish, workloads: Sequence[str]) -> list[Trace]:
    traces = [wish.part.of(text) for text in workloads]
    seen: set[str] = set()
    for trace in traces:
        if trace.name in seen:
            raise UsageError(f"two workloads are named {trace.name}; rename one of the files")
        seen.add(trace.name)
    return traces


def _main(policies: Sequence[Contender]) -> str:
    """Return the policy that is drawn and set off: ours, if it is there."""
    names = [one.name for one in policies]
    return "horizon-balanced" if "horizon-balanced" in names else names[0]


def _tell(wish: Wish, results: Sequence[Result], main: str) -> None:
    found = groups(results)
    by_engine: dict[str, list[Result]] = {}
    for result in results:
        by_engine.setdefault(result.engine, []).append(result)
    if wish.as_json:
        document = {
            "runs": [result.as_json() for result in results],
            "traces": [
                {"engine": engine, "trace": trace, **line.as_json()}
                for (engine, trace), group in found.items()
                for line in lines(group)
            ],
            "all": [
                {"engine": engine, **line.as_json()}
                for engine, group in by_engine.items()
                for line in lines(group)
            ],
        }
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
        return
    titled = [(f"{trace}, {engine}", list(group)) for (engine, trace), group in found.items()]
    if len(found) > len(by_engine):
        titled += [(_all(engine, group), group) for engine, group in by_engine.items()]
    if wish.markdown:
        sys.stdout.write(
            "\n".join(tables.markdown(title, lines(one), main) for title, one in titled)
        )
        return
    console = tables.console()
    for title, group in titled:
        console.print(tables.scores(title, lines(group), console.width, main))
    console.print(tables.NOTE, style="dim")


def _all(engine: str, group: Sequence[Result]) -> str:
    traces = len({result.trace for result in group})
    seeds = len({result.seed for result in group})
    return f"all {traces} workloads, {engine}, {seeds} seed{'s' if seeds > 1 else ''}"


def _page(path: Path, outcomes: Sequence[Outcome], main: str) -> None:
    by_world: dict[tuple[str, str], list[Outcome]] = {}
    by_engine: dict[str, list[Outcome]] = {}
    for one in outcomes:
        by_world.setdefault((one.result.engine, one.result.trace), []).append(one)
        by_engine.setdefault(one.result.engine, []).append(one)
    found = []
    for engine, group in by_engine.items():
        mine = {trace: part for (of, trace), part in by_world.items() if of == engine}
        if len(mine) > 1:
            heading = _all(engine, [one.result for one in group])
            found.append(sections.overall(group, main, heading[0].upper() + heading[1:]))
        found += [
            sections.section(part, main, f"{trace}, {engine}") for trace, part in mine.items()
        ]
    results = [one.result for one in outcomes]
    policies, seeds = ({one.policy for one in results}, {one.seed for one in results})
    introduction = (
        f"{len(policies)} policies, {len(by_world)} workloads, {len(seeds)} seeds: "
        f"{len(results)} runs of a simulated job. Drawn is {main} with seed 0."
    )
    sections.write(path, "Policies compared", introduction, found)
