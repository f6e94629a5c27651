"""The page: what was run, its score, its plots; everything it needs is in it."""

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from string import Template

from daedalus_simulator.report import charts, timeline
from daedalus_simulator.report.charts import Distribution, Price
from daedalus_simulator.report.detail import Detail, Move
from daedalus_simulator.report.theme import DARK, LIGHT
from daedalus_simulator.report.timeline import Figure
from daedalus_simulator.results import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What the page says of one workload."""

    heading: str
    """Empty where the page's title says it all."""

    lines: Sequence[Line]
    """The score table, a line a policy."""

    main: str
    """The policy whose run is drawn, and whose line is set off."""

    prices: Sequence[Price] = ()
    """For the chart of cost against lateness; empty: no chart."""

    distributions: Sequence[Distribution] = ()
    """The main policy's first."""

    detail: Detail | None = None
    """The run that is drawn; None: none is."""

    tiles: Sequence[tuple[str, str]] = ()
    """(figure, what it is) of the main policy."""


def page(title: str, introduction: str, sections: Iterable[Section], footer: str) -> str:
    """Return the page's HTML.

    Args:
        title: Plain text.
        introduction: Plain text.
        sections: One a workload.
        footer: Plain text: how to make the page again.
    """
    figures: dict[str, Figure] = {}
    body = [f"<h1>{html.escape(title)}</h1>", f'<p class="soft">{html.escape(introduction)}</p>']
    for number, section in enumerate(sections):
        body += _section(section, number, figures)
    template = Template((files(__package__) / "page.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=html.escape(title),
        colours=_colours(),
        body="\n".join(body),
        footer=html.escape(footer),
        figures=embedded(figures),
        themes=embedded({"light": dict(LIGHT), "dark": dict(DARK)}),
        plotly=_plotly(),
    )


def embedded(value: object) -> str:
    """Return JSON that cannot end the script element that it stands in."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _plotly() -> str:
    from plotly.offline import get_plotlyjs  # noqa: PLC0415 -- 5 MB of text, only for a page

    script: str = get_plotlyjs()
    return script.replace("</script", "<\\/script")


def _colours() -> str:
    def rule(theme: Mapping[str, str]) -> str:
        return " ".join(f"--{name[1:]}: {value};" for name, value in theme.items())

    return (
        f":root {{ {rule(LIGHT)} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {rule(DARK)} }} }}"
    )


def _section(section: Section, number: int, figures: dict[str, Figure]) -> list[str]:
    def plot(name: str, figure: Figure) -> str:
        key = f"{name}{number}"
        figures[key] = figure
        height = figure["layout"]["height"]
        return f'<div class="plot" id="{key}" style="min-height:{height}px"></div>'

    found = [f"<h2>{html.escape(section.heading)}</h2>"] if section.heading else []
    if section.tiles:
        tiles = "".join(
            f'<div class="tile"><b>{html.escape(value)}</b><span>{html.escape(what)}</span></div>'
            for value, what in section.tiles
        )
        found.append(f'<div class="tiles">{tiles}</div>')
    detail = section.detail
    if detail is not None:
        found += [
            f"<h3>{html.escape(section.main)} over time</h3>",
            '<p class="soft">Triangles are rescales, red up and green down: point at one to read '
            "why. Shades are outages. Drag to zoom, double-click to see all again.</p>",
            plot("time", timeline.figure(detail)),
            _moves(detail.moves),
        ]
    pair = []
    if section.distributions:
        pair.append(
            "<div><h3>How long records took</h3>"
            + plot("latency", charts.ecdf(section.distributions))
            + "</div>"
        )
    if detail is not None and detail.curve:
        pair.append(
            "<div><h3>Capacity learned against true (bars: two standard errors)</h3>"
            + plot("capacity", charts.capacity(detail.curve))
            + "</div>"
        )
    if pair:
        found.append(f'<div class="pair">{"".join(pair)}</div>')
    if section.prices:
        found += [
            "<h3>Cost against lateness</h3>",
            '<p class="soft">Left and low is good. The dotted line joins the oracles, who know '
            "the future and catch up within ten minutes.</p>",
            plot("front", charts.front(section.prices)),
        ]
    found += ["<h3>Score</h3>", table(section.lines, section.main)]
    return found


COLUMNS = (
    "policy", "workers", "/ static", "J", "J / oracle-J", "worst", "rescales / 6 h", "p95, s",
    "later than 1 s, %", "recoveries > 10 min",
)  # fmt: skip


def table(lines: Sequence[Line], main: str) -> str:
    """Return the score table as HTML."""
    head = "".join(f"<th>{name}</th>" for name in COLUMNS)
    rows = []
    for line in lines:
        kind = "main" if line.policy == main else ""
        kind = "oracle" if line.policy.startswith("oracle") else kind
        cells = "".join(f"<td>{html.escape(cell)}</td>" for cell in _cells(line))
        rows.append(f'<tr class="{kind}">{cells}</tr>')
    return f'<div class="scroll"><table><tr>{head}</tr>{"".join(rows)}</table></div>'


def _cells(line: Line) -> tuple[str, ...]:
    return (
        line.policy,
        f"{line.workers:.2f}",
        f"{line.of_static:.2f}",
        f"{line.price:.2f}",
        "-" if line.ratio is None else f"{line.ratio:.3f}",
        "-" if line.worst is None else f"{line.worst:.3f}",
        f"{line.rescales:.1f}",
        f"{line.p95:.1f}",
        f"{line.late:.1f}",
        str(line.slow),
    )


def _moves(moves: Sequence[Move]) -> str:
    """Return the rescales as a table that opens on demand: a phone cannot point."""
    if not moves:
        return ""
    rows = "".join(
        f"<tr><td>{_clock(move.second)}</td><td>{move.before} → {move.after}</td>"
        f'<td>{move.outage:.0f} s</td><td class="text">{html.escape(move.why)}</td></tr>'
        for move in moves
    )
    return (
        f"<details><summary>All {len(moves)} rescales, and why</summary>"
        '<div class="scroll"><table><tr><th>time</th><th>workers</th><th>outage</th>'
        f'<th style="text-align:left">why</th></tr>{rows}</table></div></details>'
    )


def _clock(second: float) -> str:
    return f"{int(second) // 3600}:{int(second) // 60 % 60:02d}:{int(second) % 60:02d}"
