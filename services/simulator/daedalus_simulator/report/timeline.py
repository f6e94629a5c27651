"""A run over time: workload, capacity, scale-out, lag and latency under one clock."""

import html
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np

from daedalus_simulator.domain.world import Series
from daedalus_simulator.report import sampling
from daedalus_simulator.report.detail import Detail, Expected, Move

Trace = dict[str, Any]
Figure = dict[str, Any]

DAY = 86_400.0

NEW_YEAR = 946_684_800
"""The start on the date axes, a POSIX time at the begin of a year. From 0 on plotly would take the
first milliseconds, numbers of four digits, for years."""

WRAP = 58
"""Signs of a line in a hover box: what a phone can show."""

ROWS = (("", 0.64, 1.0), ("2", 0.43, 0.59), ("3", 0.215, 0.375), ("4", 0.0, 0.16))
"""The rows' axes, and where they begin and end in the figure's height, from the top down."""


def figure(detail: Detail) -> Figure:
    """Return the figure of one run as plotly's JSON, colours as names of the theme."""
    traces = [
        *_workload(detail),
        *_scale_out(detail),
        _curve(detail.lags, row="3", name="lag", color="@purple", unit="records"),
        _curve(detail.latencies, row="4", name="latency", color="@green", unit="s"),
    ]
    return {"data": traces, "layout": _layout(detail)}


def clock(seconds: Series | Sequence[float]) -> list[int]:
    """Return seconds since the start as a date axis has them, in milliseconds."""
    return [round(1000 * (NEW_YEAR + second)) for second in seconds]


def figures(values: Series, digits: int = 5) -> list[float]:
    """Return values as short numbers for JSON."""
    return [float(f"{value:.{digits}g}") for value in values]


def wrapped(text: str) -> str:
    """Return text for a hover box: lines of a phone's width, and never markup."""
    lines = textwrap.wrap(text, WRAP) or [""]
    return "<br>".join(html.escape(line) for line in lines)


def _workload(detail: Detail) -> list[Trace]:
    at, mean = sampling.means(detail.arrivals)
    found: list[Trace] = []
    if detail.expected is not None:
        found += _band(detail.expected)
    found.append(
        {
            "type": "scatter", "mode": "lines", "name": "workload",
            "x": clock(at), "y": figures(mean),
            "line": {"color": "@blue", "width": 1.6}, "xaxis": "x", "yaxis": "y",
            "hovertemplate": "%{y:.3s}/s<extra>workload</extra>",
        }
    )  # fmt: skip
    where = sampling.steps(detail.capacity)
    found.append(
        {
            "type": "scatter", "mode": "lines", "name": "capacity (true)",
            "x": clock(where.astype(float)), "y": figures(detail.capacity[where]),
            "line": {"color": "@ink", "width": 1.2, "shape": "hv"}, "xaxis": "x", "yaxis": "y",
            "hovertemplate": "%{y:.3s}/s<extra>capacity, true</extra>",
        }
    )  # fmt: skip
    if detail.learned:
        seconds, values = (
            np.asarray(part, dtype=float) for part in zip(*detail.learned, strict=True)
        )
        found.append(
            {
                "type": "scatter", "mode": "lines", "name": "capacity (learned)",
                "x": clock(seconds), "y": figures(values),
                "line": {"color": "@orange", "width": 1.6, "dash": "dot", "shape": "hv"},
                "xaxis": "x", "yaxis": "y",
                "hovertemplate": "%{y:.3s}/s<extra>capacity, learned</extra>",
            }
        )  # fmt: skip
    return found


def _band(expected: Expected) -> list[Trace]:
    name = f"expected {expected.ahead / 60:.0f} min before (10 to 90 %)"
    at = clock(expected.seconds)
    edge = {
        "type": "scatter", "mode": "lines", "x": at, "line": {"width": 0, "color": "@blue"},
        "xaxis": "x", "yaxis": "y", "hoverinfo": "skip", "legendgroup": "expected",
    }  # fmt: skip
    return [
        {**edge, "y": figures(expected.low), "showlegend": False, "name": "low"},
        {
            **edge, "y": figures(expected.high), "fill": "tonexty", "fillcolor": "@band",
            "name": name,
        },
        {
            **edge, "y": figures(expected.mean), "showlegend": False, "name": "mean",
            "line": {"width": 1, "color": "@blue", "dash": "dash"}, "opacity": 0.7,
        },
    ]  # fmt: skip


def _scale_out(detail: Detail) -> list[Trace]:
    where = sampling.steps(detail.workers)
    line = {
        "type": "scatter", "mode": "lines", "name": "workers",
        "x": clock(where.astype(float)), "y": detail.workers[where].astype(int).tolist(),
        "line": {"color": "@ink", "width": 1.8, "shape": "hv"}, "xaxis": "x2", "yaxis": "y2",
        "hovertemplate": "%{y} workers<extra></extra>", "showlegend": False,
    }  # fmt: skip
    marks = [
        _marks([move for move in detail.moves if (move.after > move.before) is up], up=up)
        for up in (True, False)
    ]
    return [line, *(mark for mark in marks if mark["x"])]


def _marks(moves: Sequence[Move], *, up: bool) -> Trace:
    return {
        "type": "scatter", "mode": "markers", "name": "scale-up" if up else "scale-down",
        "x": clock([float(move.second) for move in moves]), "y": [move.after for move in moves],
        "text": [_told(move) for move in moves],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {
            "color": "@red" if up else "@green", "size": 9,
            "symbol": "triangle-up" if up else "triangle-down",
        },
        "xaxis": "x2", "yaxis": "y2",
    }  # fmt: skip


def _told(move: Move) -> str:
    head = f"<b>{move.before} → {move.after} workers</b>, {move.outage:.0f} s of outage"
    return f"{head}<br>{wrapped(move.why)}" if move.why else head


def _curve(values: Series, *, row: str, name: str, color: str, unit: str) -> Trace:
    where = sampling.extremes(values)
    return {
        "type": "scatter", "mode": "lines", "name": name, "showlegend": False,
        "x": clock(where.astype(float)), "y": figures(values[where], 4),
        "line": {"color": color, "width": 1.2}, "xaxis": f"x{row}", "yaxis": f"y{row}",
        "hovertemplate": f"%{{y:.3s}} {unit}<extra>{name}</extra>",
    }  # fmt: skip


def _layout(detail: Detail) -> dict[str, Any]:
    seconds = float(len(detail.arrivals))
    layout: dict[str, Any] = {
        "height": 900,
        "hovermode": "closest",
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "margin": {"l": 58, "r": 12, "t": 70, "b": 44},
        "shapes": [_outage(move) for move in detail.moves],
    }
    clock_format = "%H:%M" if seconds <= DAY else "day %-j, %H:%M"
    titles = ("records/s", "workers", "lag, records", "latency, s")
    for (row, low, high), title in zip(ROWS, titles, strict=True):
        layout[f"xaxis{row}"] = {
            "type": "date", "range": clock([0.0, seconds]), "anchor": f"y{row}",
            "hoverformat": "%H:%M:%S", "tickformat": clock_format,
            "showticklabels": row == ROWS[-1][0], "ticks": "",
        } | ({} if row == "" else {"matches": "x"})  # fmt: skip
        layout[f"yaxis{row}"] = {
            "domain": [low, high], "anchor": f"x{row}", "title": {"text": title, "standoff": 6},
            "rangemode": "tozero", "automargin": False, "tickformat": "~s",
        }  # fmt: skip
    layout["yaxis2"] |= {"tickformat": "d"}
    layout[f"xaxis{ROWS[-1][0]}"]["title"] = {"text": "time since the start, hours:minutes"}
    layout["yaxis4"] |= _latency_axis(detail.latencies)
    return layout


def _latency_axis(latencies: Series) -> dict[str, Any]:
    """Return a log axis: two tenths of a second and two minutes are both of interest."""
    top = max(float(latencies.max(initial=1.0)), 2.0)
    return {
        "type": "log", "range": [np.log10(0.15), float(np.log10(top * 1.3))],
        "tickvals": [0.2, 1, 10, 60, 600], "ticktext": ["0.2", "1", "10", "60", "600"],
        "rangemode": "normal",
    }  # fmt: skip


def _outage(move: Move) -> dict[str, Any]:
    """Return the shade over an outage, in every row, wide enough to be seen."""
    begin, end = clock([move.second, move.second + max(move.outage, 20.0)])
    return {
        "type": "rect", "xref": "x", "yref": "paper", "y0": 0, "y1": 1, "layer": "below",
        "x0": begin, "x1": end,
        "fillcolor": "@shade", "line": {"width": 0},
    }  # fmt: skip
