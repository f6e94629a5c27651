"""Results for terminals, as Markdown and as JSON."""

import sys
from collections.abc import Sequence
from os import environ

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from daedalus_simulator.domain.score import ScoreCard
from daedalus_simulator.results import Line, Result

WIDE = 110
"""Columns of a table that goes into a file or a pipe, where no terminal tells its width."""

HEADS = (
    "policy", "workers", "/static", "J", "J/oracle", "worst", "rescales/6h", "p95 s", "late %",
    "slow",
)  # fmt: skip
SHORT = {
    "policy": "policy", "workers": "wrk", "/static": "/stat", "J/oracle": "J/orc", "worst": "worst",
    "rescales/6h": "resc", "p95 s": "p95", "late %": "late", "slow": "slow",
}  # fmt: skip
"""The columns of a narrow terminal, and what they are called there."""

NARROW = 84
"""Columns from which on heads are written in full."""

NOTE = (
    "workers: mean paid; J: price of a run in workers; J/oracle: beside the least that anybody "
    "could have reached; worst: of the worst run; late: records later than 1 s; slow: recoveries "
    "of more than 600 s"
)


def console() -> Console:
    """Return the console that tables are printed on."""
    width = None if sys.stdout.isatty() or "COLUMNS" in environ else WIDE
    return Console(highlight=False, markup=False, emoji=False, width=width)


def cells(line: Line) -> tuple[str, ...]:
    """Return a line's figures as text, as many as there are heads."""
    return (
        line.policy,
        f"{line.workers:.2f}",
        f"{line.of_static:.2f}",
        f"{line.price:.2f}",
        _ratio(line.ratio),
        _ratio(line.worst),
        f"{line.rescales:.1f}",
        f"{line.p95:.1f}",
        f"{line.late:.1f}",
        str(line.slow),
    )


def scores(title: str, lines: Sequence[Line], width: int, best: str | None = None) -> Table:
    """Return a table with a line a policy; `best` is set off."""
    table = Table(
        box=box.SIMPLE_HEAD, title=Text(printable(title), style="bold"), title_justify="left",
        header_style="bold", pad_edge=False, padding=(0, 1) if width >= NARROW else (0, 0, 0, 1),
        collapse_padding=True,
    )  # fmt: skip
    heads = dict(zip(HEADS, HEADS, strict=True)) if width >= NARROW else SHORT
    for head in heads.values():
        table.add_column(head, justify="left" if head == "policy" else "right", no_wrap=True)
    for line in lines:
        shown = dict(zip(HEADS, cells(line), strict=True))
        table.add_row(
            *(Text(printable(shown[head])) for head in heads), style=_style(line.policy, best)
        )
    return table


def markdown(title: str, lines: Sequence[Line], best: str | None = None) -> str:
    """Return a table in Markdown under a heading; `best` is set off."""
    rows = [HEADS, ("---", *("---:" for _ in HEADS[1:]))]
    for line in lines:
        mark = "**" if line.policy == best else ""
        rows.append(tuple(f"{mark}{_escaped(cell)}{mark}" for cell in cells(line)))
    text = "\n".join("| " + " | ".join(row) + " |" for row in rows)
    return f"### {_escaped(title)}\n\n{text}\n"


def runs(title: str, results: Sequence[Result]) -> Table:
    """Return a table of runs of one policy: a column a seed, a line a figure."""
    table = Table(
        box=box.SIMPLE_HEAD, title=Text(printable(title), style="bold"), title_justify="left",
        header_style="bold", pad_edge=False,
    )  # fmt: skip
    table.add_column("")
    for result in results:
        table.add_column(f"seed {result.seed}", justify="right")
    rows = [dict(figures(result)) for result in results]
    for name in rows[0]:
        table.add_row(name, *(row[name] for row in rows))
    return table


def figures(result: Result) -> Sequence[tuple[str, str]]:
    """Return the figures of a run in full, each with its name."""
    card: ScoreCard = result.card
    return (
        ("workers, mean", f"{card.workers:.2f}"),
        ("  / 12 all the time", f"{card.of_static:.2f}"),
        ("price of the run, J", f"{card.price:.2f}"),
        ("  / oracle-J", _ratio(result.ratio)),
        ("rescales", str(card.rescales)),
        ("  in 6 h", f"{card.rescales_per_6h:.1f}"),
        ("latency, mean", span(card.latency_mean)),
        ("  p50", span(card.latency_p50)),
        ("  p95", span(card.latency_p95)),
        ("  p99", span(card.latency_p99)),
        ("records later than 1 s", f"{card.above_1s:.1f} %"),
        ("  than 10 s", f"{card.above_10s:.1f} %"),
        ("  than 60 s", f"{card.above_60s:.1f} %"),
        ("outages in all", span(card.downtime)),
        ("largest lag", f"{number(card.largest_lag)} records"),
        ("longest recovery", span(card.longest_recovery)),
        ("recoveries above 600 s", str(card.slow_recoveries)),
    )


def number(value: float) -> str:
    """Return a number to three digits, with k, M, G from a thousand on.

    >>> number(12345.0), number(0.0)
    ('12.3k', '0')
    """
    for unit in ("", "k", "M", "G"):
        if abs(float(f"{value:.3g}")) < 1000:
            return f"{value:.3g}{unit}"
        value /= 1000
    return f"{value:.3g}T"


def span(seconds: float) -> str:
    """Return seconds with a unit that suits them.

    >>> span(0.2), span(12.34), span(90.0)
    ('0.20 s', '12.3 s', '90 s')
    """
    digits = 2 if seconds < 10 else 1 if seconds < 60 else 0
    return f"{seconds:.{digits}f} s"


def printable(text: str) -> str:
    r"""Return text that cannot steer a terminal: what is not printable is spelled out.

    >>> printable("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _style(policy: str, best: str | None) -> str:
    if policy == best:
        return "bold"
    return "dim" if policy.startswith("oracle") else ""


def _escaped(text: str) -> str:
    return printable(text).replace("|", "\\|")
