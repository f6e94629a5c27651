"""Reads workload traces: rows of second and count, evenly spaced or not."""

import csv
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from daedalus_local.errors import StackError


def read(path: Path) -> list[float]:
    """Return the trace of a file as records/s, one value a second from its first row on."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return parse(file, str(path))
    except OSError as error:
        raise StackError(f"cannot read the trace {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise StackError(f"{path} is not a text file: {error}") from error


def parse(lines: Iterable[str], source: str = "trace") -> list[float]:
    """Return records/s for each second; seconds that have no row are interpolated.

    >>> parse(["second|count", "0|10", "1|20", "3|40"])
    [10.0, 20.0, 30.0, 40.0]
    """
    points: list[tuple[int, float]] = []
    for number, second, count in _rows(lines, source):
        if points and second <= points[-1][0]:
            raise StackError(
                f"{source}, line {number}: second {second} does not come after {points[-1][0]}"
            )
        points.append((second, count))
    if not points:
        raise StackError(f"{source}: no rows; it should have a header and rows `second|count`")
    return _interpolated(points)


def scaled(rates: Sequence[float], peak: float | None) -> list[float]:
    """Return the rates times the factor that makes the highest `peak` records/s."""
    highest = max(rates)
    if peak is None or highest == 0:
        return list(rates)
    return [rate * peak / highest for rate in rates]


def _rows(lines: Iterable[str], source: str) -> Iterator[tuple[int, int, float]]:
    """Yield line number, second and count of each row after the header."""
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if number == 1 or not text:
            continue
        cells = next(csv.reader([text], delimiter="|" if "|" in text else ","))
        try:
            second, count = int(cells[0]), float(cells[1])
        except (ValueError, IndexError):
            second, count = -1, math.nan
        if len(cells) != 2 or second < 0 or not math.isfinite(count) or count < 0:
            raise StackError(
                f"{source}, line {number}: {text[:80]!r} is not `second|count` "
                "with a whole second and a count of 0 or more"
            )
        yield number, second, count


def _interpolated(points: Sequence[tuple[int, float]]) -> list[float]:
    rates = [points[0][1]]
    for (start, before), (end, after) in itertools.pairwise(points):
        step = (after - before) / (end - start)
        rates.extend(before + step * offset for offset in range(1, end - start + 1))
    return rates
