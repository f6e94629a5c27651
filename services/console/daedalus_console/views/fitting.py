"""A table where the terminal has room for it, else an entry a row: no word is cut in two."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Column, Table
from rich.text import Text

BETWEEN = 3
"""Columns of a terminal that a column of a table takes beside its text."""


@dataclass(frozen=True, slots=True)
class Fitting:
    """A table that is told as entries where it does not fit."""

    table: Table

    least: Mapping[str, int] = field(default_factory=dict)
    """Column → the width from which on it may be folded; the others are not."""

    last: bool = False
    """Whether an entry's last cell is a text, for a line of its own."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table, or an entry a row."""
        if sum(self._width(column) + BETWEEN for column in self.table.columns) <= options.max_width:
            yield self.table
            return
        if self.table.title is not None:
            yield Text(str(self.table.title), "italic")
        for row in zip(*(column.cells for column in self.table.columns), strict=True):
            yield from self._entry([_text(cell) for cell in row])
        yield Text()

    def _width(self, column: Column) -> int:
        cells = [_text(cell) for cell in (column.header, *column.cells)]
        lines = [line for cell in cells for line in cell.plain.split("\n")]
        natural = max(map(cell_len, lines), default=0)
        return min(natural, self.least.get(_text(column.header).plain, natural))

    def _entry(self, row: list[Text]) -> RenderResult:
        name, *rest = row
        names = [_text(column.header).plain for column in self.table.columns][1:]
        text = rest.pop() if self.last else Text()
        told = [
            Text.assemble((f"{head} " if head else "", "dim"), cell)
            for head, cell in zip(names, rest, strict=False)
            if cell.plain.strip() not in {"", "-"}
        ]
        yield Text()
        yield name
        for part in (Text(" · ", "dim").join(told), text):
            if part.plain:
                yield part


def _text(cell: object) -> Text:
    return cell if isinstance(cell, Text) else Text(str(cell))
