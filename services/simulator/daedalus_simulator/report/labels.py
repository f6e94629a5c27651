"""Where to write names beside points so that they do not cover one another."""

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 14.0
"""Pixels of a line of text."""

REACH = 9.0
"""Pixels from a point to its name."""

POSITIONS = (
    "top center", "bottom center", "middle right", "middle left", "top right", "top left",
    "bottom right", "bottom left",
)  # fmt: skip
"""What plotly knows, the best first."""

Box = tuple[float, float, float, float]
"""Left, bottom, right, top."""


@dataclass(frozen=True, slots=True)
class Point:
    """A point with a name, in pixels, y upwards."""

    x: float
    y: float
    width: float
    """Of the name."""


def places(points: Sequence[Point]) -> list[str]:
    """Return a position for each name: the first that covers least of names and points before."""
    taken: list[Box] = [(one.x - 6, one.y - 6, one.x + 6, one.y + 6) for one in points]
    found = []
    for one in points:
        boxes = [_box(one, position) for position in POSITIONS]
        covered = [sum(_overlap(box, other) for other in taken) for box in boxes]
        best = min(range(len(boxes)), key=lambda number: (round(covered[number]), number))
        taken.append(boxes[best])
        found.append(POSITIONS[best])
    return found


def _box(point: Point, position: str) -> Box:
    vertical, horizontal = position.split()
    x = {
        "center": point.x - point.width / 2,
        "right": point.x + (REACH if vertical == "middle" else 3),
        "left": point.x - point.width - (REACH if vertical == "middle" else 3),
    }[horizontal]
    y = {
        "top": point.y + REACH - 2,
        "middle": point.y - HEIGHT / 2,
        "bottom": point.y - REACH + 2 - HEIGHT,
    }[vertical]
    return (x, y, x + point.width, y + HEIGHT)


def _overlap(one: Box, other: Box) -> float:
    """Return the area in both boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0.0) * max(height, 0.0)
