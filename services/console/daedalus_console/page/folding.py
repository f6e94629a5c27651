"""Which decisions say the same as the one before: pure functions of their lines."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from daedalus_console.live.views import DecisionLine


@dataclass(frozen=True, slots=True)
class Run:
    """One row: decisions one after the other that say the same, or one of them."""

    newest: DecisionLine
    """The one that the row tells."""

    all: Sequence[DecisionLine]
    """All that say the same, newest first."""

    unfolded: bool = False
    """Whether each of them has a row of its own."""

    @property
    def heads(self) -> bool:
        """Whether this row is the first of them."""
        return self.newest is self.all[0]

    @property
    def stays(self) -> bool:
        """Whether nothing was to change."""
        return _stays(self.newest)

    def holds(self, decision: str) -> bool:
        """Whether the row tells the decision of this id."""
        told = (self.newest,) if self.unfolded else self.all
        return any(line.id == decision for line in told)


def folded(lines: Sequence[DecisionLine], unfolded: Collection[str] = ()) -> list[Run]:
    """Return the rows of decisions, newest first.

    Args:
        lines: The decisions, newest first.
        unfolded: Ids; who says the same as one of these has a row of its own.
    """
    return list(_rows(lines, unfolded))


def _rows(lines: Sequence[DecisionLine], unfolded: Collection[str]) -> Iterator[Run]:
    for _, group in groupby(lines, _said):
        same = tuple(group)
        if any(line.id in unfolded for line in same):
            yield from (Run(line, same, unfolded=True) for line in same)
        else:
            yield Run(same[0], same)


def _said(line: DecisionLine) -> object:
    """Return what a decision has in common with those that say the same; each change is its own."""
    return (line.scale_out, line.reason, line.limits) if _stays(line) else line.id


def _stays(line: DecisionLine) -> bool:
    return line.chosen in (None, line.scale_out)
