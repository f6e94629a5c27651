"""How wrong the forecasts were, how hot the workers are: the smaller charts."""

from collections.abc import Sequence

from daedalus_console.page.charts import base
from daedalus_console.page.charts.base import Options, line, pairs
from daedalus_console.page.charts.model import Reading, WorkerLoad, hottest, thinned

HEIGHT = 260

SHOWN = 40
"""Workers drawn at most, the hottest first."""


def forecast_error(errors: Sequence[Reading]) -> Options:
    """Return the options of the forecasts' error over time: WAPE on what has since come."""
    return base.chart(
        tooltip=base.tooltip("daedalus.shareTooltip"),
        grid={"left": 52, "right": 14, "top": 40, "bottom": 28, "outerBoundsMode": "none"},
        xAxis=base.time_axis(),
        yAxis=base.value_axis("error of the forecast before (WAPE)", "daedalus.share"),
        series=[line("error", pairs(thinned(errors)), base.FORECAST)],
    )


def worker_cpu(loads: Sequence[WorkerLoad]) -> Options:
    """Return the options of each worker's CPU, highest on top; who stands out is marked."""
    known = [load for load in loads if load.cpu is not None]
    order = sorted(known, key=lambda load: load.cpu or 0.0, reverse=True)[:SHOWN][::-1]
    out = hottest(loads)
    hot = {"color": base.LAG, "borderColor": base.INK, "borderWidth": 2}
    return base.chart(
        tooltip={**base.tooltip("daedalus.shareTooltip"), "axisPointer": {"type": "none"}},
        grid={"left": 8, "right": 48, "top": 8, "bottom": 28, "containLabel": True},
        xAxis=base.value_axis("", "daedalus.share", max=1, interval=0.25),
        yAxis={
            "type": "category",
            "data": [load.id for load in order],
            "axisLabel": {"color": base.INK, "width": 120, "overflow": "truncate"},
            "axisTick": {"show": False},
            "axisLine": {"lineStyle": {"color": base.FAINT}},
        },
        series=[
            {
                "type": "bar",
                "name": "CPU",
                "barMaxWidth": 22,
                "emphasis": {"disabled": True},
                "label": {
                    "show": True,
                    "position": "right",
                    ":formatter": "daedalus.shareOf",
                    "color": base.INK,
                },
                "data": [
                    {
                        "value": base.rounded(load.cpu),
                        "itemStyle": hot if out and load.id == out.id else {"color": base.WORKLOAD},
                    }
                    for load in order
                ],
            }
        ],
    )


def worker_cpu_height(loads: Sequence[WorkerLoad]) -> int:
    """Return the pixels that the bars take."""
    return 48 + 26 * max(1, min(SHOWN, len(loads)))
