"""The main chart: workload against capacity, scale-outs, lag and latency over the same time."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from daedalus_console.figures import change
from daedalus_console.page.charts import base
from daedalus_console.page.charts.base import Options, line, milliseconds, pairs, rounded
from daedalus_console.page.charts.model import Expected, Move, Reading, Timeline, steps, thinned

HEIGHT = 660
"""Pixels that the four grids take together."""

LEAST = timedelta(minutes=1)
"""What the chart spans at least: one moment has no width."""

AHEAD = timedelta(minutes=1)
"""What is shown of a forecast at least; beyond it, no more than the chart shows of the past."""

BAND = "0.1 to 0.9"
LOW = "forecast 0.1"

_GRIDS = ((70, 192), (324, 90), (472, 56), (578, 46))
"""Top and height of each grid in pixels: rates, workers, lag, latency."""

_NAMES = ("records/s", "workers", "lag, records", "latency, p95")
_FORMATS = ("daedalus.number", "daedalus.whole", "daedalus.number", "daedalus.seconds")


def timeline(shown: Timeline) -> Options:
    """Return the options of the main chart."""
    series = series_of(shown)
    rates: list[str | Options] = [
        "workload",
        "forecast",
        {"name": BAND, "icon": "rect", "itemStyle": {"opacity": 0.4}},
        "capacity",
    ]
    workers = ["running", "recommended"]
    latency = any(value is not None for _, value in shown.latency)
    names = _NAMES if latency or not shown.latency else (*_NAMES[:3], "latency: unknown")
    return base.chart(
        tooltip=base.tooltip(),
        axisPointer={"link": [{"xAxisIndex": "all"}]},
        legend=[base.legend(rates, 4), base.legend(workers, _GRIDS[1][0] - 30)],
        grid=[
            {"left": 52, "right": 14, "top": top, "height": height, "outerBoundsMode": "none"}
            for top, height in _GRIDS
        ],
        xAxis=[base.time_axis(gridIndex=index, **bounds(shown)) for index in range(len(_GRIDS))],
        yAxis=[
            base.value_axis(name, formatter, gridIndex=index, **_whole(index))
            for index, (name, formatter) in enumerate(zip(names, _FORMATS, strict=True))
        ],
        series=series,
    )


def series_of(shown: Timeline) -> list[Options]:
    """Return the series alone: what changes while the page is open."""
    expected = _near(shown)
    low, band = _band(expected)
    return [
        _series(0, "workload", pairs(thinned(shown.workload)), base.WORKLOAD),
        _series(
            0,
            "forecast",
            _past(shown) + _future(expected, expected.mean if expected else ()),
            base.FORECAST,
            lineStyle={"type": "dashed"},
        ),
        _series(0, LOW, low, base.FORECAST, stack="band", lineStyle={"width": 0}),
        _series(
            0,
            BAND,
            band,
            base.FORECAST,
            stack="band",
            lineStyle={"width": 0},
            areaStyle={"color": base.FORECAST, "opacity": 0.22},
        ),
        _series(
            0,
            "capacity",
            pairs(steps(shown.capacity)),
            base.CAPACITY,
            step="end",
            markLine=_marks(shown),
        ),
        _series(
            1,
            "recommended",
            pairs(steps(shown.recommended)),
            base.RECOMMENDED,
            step="end",
            lineStyle={"type": "dotted", "width": 3},
        ),
        _series(
            1,
            "running",
            pairs(steps(shown.applied)),
            base.APPLIED,
            step="end",
            markPoint=_moves(shown.moves),
        ),
        _series(2, "lag", pairs(thinned(shown.lag)), base.LAG, areaStyle={"opacity": 0.15}),
        _series(3, "latency", pairs(thinned(shown.latency)), base.LATENCY),
    ]


def _series(grid: int, name: str, data: Sequence[Any], color: str, **more: Any) -> Options:
    return line(name, data, color, xAxisIndex=grid, yAxisIndex=grid, **more)


def _future(expected: Expected | None, values: Sequence[float]) -> list[list[float | None]]:
    if expected is None:
        return []
    readings: list[Reading] = [
        (expected.at + timedelta(seconds=expected.step * (place + 1)), value)
        for place, value in enumerate(values)
    ]
    return pairs(thinned(readings))


def _past(shown: Timeline) -> list[list[float | None]]:
    """Return what was forecast of times before the newest forecast begins."""
    if shown.expected is None:
        return pairs(thinned(shown.foreseen))
    end = shown.expected.at
    past = [one for one in shown.foreseen if one[0] < end]
    return [*pairs(thinned(past)), [milliseconds(end), None]] if past else []


def _band(
    expected: Expected | None,
) -> tuple[list[list[float | None]], list[list[float | None]]]:
    """Return the lower line and the height of the band above it, as a stack wants them."""
    if expected is None or len(expected.low) != len(expected.high):
        return [], []
    low = _future(expected, expected.low)
    widths = [max(0.0, high - low) for low, high in zip(expected.low, expected.high, strict=True)]
    if len(widths) <= len(low):
        return low, _future(expected, widths)
    # Thinned lines keep different instants; a stack needs the same ones.
    every = -(-len(widths) // len(low))
    chosen = range(0, len(widths), every)
    at = [expected.at + timedelta(seconds=expected.step * (place + 1)) for place in chosen]
    return (
        [
            [milliseconds(when), rounded(expected.low[place])]
            for when, place in zip(at, chosen, strict=True)
        ],
        [
            [milliseconds(when), rounded(widths[place])]
            for when, place in zip(at, chosen, strict=True)
        ],
    )


def _moves(moves: Sequence[Move]) -> Options:
    """Return the rescales as marks on the line of workers; the tooltip says why."""
    return {
        "silent": False,
        "symbolSize": 11,
        "label": {"show": False},
        "data": [
            {
                "name": f"{change(move.before, move.after)}: {move.reason.replace('_', ' ')}",
                "coord": [milliseconds(move.at), move.after],
                "symbol": _symbol(move),
                "itemStyle": {
                    "color": base.APPLIED if move.done else "var(--surface)",
                    "borderColor": base.APPLIED if move.done else base.BAD,
                    "borderWidth": 2,
                },
            }
            for move in moves
        ],
    }


def _symbol(move: Move) -> str:
    up = move.before is None or move.after >= move.before
    return "triangle" if up else "path://M0,0 L10,0 L5,9 Z"


def _marks(shown: Timeline) -> Options:
    """Return the vertical lines: where the forecast begins, and the decision looked at."""
    data: list[Options] = []
    if shown.expected is not None:
        data.append(
            {
                "xAxis": milliseconds(shown.expected.at),
                "lineStyle": {"color": base.FAINT, "type": "dashed"},
                "label": {"show": True, "formatter": "now", "color": base.FAINT},
            }
        )
    if shown.selected is not None:
        data.append(
            {
                "xAxis": milliseconds(shown.selected),
                "lineStyle": {"color": base.INK, "type": "solid", "width": 2},
                "label": {"show": True, "formatter": "decision", "color": base.INK, "distance": 17},
            }
        )
    return {"silent": True, "symbol": "none", "animation": False, "data": data}


def bounds(shown: Timeline) -> Options:
    """Return the same ends for all grids, so that a moment lies at the same place in each."""
    ends = list(_seen(shown))
    if (near := _near(shown)) is not None:
        ends.append(near.at + timedelta(seconds=near.step * len(near.mean)))
    if not ends:
        return {}
    start = min(*ends, max(ends) - LEAST)
    return {"min": milliseconds(start), "max": milliseconds(max(ends))}


def _seen(shown: Timeline) -> Iterator[datetime]:
    """Yield where the lines of the past begin and end."""
    lines = (shown.workload, shown.applied, shown.capacity, shown.lag, shown.recommended)
    for readings in lines:
        if readings:
            yield readings[0][0]
            yield readings[-1][0]


def _near(shown: Timeline) -> Expected | None:
    """Return as much of the forecast as leaves the past half of the width, in a young job too."""
    expected, seen = shown.expected, list(_seen(shown))
    if expected is None or not seen:
        return expected
    reach = max(AHEAD, max(seen) - min(seen))
    count = max(1, math.ceil((max(seen) + reach - expected.at) / timedelta(seconds=expected.step)))
    return replace(
        expected,
        mean=expected.mean[:count],
        low=expected.low[:count],
        high=expected.high[:count],
    )


def _whole(index: int) -> Options:
    return {"minInterval": 1} if index == 1 else ({} if index == 0 else {"splitNumber": 2})
