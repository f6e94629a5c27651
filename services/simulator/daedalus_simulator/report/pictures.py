"""Still pictures of the plots, as SVG for documents; the same input makes the same file."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FuncFormatter

from daedalus_simulator.domain.world import Series
from daedalus_simulator.report import charts, labels, sampling
from daedalus_simulator.report.charts import Price
from daedalus_simulator.report.detail import Detail, Known
from daedalus_simulator.report.theme import LIGHT, SERIES

POINTS = 500
"""Points of a curve: a picture is about twice as many pixels wide."""

HOUR = 3600.0

STYLE: Any = {  # matplotlib's own type spells every name out
    "axes.edgecolor": LIGHT["@grid"],
    "axes.grid": True,
    "axes.labelcolor": LIGHT["@soft"],
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "font.family": "sans-serif",
    "grid.color": LIGHT["@grid"],
    "grid.linewidth": 0.6,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.3,
    "svg.fonttype": "none",  # text stays text: small, and found by a search
    "svg.hashsalt": "daedalus",  # else the ids differ from time to time
    "text.color": LIGHT["@ink"],
    "xtick.color": LIGHT["@soft"],
    "xtick.labelsize": 8,
    "xtick.minor.size": 0,
    "ytick.color": LIGHT["@soft"],
    "ytick.labelsize": 8,
    "ytick.minor.size": 0,
}

BAND: Any = {"color": LIGHT["@blue"], "alpha": 0.16, "linewidth": 0}

SIZE = (800.0, 360.0)
"""Pixels of a front's axes."""

Steps = Sequence[tuple[int, int]]
"""(second, scale-out): the begin, and each rescale."""


def timeline(path: Path, detail: Detail) -> None:
    """Draw a run over time: workload and capacity, workers, latency."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 5.2), layout="constrained")
        top, middle, bottom = figure.subplots(3, 1, sharex=True, height_ratios=[3, 1.5, 1.5])
        _workload(top, detail)
        _steps(middle, detail)
        _latency(bottom, detail)
        bottom.set_xlabel("hours since the start")
        _save(figure, path)


def scale_outs(path: Path, detail: Detail, steps: Mapping[str, Steps]) -> None:
    """Draw the scale-outs of several policies on one workload, above what it just needs."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 1 + 1.15 * len(steps)), layout="constrained")
        axes = np.atleast_1d(figure.subplots(len(steps), 1, sharex=True, sharey=True))
        at, workload = sampling.means(detail.arrivals, POINTS)
        need = _needed(workload, detail.curve)
        for place, (name, moves) in zip(axes, steps.items(), strict=True):
            place.fill_between(at / HOUR, need, **BAND)
            seconds = [second / HOUR for second, _ in moves] + [len(detail.arrivals) / HOUR]
            counts = [count for _, count in moves] + [moves[-1][1]]
            place.step(seconds, counts, where="post", color=LIGHT["@ink"])
            place.set_title(f"{name}: {len(moves) - 1} rescales")
            place.set_ylabel("workers")
        axes[-1].set(xlabel="hours since the start", xlim=(0, len(detail.arrivals) / HOUR))
        _save(figure, path)


def _needed(workload: Series, curve: Sequence[Known]) -> Series:
    """Return the workers that could just process a workload, parts of workers too."""
    if not curve:
        return np.zeros(len(workload))
    capacities = [0.0, *(one.true for one in curve)]
    return np.asarray(np.interp(workload, capacities, [0, *(one.scale_out for one in curve)]))


def front(path: Path, prices: Sequence[Price]) -> None:
    """Draw cost against lateness of all policies, the oracles' front drawn in."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 4.6), layout="constrained")
        axes = figure.subplots()
        low, high = charts.bounds(prices)
        left, right = 10**charts.LEFT, 10**charts.RIGHT
        axes.set(xscale="log", xlim=(left, right), ylim=(low, high))
        axes.set(xlabel="records later than 1 s, %", ylabel="workers, mean")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        oracles = sorted((one for one in prices if one.kind == "oracle"), key=lambda one: one.late)
        axes.plot(
            [max(one.late, charts.LEAST_LATE) for one in oracles],
            [one.workers for one in oracles],
            color=LIGHT["@grey"], linestyle=":", zorder=1,
        )  # fmt: skip
        for one, position in zip(prices, labels.places(charts.places(prices, *SIZE)), strict=True):
            _named(axes, one, position)
        _save(figure, path)


def latencies(path: Path, found: Sequence[charts.Distribution]) -> None:
    """Draw the latencies' distributions over a log axis; the first is drawn boldest."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(9, 3.8), layout="constrained")
        axes = figure.subplots()
        for number, one in enumerate(found):
            color = LIGHT[SERIES[number % len(SERIES)]]
            axes.plot(
                one.latencies, 100 * charts.PARTS, label=one.name, color=color,
                linewidth=2.2 if number == 0 else 1.1,
            )  # fmt: skip
        axes.axvline(1.0, color=LIGHT["@grey"], linestyle=":", linewidth=1)
        axes.set(xscale="log", ylim=(charts.floor(found), 100.5), xlabel="latency, s")
        axes.set(ylabel="records within, %")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.legend(loc="lower right")
        _save(figure, path)


def _named(axes: Axes, price: Price, position: str) -> None:
    color, marker = {
        "oracle": (LIGHT["@grey"], "*"),
        "baseline": (LIGHT["@blue"], "o"),
        "daedalus": (LIGHT["@orange"], "D"),
    }[price.kind]
    point = (max(price.late, charts.LEAST_LATE), price.workers)
    axes.plot(*point, marker=marker, color=color, markersize=8 if marker == "*" else 5)
    vertical, horizontal = position.split()
    shift = {"top": 6, "middle": 0, "bottom": -6}[vertical]
    aside = {"left": -6, "center": 0, "right": 6}[horizontal]
    text: dict[str, Any] = {
        "ha": {"left": "right", "center": "center", "right": "left"}[horizontal],
        "va": {"top": "bottom", "middle": "center", "bottom": "top"}[vertical],
    }
    axes.annotate(
        _plain(price.name), point, xytext=(aside, shift), textcoords="offset points", color=color,
        fontsize=8, **text,
    )  # fmt: skip


def _workload(axes: Axes, detail: Detail) -> None:
    if detail.expected is not None:
        expected = detail.expected
        axes.fill_between(
            expected.seconds / HOUR,
            expected.low,
            expected.high,
            label=f"expected {expected.ahead / 60:.0f} min before (10 to 90 %)",
            **BAND,
        )
    at, mean = sampling.means(detail.arrivals, POINTS)
    axes.plot(at / HOUR, mean, color=LIGHT["@blue"], label="workload")
    where = sampling.steps(detail.capacity)
    axes.step(
        where / HOUR, detail.capacity[where], where="post", color=LIGHT["@ink"], label="capacity"
    )
    if detail.learned:
        seconds, learned = zip(*detail.learned, strict=True)
        axes.step(
            np.array(seconds) / HOUR, learned, where="post", color=LIGHT["@orange"],
            linestyle=":", label="capacity as learned",
        )  # fmt: skip
    room_for_legend = 1.15 * axes.get_ylim()[1]
    axes.set(ylabel="records/s", ylim=(0, room_for_legend), xlim=(0, len(detail.arrivals) / HOUR))
    axes.set_title(_plain(f"{detail.policy} on {detail.trace}, {detail.engine}"))
    axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    axes.legend(loc="upper right", ncols=4)


def _steps(axes: Axes, detail: Detail) -> None:
    where = sampling.steps(detail.workers)
    axes.step(where / HOUR, detail.workers[where], where="post", color=LIGHT["@ink"])
    for move in detail.moves:
        up = move.after > move.before
        axes.plot(
            move.second / HOUR, move.after, marker="^" if up else "v", markersize=5,
            color=LIGHT["@red"] if up else LIGHT["@green"],
        )  # fmt: skip
    axes.set(ylabel="workers", ylim=(0, None))


def _latency(axes: Axes, detail: Detail) -> None:
    where = sampling.extremes(detail.latencies, POINTS)
    axes.plot(where / HOUR, detail.latencies[where], color=LIGHT["@green"], linewidth=0.9)
    top = 10 ** math.ceil(math.log10(max(float(detail.latencies.max()), 2.0)))
    axes.set(ylabel="latency, s", yscale="log", ylim=(0.15, top))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _plain(text: str) -> str:
    """Return text in which no `$` begins a formula."""
    return text.replace("$", r"\$")


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, format="svg", metadata={"Date": None})
