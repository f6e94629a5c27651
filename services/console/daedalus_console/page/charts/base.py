"""What all charts share: colours by name, axes of time, and what the browser formats.

Colours are CSS variables, which the SVG renderer hands to the browser: light and dark need no new
options. Numbers and times are formatted in the browser, in its zone, by functions of `page.js`; a
key that begins with `:` names one. No text from a topic is ever part of such a key's value.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from daedalus_console.page.charts.model import Reading

Options = dict[str, Any]
"""Options of ECharts, as JSON."""

WORKLOAD = "var(--workload)"
FORECAST = "var(--forecast)"
CAPACITY = "var(--capacity)"
APPLIED = "var(--applied)"
RECOMMENDED = "var(--recommended)"
LAG = "var(--lag)"
LATENCY = "var(--latency)"
INK = "var(--ink)"
FAINT = "var(--faint)"
LINE = "var(--line)"
BAD = "var(--bad)"

FONT = "system-ui, sans-serif"


def milliseconds(at: datetime) -> int:
    """Return the milliseconds since the epoch, as a browser counts them."""
    return round(at.timestamp() * 1000)


def pairs(readings: Iterable[Reading]) -> list[list[float | None]]:
    """Return the readings as a chart takes them; a gap where one is unknown."""
    return [[milliseconds(at), rounded(value)] for at, value in readings]


def rounded(value: float | None) -> float | None:
    """Return a value to six digits: the rest is invisible, and has to be sent.

    >>> rounded(1234.56789), rounded(None)
    (1234.57, None)
    """
    return None if value is None else float(f"{value:.6g}")


def chart(**parts: Any) -> Options:
    """Return options with what all charts have in common."""
    return {
        "animation": False,
        "textStyle": {"color": INK, "fontFamily": FONT},
        **parts,
    }


def line(name: str, data: Sequence[Any], color: str, **more: Any) -> Options:
    """Return a series of a line without symbols."""
    style = {"color": color, "width": 2, **more.pop("lineStyle", {})}
    return {
        "type": "line",
        "name": name,
        "data": data,
        "showSymbol": False,
        "symbol": "none",
        "connectNulls": False,
        "color": color,
        "lineStyle": style,
        "emphasis": {"disabled": True},
        **more,
    }


def value_axis(name: str, formatter: str = "daedalus.number", **more: Any) -> Options:
    """Return an axis of values from 0 on, its numbers formatted by a function of `page.js`."""
    return {
        "type": "value",
        "name": name,
        "min": 0,
        "nameTextStyle": {"color": FAINT, "align": "left", "padding": [0, 0, 0, -36]},
        "axisLabel": {":formatter": formatter, "color": FAINT},
        "splitLine": {"lineStyle": {"color": LINE}},
        "splitNumber": 3,
        **more,
    }


def time_axis(**more: Any) -> Options:
    """Return an axis of time; the browser shows it in its own zone."""
    return {
        "type": "time",
        "axisLabel": {"color": FAINT, "hideOverlap": True},
        "axisLine": {"lineStyle": {"color": FAINT}},
        "axisPointer": {"label": {"show": False}},
        **more,
    }


def tooltip(formatter: str = "daedalus.tooltip") -> Options:
    """Return a tooltip of all that holds at a place; `page.js` sets its text as text."""
    return {
        "trigger": "axis",
        ":formatter": formatter,
        "confine": True,
        "transitionDuration": 0,
        "backgroundColor": "var(--surface)",
        "borderColor": "var(--line)",
        "textStyle": {"color": INK, "fontSize": 13},
        "axisPointer": {"type": "line", "lineStyle": {"color": FAINT}},
    }


def legend(names: Sequence[str | Options], top: int) -> Options:
    """Return a legend of the series named."""
    return {
        "data": list(names),
        "top": top,
        "right": 8,
        "itemWidth": 18,
        "itemHeight": 9,
        "itemGap": 10,
        "textStyle": {"color": INK, "fontSize": 12},
        "inactiveColor": FAINT,
        "itemStyle": {"opacity": 0},  # the dots of lines that have none; shapes and bands say 1
    }
