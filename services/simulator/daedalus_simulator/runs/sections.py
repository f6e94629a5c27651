"""Outcomes as a page: a section a workload and engine, and one for all together."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from daedalus_simulator.errors import CommandError
from daedalus_simulator.report.charts import Price
from daedalus_simulator.report.page import Section, page
from daedalus_simulator.results import Line, line, lines
from daedalus_simulator.runs.contenders import CONTENDERS
from daedalus_simulator.runs.matrix import Outcome
from daedalus_simulator.runs.tables import number

SHOWN = 6
"""Distributions of latencies that one chart holds."""

FOOTER = (
    "J is the price of a run in workers: mean workers + (0.2 · seconds of latency beyond 1 s of a "
    "second's records + 300 · rescales) / seconds. The oracle knows the future. "
    "Made by `daedalus backtest | compare --report`."
)


def section(outcomes: Sequence[Outcome], main: str, heading: str = "") -> Section:
    """Return what the page says of outcomes of one workload and engine; `main` is drawn."""
    results = [one.result for one in outcomes]
    table = lines(results)
    mine = [one for one in results if one.policy == main]
    drawn = next((one.detail for one in outcomes if one.detail is not None), None)
    return Section(
        heading=heading,
        lines=table,
        main=main,
        prices=prices(table) if len(table) > 2 else (),
        distributions=[one.distribution for one in first_of_each(outcomes, main, mine[0].seed)]
        if mine
        else (),
        detail=drawn,
        tiles=tiles(line(mine)) if mine else (),
    )


def overall(outcomes: Sequence[Outcome], main: str, heading: str) -> Section:
    """Return the section of several workloads together: the table and the front alone."""
    table = lines(one.result for one in outcomes)
    mine = [one.result for one in outcomes if one.result.policy == main]
    return Section(
        heading=heading,
        lines=table,
        main=main,
        prices=prices(table),
        tiles=tiles(line(mine)) if mine else (),
    )


def prices(table: Iterable[Line]) -> tuple[Price, ...]:
    """Return where each policy stands."""
    return tuple(
        Price(
            one.policy, CONTENDERS[one.policy].kind, one.workers, one.late, one.price, one.rescales
        )
        for one in table
    )


def tiles(one: Line) -> tuple[tuple[str, str], ...]:
    """Return the figures that a reader looks for first."""
    found = [
        (f"{one.workers:.2f}", "workers, mean"),
        (f"{100 * one.of_static:.0f} %", "of static-12"),
        (f"{one.price:.2f}", "J, workers"),
    ]
    if one.ratio is not None:
        found.append((f"{one.ratio:.3f}", "J / oracle-J"))
    return (
        *found,
        (f"{one.rescales:.1f}", "rescales in 6 h"),
        (f"{number(one.p95)} s", "p95 latency"),
        (f"{one.late:.1f} %", "records later than 1 s"),
        (str(one.slow), "recoveries > 10 min"),
    )


def write(path: Path, title: str, introduction: str, sections: Sequence[Section]) -> None:
    """Write the page, or raise `CommandError`."""
    text = page(title, introduction, sections, FOOTER)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"--report {path}: {error.strerror}") from error


def first_of_each(outcomes: Sequence[Outcome], main: str, seed: int) -> list[Outcome]:
    """Return a run of each policy with this seed, the main one's first, as many as are shown."""
    wanted = [
        main, "rules", "oracle-J", "static-12", "hpa-80", "flink-operator-tuned", "keda-lag"
    ]  # fmt: skip
    found = {one.result.policy: one for one in outcomes if one.result.seed == seed}
    names = [name for name in dict.fromkeys(wanted) if name in found]
    names += [name for name in found if name not in names]
    return [found[name] for name in names[:SHOWN]]
