"""What the experts and their combination foretold, how it came out, and what follows from it.

Horizons are scored at a few steps ahead, the nodes. A forecast's entry waits until its slot is
known; then each expert's error goes into its discounted mean, and the combination's into the
node's spread and, as a multiple of the spread that was expected, into its pool of past errors.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from daedalus_forecaster.domain.experts import EXPERTS
from daedalus_forecaster.domain.history import FloatArray, History
from daedalus_forecaster.domain.packed import pack, unpack
from daedalus_shared.events import HorizonError, Value

NODES = (1, 2, 3, 5, 7, 10, 14, 20, 28, 40)
"""Steps ahead that are scored, where a forecast is that long."""

SLOTS = 2
"""Slots of a forecast's step."""

POOL = 120
"""Past errors that are kept a node: two hours of them at the default loop."""

DISCOUNT = 0.5 ** (1 / 30)
"""A scored forecast counts half after 30 further ones: half an hour at the default loop."""

WORST = 1e3
"""Most that an error counts as, as a part of what came."""

_ENTRY = np.dtype(
    [
        ("due", "<i8"),
        ("node", "<u1"),
        ("last", "<f4"),
        ("top", "<f4"),
        ("scale", "<f4"),
        ("experts", "<f2", (len(EXPERTS),)),
        ("mean", "<f2"),
        ("spread", "<f2"),
        ("low", "<f2"),
        ("high", "<f2"),
    ]
)
"""A forecast of one slot. Values are differences from `last` in multiples of `top`."""


class Record(Value):
    """The record in the form that is stored; see `Book`."""

    nodes: tuple[int, ...] = ()
    entries: str = ""
    missed: str = ""
    total: str = ""
    spreads: str = ""
    pool: str = ""
    scores: str = ""
    latest: float | None = None


@dataclass(frozen=True, slots=True)
class Issue:
    """A forecast at the nodes, records/s."""

    due: NDArray[np.int64]
    """Shape (nodes,): the slots that were forecast."""

    experts: FloatArray
    """Shape (experts, nodes)."""

    mean: FloatArray
    """Shape (nodes,): the combination."""

    scale: FloatArray
    """Shape (nodes,): what errors are compared with (`combination.scales`)."""

    spread: FloatArray
    """Shape (nodes,): the standard deviation expected."""

    low: FloatArray
    """Shape (nodes,): quantile 0.1."""

    high: FloatArray
    """Shape (nodes,): quantile 0.9."""


@dataclass(frozen=True, slots=True)
class Book:
    """The record of a job."""

    nodes: tuple[int, ...]
    """Steps ahead that are scored, ascending."""

    entries: NDArray[Any]
    """Forecasts whose slots are not known yet, in the order of issue."""

    missed: FloatArray
    """Shape (experts, nodes): discounted Σ|y - ŷ|, records/s."""

    total: FloatArray
    """Shape (nodes,): discounted number of scored forecasts."""

    spreads: FloatArray
    """Shape (2, nodes): discounted Σ|y - ŷ| of the combination, and Σ scale."""

    pool: FloatArray
    """Shape (nodes, POOL): errors y - ŷ of the combination as multiples of the spread that was
    expected, the newest last; NaN where there is none yet."""

    scores: FloatArray
    """Shape (4, nodes): discounted Σ|y - ŷ| and Σy of the combination, number within the
    quantiles, and number scored."""

    latest: float | None
    """|y - ŷ| / y of the newest forecast that was scored, at the first node; null without one."""

    @classmethod
    def of(cls, record: Record, count: int) -> Self:
        """Return a stored record, or an empty one where forecasts have another length."""
        nodes = (*(node for node in NODES if node < count), min(count, NODES[-1]))
        size = len(nodes)
        if record.nodes != nodes:
            return cls(
                nodes=nodes,
                entries=np.empty(0, _ENTRY),
                missed=np.zeros((len(EXPERTS), size)),
                total=np.zeros(size),
                spreads=np.zeros((2, size)),
                pool=np.full((size, POOL), np.nan),
                scores=np.zeros((4, size)),
                latest=None,
            )
        return cls(
            nodes=nodes,
            entries=unpack(record.entries, _ENTRY),
            missed=unpack(record.missed, "<f4").astype(np.float64).reshape(-1, size),
            total=unpack(record.total, "<f4").astype(np.float64),
            spreads=unpack(record.spreads, "<f4").astype(np.float64).reshape(2, size),
            pool=unpack(record.pool, "<f2").astype(np.float64).reshape(size, POOL),
            scores=unpack(record.scores, "<f4").astype(np.float64).reshape(4, size),
            latest=record.latest,
        )

    def stored(self) -> Record:
        """Return the form that is stored."""
        return Record(
            nodes=self.nodes,
            entries=pack(self.entries),
            missed=pack(self.missed.astype("<f4")),
            total=pack(self.total.astype("<f4")),
            spreads=pack(self.spreads.astype("<f4")),
            pool=pack(self.pool.astype("<f2")),
            scores=pack(self.scores.astype("<f4")),
            latest=self.latest,
        )

    def scored(self, history: History) -> Self:
        """Return the book with all that the history says about its entries."""
        due = self.entries["due"]
        ripe = due <= history.newest
        if not ripe.any():
            return replace(self, latest=None)
        actual = history.between(int(due[ripe].min()), history.newest)
        missed, total, spreads = self.missed.copy(), self.total.copy(), self.spreads.copy()
        pool, scores = self.pool.copy(), self.scores.copy()
        latest = None
        for entry in self.entries[ripe]:
            y = actual[entry["due"] - due[ripe].min()]
            if np.isnan(y):
                continue
            node, top = int(entry["node"]), float(entry["top"])
            change = (y - float(entry["last"])) / top
            error = change - float(entry["mean"])
            missed[:, node] *= DISCOUNT
            missed[:, node] += np.abs(change - entry["experts"].astype(np.float64)) * top
            total[node] = DISCOUNT * total[node] + 1
            spreads[:, node] *= DISCOUNT
            spreads[:, node] += (abs(error) * top, float(entry["scale"]))
            pool[node, :-1] = pool[node, 1:]
            pool[node, -1] = np.clip(error / float(entry["spread"]), -100, 100)
            within = float(entry["low"]) <= change <= float(entry["high"])
            scores[:, node] *= DISCOUNT
            scores[:, node] += (abs(error) * top, y, within, 1.0)
            if node == 0:
                latest = _relative(abs(error) * top, y)
        return replace(
            self,
            entries=self.entries[~ripe],
            missed=missed,
            total=total,
            spreads=spreads,
            pool=pool,
            scores=scores,
            latest=latest,
        )

    def issued(self, issue: Issue, last: float, top: float) -> Self:
        """Return the book with a forecast to be scored; one a step is enough.

        Args:
            issue: The forecast.
            last: The last workload known, records/s.
            top: What the differences from it are stored in multiples of, records/s: about the
                highest workload; above 0.
        """
        entries = np.empty(len(self.nodes), _ENTRY)
        entries["due"], entries["node"] = issue.due, np.arange(len(self.nodes))
        entries["last"], entries["top"], entries["scale"] = last, top, issue.scale
        entries["experts"] = ((issue.experts - last) / top).T
        for name in ("mean", "low", "high"):
            entries[name] = (getattr(issue, name) - last) / top
        entries["spread"] = np.maximum(issue.spread / top, 1e-5)
        newest = [self.entries["due"][self.entries["node"] == i] for i in entries["node"]]
        fresh = [
            not due.size or due[-1] + SLOTS <= at for due, at in zip(newest, issue.due, strict=True)
        ]
        return replace(self, entries=np.concatenate([self.entries, entries[fresh]]))

    def errors(self, step: float) -> tuple[HorizonError, ...]:
        """Return the rolling errors at the nodes that were scored.

        Args:
            step: Seconds of a step.
        """
        return tuple(
            HorizonError(
                horizon=node * step,
                wape=round(min(missed / total, 1e3), 6) if total > 0 else float(missed > 0),
                coverage=round(min(within / number, 1.0), 4),
            )
            for node, missed, total, within, number in zip(self.nodes, *self.scores, strict=True)
            if number > 0
        )


def _relative(missed: float, y: float) -> float:
    """Return an error as a part of what came, 1000 at most; of nothing, 1 for any error.

    >>> _relative(3.0, 6.0), _relative(3.0, 1e-308), _relative(3.0, 0.0), _relative(0.0, 0.0)
    (0.5, 1000.0, 1.0, 0.0)
    """
    if y <= 0:
        return float(missed != 0)
    return missed / y if missed < WORST * y else WORST
