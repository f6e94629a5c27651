"""The main chart as it is in one browser: what is new is appended, the rest is not sent again."""

import json
from collections.abc import Sequence
from typing import Any

from nicegui import ui

from daedalus_console.page.charts import timeline
from daedalus_console.page.charts.base import Options
from daedalus_console.page.charts.model import Timeline
from daedalus_console.page.parts import Chart

GROWING = frozenset({"workload", "lag", "latency"})
"""The lines of which only what is new is sent; the others have few points, and are sent whole."""


class Drawing:
    """Keeps a browser's chart up with a job."""

    def __init__(self, chart: Chart, shown: Timeline) -> None:
        self._chart = chart
        self._told = told(timeline.series_of(shown))

    def show(self, shown: Timeline, *, whole: bool = False) -> None:
        """Send what has changed; `whole` draws all of it anew."""
        series = timeline.series_of(shown)
        if whole:
            self._told = told(series)
            self._chart.draw(timeline.timeline(shown))
            return
        news = changes(self._told, series)
        if not news["fresh"] and not news["whole"]:
            return
        self._told = told(series)
        start = min((one["data"][0][0] for one in series if one["data"]), default=0)
        news |= {"from": start, "bounds": timeline.bounds(shown)}
        ui.run_javascript(f"daedalus.extend({self._chart.id}, {json.dumps(news)})")


def told(series: Sequence[Options]) -> dict[str, Any]:
    """Return what a browser knows of each line: its newest instant, or all of it."""
    return {
        one["name"]: (one["data"][-1][0] if one["data"] else 0) if one["name"] in GROWING else one
        for one in series
    }


def changes(known: dict[str, Any], series: Sequence[Options]) -> dict[str, Any]:
    """Return the points that are new of growing lines, and the other lines that have changed."""
    fresh: dict[str, Any] = {}
    whole: dict[str, Any] = {}
    for one in series:
        name = one["name"]
        if name in GROWING:
            new = [point for point in one["data"] if point[0] > known[name]]
            if new:
                fresh[name] = new
        elif one != known[name]:
            whole[name] = {
                part: one[part] for part in ("data", "markLine", "markPoint") if part in one
            }
    return {"fresh": fresh, "whole": whole}
