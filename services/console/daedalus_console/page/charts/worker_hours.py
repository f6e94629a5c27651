"""Worker-hours side by side: what ran, and what others would have taken."""

from collections.abc import Sequence

from daedalus_console.page.charts import base
from daedalus_console.page.charts.base import Options, rounded


def bars(courses: Sequence[tuple[str, float]]) -> Options:
    """Return the options of worker-hours: what ran first, and what others would have taken."""
    colors = [base.APPLIED, *[base.FAINT] * len(courses)]
    drawn = list(zip(courses, colors, strict=False))[::-1]
    return base.chart(
        grid={"left": 8, "right": 72, "top": 4, "bottom": 28, "containLabel": True},
        xAxis=base.value_axis("", "daedalus.hours"),
        yAxis={
            "type": "category",
            "data": [name for (name, _), _ in drawn],
            "axisLabel": {"color": base.INK, "width": 90, "overflow": "break", "lineHeight": 15},
            "axisTick": {"show": False},
            "axisLine": {"lineStyle": {"color": base.FAINT}},
        },
        series=[
            {
                "type": "bar",
                "name": "worker-hours",
                "barMaxWidth": 26,
                "emphasis": {"disabled": True},
                "label": {
                    "show": True,
                    "position": "right",
                    ":formatter": "daedalus.hoursOf",
                    "color": base.INK,
                },
                "data": [
                    {"value": rounded(value), "itemStyle": {"color": color}}
                    for (_, value), color in drawn
                ],
            }
        ],
    )


def height(courses: int) -> int:
    """Return the pixels that the bars of so many courses take."""
    return 48 + 40 * max(1, courses)
