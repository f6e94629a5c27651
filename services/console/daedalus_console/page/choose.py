"""Which jobs a list shows, in which order: pure functions of rows. What is unknown comes last."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from daedalus_console.live.views import JobRow, State
from daedalus_console.page.words import KINDS

SIZE = 25
"""Jobs of a page of the list."""

_GRAVEST = {
    state: (("bad", "warn", "good").index(KINDS[state]), place) for place, state in enumerate(State)
}


class Order(StrEnum):
    """What the list can be sorted by."""

    JOB = "job"
    STATE = "state"
    WORKERS = "workers"
    LOAD = "load"
    LAG = "lag"
    MOVE = "move"
    SAVED = "saved"


FALLS_FIRST = frozenset({Order.WORKERS, Order.LOAD, Order.LAG, Order.SAVED})
"""What people want the highest of on top."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person has chosen of the list."""

    search: str = ""
    """Part of a job's name or its state."""

    order: Order = Order.JOB
    falling: bool = False
    page: int = 1
    """From 1 on; one that is too high is the last."""

    @classmethod
    def of(cls, search: str, order: str, falling: str, page: str) -> "Choice":
        """Return the choice that an address names; what it does not know is left out."""
        known = Order(order) if order in set(Order) else Order.JOB
        number = int(page) if page.isdecimal() and len(page) < 6 else 1
        return cls(search[:200], known, falling == "1", max(1, number))

    def query(self) -> dict[str, str]:
        """Return what its address says; nothing for what is as it is at first."""
        said = {
            "q": self.search,
            "sort": self.order.value if self.order is not Order.JOB else "",
            "down": "1" if self.falling else "",
            "page": str(self.page) if self.page > 1 else "",
        }
        return {name: value for name, value in said.items() if value}


@dataclass(frozen=True, slots=True)
class Shown:
    """One page of the list."""

    rows: Sequence[JobRow]
    page: int
    pages: int
    found: int
    """Jobs that the search leaves."""
    of: int
    """Jobs that there are."""


def shown(rows: Iterable[JobRow], choice: Choice) -> Shown:
    """Return the page of the list that a choice asks for."""
    every = list(rows)
    word = choice.search.strip().lower()
    found = [row for row in every if word in row.job or word == row.state.value]
    found.sort(key=lambda row: row.job)
    key = _KEYS[choice.order]
    known = [row for row in found if key(row) is not None]
    unknown = [row for row in found if key(row) is None]
    known.sort(key=key, reverse=choice.falling)
    pages = max(1, -(-len(found) // SIZE))
    page = min(choice.page, pages)
    part = (known + unknown)[(page - 1) * SIZE : page * SIZE]
    return Shown(part, page, pages, len(found), len(every))


_KEYS: dict[Order, Callable[[JobRow], Any]] = {
    Order.JOB: lambda row: row.job,
    Order.STATE: lambda row: _GRAVEST[row.state],
    Order.WORKERS: lambda row: row.scale_out,
    Order.LOAD: lambda row: row.load,
    Order.LAG: lambda row: row.lag,
    Order.MOVE: lambda row: row.move.at if row.move else None,
    Order.SAVED: lambda row: row.today.saved if row.today else None,
}
"""What is sorted by; None where it is unknown."""
