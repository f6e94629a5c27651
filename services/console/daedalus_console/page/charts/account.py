"""What accounts draw: promises against what came over time, and bands."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from daedalus_console.page.charts import base
from daedalus_console.page.charts.base import Options, line, pairs
from daedalus_console.page.charts.model import Reading

HEIGHT = 260

_GRID = {"left": 52, "right": 20, "top": 46, "bottom": 28, "outerBoundsMode": "none"}

RIGHT_BAND = 0.8
"""Part of the workloads that a band of the quantiles 0.1 to 0.9 should hold."""


def promises(
    downtime: Sequence[Reading],
    recovery: Sequence[Reading],
    capacity: Sequence[Reading],
    ends: tuple[datetime, datetime],
) -> Options:
    """Return the options of what was seen as a part of what was promised, over time; 1 is right."""
    kinds = (
        ("downtime", downtime, base.LAG, "circle"),
        ("recovery", recovery, base.LATENCY, "diamond"),
        ("capacity", capacity, base.CAPACITY, "rect"),
    )
    return base.chart(
        tooltip=base.tooltip("daedalus.timesTooltip"),
        legend=_legend([(name, shape) for name, _, _, shape in kinds]),
        grid=_GRID,
        xAxis=_between(ends),
        yAxis=base.value_axis("seen / promised", "daedalus.times"),
        series=[
            _marked(name, data, color, shape, None if place else _right(1.0))
            for place, (name, data, color, shape) in enumerate(kinds)
        ],
    )


def bands(inside: Sequence[Reading], ends: tuple[datetime, datetime]) -> Options:
    """Return the options of the part of the workloads within the forecast's band, over time."""
    mark = _right(RIGHT_BAND)
    return base.chart(
        tooltip=base.tooltip("daedalus.shareTooltip"),
        grid=_GRID,
        xAxis=_between(ends),
        yAxis=base.value_axis("workloads within the band", "daedalus.share", max=1, interval=0.25),
        series=[_marked("within the band", inside, base.FORECAST, "circle", mark)],
    )


def _marked(
    name: str, data: Sequence[Reading], color: str, shape: str, mark: Options | None
) -> Options:
    """Return a line whose every point is seen: a period alone is a point."""
    more: dict[str, Any] = {"showSymbol": True, "symbol": shape, "symbolSize": 9}
    if mark is not None:
        more["markLine"] = mark
    return line(name, pairs(data), color, **more)


def _right(value: float) -> Options:
    """Return the line on which all would be right; the text beside the chart names it."""
    return {
        "silent": True,
        "symbol": "none",
        "animation": False,
        "lineStyle": {"color": base.FAINT, "type": "dashed"},
        "label": {"show": False},
        "data": [{"yAxis": value}],
    }


def _legend(kinds: Sequence[tuple[str, str]]) -> Options:
    entries: list[str | Options] = [
        {"name": name, "icon": shape, "itemStyle": {"opacity": 1}} for name, shape in kinds
    ]
    return base.legend(entries, 4)


def _between(ends: tuple[datetime, datetime]) -> Options:
    start, end = ends
    return base.time_axis(min=base.milliseconds(start), max=base.milliseconds(end))
