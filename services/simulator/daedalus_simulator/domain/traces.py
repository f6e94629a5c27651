"""A workload trace: the records/s that arrive in each second, read from a CSV file's text.

The first column is the time in seconds (any origin), the second the rate in records/s at that
time; further columns do not count. A header comes first; the columns part at a `|`, `,`, `;` or
tab. Rows lie evenly apart, by one second or more: between two the rate goes in a straight line, and
the last holds as long as the others.

What is not so is refused by the number of its line. A missing row too: nobody knows what arrived
then, and a made-up lull or rise would be judged as if it had happened.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from daedalus_simulator.domain.world import Series

SEPARATORS = "|\t;,"
"""What may part the columns; the first of them that the header has."""

LONGEST = 31 * 86400
"""Most seconds of a trace: a month."""

_UNEVEN = 0.5
"""Rows farther apart than their usual distance by this part of it leave a gap."""


class TraceError(ValueError):
    """A trace cannot be used; one line says where and why."""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """A workload to be played."""

    name: str
    """What it is called in tables."""

    rates: Series
    """Records that arrive in each second, shape (seconds,)."""


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    second: float
    rate: float


def parse(text: str, name: str) -> Trace:
    r"""Return the trace of a CSV file's text.

    Raises:
        TraceError: It is none; the message names the trace and the line.

    >>> parse("second|count\n0|10\n1|30\n", "two").rates
    array([10., 30.])
    """
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise TraceError(f"{name}: the file is empty; expected a header and rows of second|count")
    separator = _separator(name, *lines[0])
    rows = [_row(name, separator, number, line) for number, line in lines[1:]]
    if len(rows) < 2:
        raise TraceError(f"{name}: {_count(rows)}; a trace needs two or more")
    return Trace(name, _each_second(rows, _distance(name, rows)))


def _count(rows: list[_Row]) -> str:
    return f"line {rows[0].line} is the only row" if rows else "there are no rows after the header"


def _separator(name: str, number: int, header: str) -> str:
    found = next((mark for mark in SEPARATORS if mark in header), None)
    if found is None:
        raise TraceError(
            f"{name}: line {number}: {_shown(header)} is no header of two columns such as "
            "second|count, parted by | , ; or tab"
        )
    if all(_is_number(cell) for cell in header.split(found)[:2]):
        raise TraceError(
            f"{name}: line {number}: {_shown(header)} is a row; expected a header such as "
            "second|count first"
        )
    return found


def _row(name: str, separator: str, number: int, line: str) -> _Row:
    cells = line.split(separator)
    where = f"{name}: line {number}"
    if len(cells) < 2:
        raise TraceError(f"{where}: {_shown(line)} has no second column")
    second = _number(where, "second", cells[0])
    rate = _number(where, "rate", cells[1])
    if rate < 0:
        raise TraceError(f"{where}: the rate {cells[1].strip()} is negative")
    return _Row(number, second, rate)


def _number(where: str, what: str, cell: str) -> float:
    if not _is_number(cell):
        raise TraceError(f"{where}: the {what} {_shown(cell)} is not a number")
    found = float(cell)
    if not math.isfinite(found):
        raise TraceError(f"{where}: the {what} {cell.strip()} is not a finite number")
    return found


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _distance(name: str, rows: list[_Row]) -> float:
    """Return the usual seconds between two rows, and refuse rows that do not keep to it."""
    for before, row in pairwise(rows):
        where = f"{name}: line {row.line}: second {row.second:.15g}"
        if row.second == before.second:
            raise TraceError(f"{where} comes twice")
        if row.second < before.second:
            raise TraceError(f"{where} comes after second {before.second:.15g}: time goes back")
        if row.second - before.second < 1:
            raise TraceError(f"{where} is less than a second after the row before it")
    usual = float(np.median([after.second - before.second for before, after in pairwise(rows)]))
    for before, row in pairwise(rows):
        if row.second - before.second > (1 + _UNEVEN) * usual:
            raise TraceError(
                f"{name}: line {row.line}: nothing is known between second {before.second:.15g} "
                f"and {row.second:.15g}, though rows lie {usual:g} s apart"
            )
    seconds = rows[-1].second - rows[0].second + usual
    if seconds > LONGEST:
        raise TraceError(
            f"{name}: line {rows[-1].line}: {seconds:.0f} s are more than {LONGEST} (31 days)"
        )
    return usual


def _each_second(rows: list[_Row], distance: float) -> Series:
    start = rows[0].second
    end = round(rows[-1].second - start + distance)
    times = np.array([row.second - start for row in rows])
    return np.interp(np.arange(end, dtype=np.float64), times, [row.rate for row in rows])


def _shown(text: str) -> str:
    return repr(text.strip()[:40])
