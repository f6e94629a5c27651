"""Workers and workload over time as plain text."""

from collections.abc import Sequence

from daedalus_local.score import Look

WIDTH = 72
"""Columns of a plot."""


def workers(looks: Sequence[Look], most: int, peak: float, width: int = WIDTH) -> list[str]:
    """Return a line for each worker, most first: `█` runs, `·` where the load would reach to.

    Args:
        looks: The job over time.
        most: Workers at the top of the plot.
        peak: Workload at the top of the plot, records/s.
        width: Columns.
    """
    columns = [_column(part) for part in _split(looks, width)]
    lines = []
    for row in range(most, 0, -1):
        marks = "".join(_mark(column, row, most, peak) for column in columns)
        lines.append(f"{row:2d} │{marks}")
    return [*lines, "   └" + "─" * width]


def _split(looks: Sequence[Look], width: int) -> list[list[Look]]:
    parts: list[list[Look]] = [[] for _ in range(width)]
    if not looks:
        return parts
    start, length = looks[0].at, max(looks[-1].at - looks[0].at, 1e-9)
    for look in looks:
        parts[min(width - 1, int((look.at - start) / length * width))].append(look)
    return parts


def _column(looks: Sequence[Look]) -> tuple[float | None, float | None]:
    """Return the mean workers and workload of a column, None where unknown."""
    workers = [look.workers for look in looks if look.workers is not None]
    loads = [look.workload for look in looks if look.workload is not None]
    return (
        sum(workers) / len(workers) if workers else None,
        sum(loads) / len(loads) if loads else None,
    )


def _mark(column: tuple[float | None, float | None], row: int, most: int, peak: float) -> str:
    running, load = column
    runs = running is not None and running >= row - 0.5
    level = None if load is None else max(1, min(most, int(load / peak * most) + 1))
    if level == row:
        return "▓" if runs else "·"
    return "█" if runs else " "
