"""The learned capacity curve: what each scale-out can do, how sure that is, what is needed now."""

from daedalus_console.page.charts import base
from daedalus_console.page.charts.base import Options, line, rounded
from daedalus_console.page.charts.model import Capacity, Curve
from daedalus_shared.events import Basis

HEIGHT = 320

SURE = 1.96
"""Standard errors on each side of the curve: 95 % of normally distributed errors."""

_SHAPES = {
    Basis.OBSERVED: ("circle", True),
    Basis.FITTED: ("diamond", False),
    Basis.ESTIMATED: ("triangle", False),
}
"""Symbol of each basis, and whether it is filled: shapes and not colours tell them apart."""


def capacity_curve(curve: Curve) -> Options:
    """Return the options of the capacity curve."""
    points = sorted(curve.points, key=lambda point: point.scale_out)
    spread = [point for point in points if point.error is not None and not point.at_least]
    lows = [max(0.0, point.capacity - SURE * (point.error or 0.0)) for point in spread]
    highs = [point.capacity + SURE * (point.error or 0.0) for point in spread]
    at = [point.scale_out for point in spread]
    low = [[x, rounded(y)] for x, y in zip(at, lows, strict=True)]
    band = [[x, rounded(high - y)] for x, y, high in zip(at, lows, highs, strict=True)]
    flat = {"width": 0}
    return base.chart(
        tooltip={**base.tooltip("daedalus.capacityTooltip")},
        legend=base.legend(
            [
                {"name": "± 95 %", "icon": "rect", "itemStyle": {"opacity": 0.4}},
                *({"name": basis.value, "itemStyle": {"opacity": 1}} for basis in Basis),
                {"name": "at least", "itemStyle": {"opacity": 1}},
            ],
            4,
        ),
        grid={"left": 48, "right": 24, "top": 62, "bottom": 40},
        xAxis={
            **base.value_axis("", "daedalus.whole"),
            "name": "workers",
            "nameLocation": "middle",
            "nameGap": 24,
            "minInterval": 1,
            "splitLine": {"show": False},
            "axisLine": {"show": True, "lineStyle": {"color": base.FAINT}},
            "nameTextStyle": {"color": base.FAINT},
        },
        yAxis=base.value_axis("records/s"),
        series=[
            line(
                "curve", _data(points), base.CAPACITY, lineStyle={"width": 1}, markLine=_now(curve)
            ),
            line("low", low, base.CAPACITY, stack="band", lineStyle=flat),
            line(
                "± 95 %",
                band,
                base.CAPACITY,
                stack="band",
                lineStyle=flat,
                areaStyle={"color": base.CAPACITY, "opacity": 0.2},
            ),
            *(_scatter(basis, points) for basis in Basis),
            {
                **_points("at least", [one for one in points if one.at_least]),
                "symbol": "arrow",
                "itemStyle": {"color": base.RECOMMENDED},
            },
        ],
    )


def _scatter(basis: Basis, points: list[Capacity]) -> Options:
    symbol, filled = _SHAPES[basis]
    fill = base.CAPACITY if filled else "var(--surface)"
    return {
        **_points(basis.value, [p for p in points if p.basis is basis and not p.at_least]),
        "symbol": symbol,
        "itemStyle": {"color": fill, "borderColor": base.CAPACITY, "borderWidth": 2},
    }


def _points(name: str, points: list[Capacity]) -> Options:
    return {
        "type": "scatter",
        "name": name,
        "data": _data(points),
        "symbolSize": 10,
        "emphasis": {"disabled": True},
    }


def _data(points: list[Capacity]) -> list[list[float | None]]:
    return [[point.scale_out, rounded(point.capacity)] for point in points]


def _now(curve: Curve) -> Options:
    data: list[Options] = []
    if curve.workload is not None:
        data.append(
            {
                "yAxis": rounded(curve.workload),
                "lineStyle": {"color": base.WORKLOAD, "type": "dashed", "width": 2},
                "label": {
                    "formatter": "workload",
                    "color": base.WORKLOAD,
                    "position": "insideStartTop",
                },
            }
        )
    if curve.scale_out is not None:
        data.append(
            {
                "xAxis": curve.scale_out,
                "lineStyle": {"color": base.FAINT, "type": "dotted", "width": 2},
                "label": {"formatter": "running", "color": base.FAINT},
            }
        )
    return {"silent": True, "symbol": "none", "data": data}
