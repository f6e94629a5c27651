"""The charts that are not over time: latencies, the capacity curve, cost against lateness."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from daedalus_simulator.domain.world import Series
from daedalus_simulator.report import labels, sampling
from daedalus_simulator.report.detail import Known
from daedalus_simulator.report.theme import SERIES
from daedalus_simulator.report.timeline import Figure, figures, wrapped

PARTS: Series = np.unique(
    np.concatenate([np.linspace(0, 0.98, 99), 1 - np.logspace(np.log10(0.02), -5, 100), [1.0]])
)
"""Shares of the records at which a distribution is kept: close where the late ones are."""

LEAST_LATE = 0.1
"""Percent of late records that a log axis begins with: fewer are drawn there."""

BOUND = "bound"
"""Kind of what is known to be a lower bound only."""

LEFT, RIGHT = -1.25, 2.2
"""Ends of that axis, as powers of ten."""


@dataclass(frozen=True, slots=True, eq=False)
class Distribution:
    """How long the records of a run took."""

    name: str
    latencies: Series
    """Seconds at each of `PARTS`."""

    @classmethod
    def of(cls, name: str, latencies: Series, records: Series) -> "Distribution":
        """Return the distribution of latencies (s) of so many records each."""
        return cls(name, sampling.quantiles(latencies, records, PARTS))


@dataclass(frozen=True, slots=True)
class Price:
    """Where a policy stands: what it costs, and how late it is."""

    name: str
    kind: str
    """`daedalus`, `baseline` or `oracle`."""

    workers: float
    """Mean workers."""

    late: float
    """Percent of records later than 1 s."""

    price: float
    """J, workers."""

    rescales: float
    """In 6 h."""


def ecdf(found: Sequence[Distribution]) -> Figure:
    """Return the latencies' distributions over a log axis; the first is drawn boldest."""
    traces = [
        {
            "type": "scatter", "mode": "lines", "name": wrapped(one.name),
            "x": figures(one.latencies, 4), "y": figures(100 * PARTS, 6),
            "line": {
                "color": SERIES[number % len(SERIES)],
                "width": 2.4 if number == 0 else 1.2,
                "dash": "solid" if number < len(SERIES) else "dot",
            },
            "opacity": 1.0 if number == 0 else 0.8,
            "hovertemplate": "%{y:.2f} % within %{x:.3s} s",
        }
        for number, one in enumerate(found)
    ]  # fmt: skip
    top = max((float(one.latencies[-1]) for one in found), default=1.0)
    return {
        "data": traces,
        "layout": {
            "height": 460, "hovermode": "closest",
            "margin": {"l": 58, "r": 12, "t": 34, "b": 54},
            "legend": {"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0},
            "xaxis": {
                "type": "log", "title": {"text": "latency, s (log)"},
                "range": [float(np.log10(0.17)), float(np.log10(max(top, 2.0) * 1.1))],
                "tickvals": [0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600, 1800, 3600],
                "ticktext": [
                    "0.2", "0.5", "1", "2", "5", "10", "20", "1 m", "2 m", "5 m", "10 m", "30 m",
                    "1 h",
                ],
            },
            "yaxis": {"title": {"text": "records within, %"}, "range": [floor(found), 101]},
            "shapes": [
                {
                    "type": "line", "xref": "x", "yref": "paper", "x0": 1, "x1": 1, "y0": 0,
                    "y1": 1, "line": {"color": "@grey", "width": 1, "dash": "dot"},
                }
            ],
        },
    }  # fmt: skip


def floor(found: Sequence[Distribution]) -> float:
    """Return where an axis of percents begins, so that what differs fills it."""
    waited = [float((one.latencies <= 1.01 * one.latencies[0]).sum()) for one in found]
    shares = [100 * float(PARTS[max(int(count) - 1, 0)]) for count in waited]
    return max(0.0, 10 * (min(shares, default=0.0) // 10 - 1))


def capacity(curve: Sequence[Known]) -> Figure:
    """Return the capacity of each scale-out: the truth, and what was learned with its error."""
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter", "mode": "lines+markers", "name": "true",
            "x": [point.scale_out for point in curve],
            "y": [float(f"{point.true:.5g}") for point in curve],
            "line": {"color": "@ink", "width": 1.5}, "marker": {"size": 5, "color": "@ink"},
            "hovertemplate": "%{y:.4s}/s<extra>true</extra>",
        }
    ]  # fmt: skip
    kinds = (
        ("observed", "learned: observed", "circle", "@orange"),
        ("fitted", "learned: fitted", "circle-open", "@orange"),
        ("estimated", "learned: estimated", "diamond-open", "@grey"),
        (BOUND, "learned: at least", "triangle-up-open", "@orange"),
    )
    for kind, name, symbol, color in kinds:
        points = [
            one
            for one in curve
            if one.learned is not None and (BOUND if one.at_least else one.basis) == kind
        ]
        if points:
            traces.append(_learned(points, name, symbol, color))
    return {
        "data": traces,
        "layout": {
            "height": 420, "hovermode": "closest",
            "margin": {"l": 58, "r": 12, "t": 34, "b": 54},
            "legend": {"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0},
            "xaxis": {"title": {"text": "workers"}, "dtick": 2},
            "yaxis": {
                "title": {"text": "capacity, records/s"}, "rangemode": "tozero",
                "tickformat": "~s",
            },
        },
    }  # fmt: skip


def _learned(points: Sequence[Known], name: str, symbol: str, color: str) -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "markers", "name": name,
        "x": [point.scale_out for point in points],
        "y": [float(f"{point.learned:.5g}") for point in points],
        "error_y": {
            "type": "data", "array": [float(f"{2 * (point.error or 0.0):.4g}") for point in points],
            "color": color, "thickness": 1.2, "width": 4,
        },
        "marker": {"size": 9, "symbol": symbol, "color": color, "line": {"width": 1.5}},
        "text": [_off(point) for point in points],
        "hovertemplate": f"%{{x}} workers: %{{y:.4s}}/s<br>%{{text}}<extra>{name}</extra>",
    }  # fmt: skip


def _off(point: Known) -> str:
    return f"{100 * ((point.learned or 0.0) / point.true - 1):+.1f} % off"


def front(prices: Sequence[Price]) -> Figure:
    """Return cost against lateness of all policies, the oracles' front drawn in."""
    traces: list[dict[str, Any]] = []
    written = dict(zip((one.name for one in prices), labels.places(places(prices)), strict=True))
    for kind, name, color, symbol in (
        ("oracle", "oracle: the future known", "@grey", "star"),
        ("baseline", "baselines", "@blue", "circle"),
        ("daedalus", "Daedalus", "@orange", "diamond"),
    ):
        group = sorted((one for one in prices if one.kind == kind), key=lambda one: one.late)
        if group:
            trace = _group(group, name, color, symbol)
            trace["textposition"] = [written[one.name] for one in group]
            if kind == "oracle":
                trace["mode"] = "lines+markers+text"
            traces.append(trace)
    low, high = bounds(prices)
    return {
        "data": traces,
        "layout": {
            "height": 540, "hovermode": "closest",
            "margin": {"l": 58, "r": 12, "t": 34, "b": 54},
            "legend": {"orientation": "h", "y": -0.16, "yanchor": "top", "x": 0},
            "xaxis": {
                "type": "log", "title": {"text": "records later than 1 s, % (log)"},
                "range": [LEFT, RIGHT],
                "tickvals": [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100],
                "ticktext": ["≤ 0.1", "0.2", "0.5", "1", "2", "5", "10", "20", "50", "100"],
            },
            "yaxis": {"title": {"text": "workers, mean"}, "range": [low, high]},
        },
    }  # fmt: skip


def bounds(prices: Sequence[Price]) -> tuple[float, float]:
    """Return the ends of the axis of workers."""
    workers = [one.workers for one in prices] or [0.0, 1.0]
    room = 0.08 * (max(workers) - min(workers)) + 0.3
    return max(0.0, min(workers) - room), max(workers) + room


def places(
    prices: Sequence[Price], width: float = 1080.0, height: float = 470.0
) -> list[labels.Point]:
    """Return where the points lie on axes of so many pixels, y upwards."""
    low, high = bounds(prices)
    return [
        labels.Point(
            width * (float(np.log10(max(one.late, LEAST_LATE))) - LEFT) / (RIGHT - LEFT),
            height * (one.workers - low) / (high - low),
            6.2 * len(one.name),
        )
        for one in prices
    ]


def _group(prices: Sequence[Price], name: str, color: str, symbol: str) -> dict[str, Any]:
    return {
        "type": "scatter", "mode": "markers+text", "name": name,
        "x": [float(f"{max(one.late, LEAST_LATE):.4g}") for one in prices],
        "y": [float(f"{one.workers:.4g}") for one in prices],
        "text": [wrapped(one.name) for one in prices],
        "customdata": [[round(one.price, 3), round(one.rescales, 1)] for one in prices],
        "textfont": {"size": 11, "color": color},
        "line": {"color": color, "width": 1.2, "dash": "dot"},
        "marker": {"size": 10, "symbol": symbol, "color": color},
        "hovertemplate": (
            "<b>%{text}</b><br>%{y:.2f} workers, %{x:.3g} % late<br>"
            "J %{customdata[0]}, %{customdata[1]} rescales in 6 h<extra></extra>"
        ),
    }  # fmt: skip
