"""How wrong the forecasts were, how hot the workers are, what was saved: the smaller charts."""

from collections.abc import Sequence

from daedalus_console.figures import span
from daedalus_console.page.charts import base
from daedalus_console.page.charts.base import Options, line, pairs
from daedalus_console.page.charts.model import Reading, Scored, WorkerLoad, thinned

HEIGHT = 260

SHOWN = 40
"""Workers drawn at most, the hottest first."""

_HORIZONS = ((base.FORECAST, "solid"), (base.WORKLOAD, "dashed"), (base.LAG, "dotted"))
"""Colour and dash of the nearest, a middle and the farthest horizon."""


def forecast_error(scores: Sequence[Scored]) -> Options:
    """Return the options of the forecasts' error (WAPE) over time, by how far ahead."""
    series = [
        line(
            f"{span(ahead)} ahead",
            pairs(thinned([(score.at, _error(score, ahead)) for score in scores])),
            color,
            lineStyle={"type": dash},
        )
        for ahead, (color, dash) in zip(_three(scores), _HORIZONS, strict=False)
    ]
    names = [str(one["name"]) for one in series]
    return base.chart(
        tooltip=base.tooltip("daedalus.shareTooltip"),
        legend=base.legend(names, 4),
        grid={"left": 48, "right": 14, "top": 56, "bottom": 28},
        xAxis=base.time_axis(),
        yAxis=base.value_axis("error (WAPE)", "daedalus.share"),
        series=series,
    )


def worker_cpu(loads: Sequence[WorkerLoad], hottest: str | None = None) -> Options:
    """Return the options of each worker's CPU, the hottest on top and hatched."""
    known = [load for load in loads if load.cpu is not None]
    order = sorted(known, key=lambda load: load.cpu or 0.0, reverse=True)[:SHOWN][::-1]
    hot = {"color": base.LAG, "borderColor": base.INK, "borderWidth": 2}
    return base.chart(
        tooltip={**base.tooltip("daedalus.shareTooltip"), "axisPointer": {"type": "none"}},
        grid={"left": 8, "right": 48, "top": 8, "bottom": 28, "containLabel": True},
        xAxis=base.value_axis("", "daedalus.share", max=1),
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
                        "itemStyle": hot if load.id == hottest else {"color": base.WORKLOAD},
                    }
                    for load in order
                ],
            }
        ],
    )


def worker_cpu_height(loads: Sequence[WorkerLoad]) -> int:
    """Return the pixels that the bars take."""
    return 48 + 26 * max(1, min(SHOWN, len(loads)))


def savings(used: Sequence[Reading], static: Sequence[Reading]) -> Options:
    """Return the options of worker-hours used against those of a static scale-out, both summed."""
    return base.chart(
        tooltip=base.tooltip("daedalus.hoursTooltip"),
        legend=base.legend(["static", "used"], 4),
        grid={"left": 48, "right": 14, "top": 56, "bottom": 28},
        xAxis=base.time_axis(),
        yAxis=base.value_axis("worker-hours"),
        series=[
            line("static", pairs(thinned(static)), base.FAINT, lineStyle={"type": "dashed"}),
            line("used", pairs(thinned(used)), base.APPLIED, areaStyle={"opacity": 0.2}),
        ],
    )


def _three(scores: Sequence[Scored]) -> list[float]:
    """Return the nearest, a middle and the farthest horizon that were scored."""
    ahead = sorted({horizon for score in scores for horizon, _ in score.by_horizon})
    if len(ahead) <= len(_HORIZONS):
        return ahead
    return [ahead[0], ahead[len(ahead) // 2], ahead[-1]]


def _error(score: Scored, ahead: float) -> float | None:
    return next((wape for horizon, wape in score.by_horizon if horizon == ahead), None)
