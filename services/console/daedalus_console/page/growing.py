"""What is new of a chart since a browser was told: only that is sent. Pure functions."""

from collections.abc import Sequence
from typing import Any

from daedalus_console.page.charts.base import Options

GROWING = frozenset({"workload", "lag", "latency"})
"""The lines of which only what is new is sent; the others have few points, and are sent whole."""


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
