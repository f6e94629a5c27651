"""The ensemble's forecast at a tick: experts, their combination, its quantiles and its paths."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daedalus_forecaster.domain import combination, experts, scenarios
from daedalus_forecaster.domain.experts import EXPERTS, Past
from daedalus_forecaster.domain.history import FloatArray
from daedalus_forecaster.domain.record import SLOTS, Book, Issue

RECENT = 20
"""Slots whose mean is the workload lately."""

LEAST = 1e-3
"""The workload lately counts as at least this share of the highest, and this many records/s."""

SUPPOSED = 0.03
"""Standard deviation of a forecast one step ahead as a share of the workload lately, before any
came out."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a forecast begins."""

    slot: int
    """The newest slot whose workload is known: the last of the past's values."""

    position: float
    """Where on the grid the forecast is issued, in slots; at or after `slot`."""

    count: int
    """Steps of the forecast."""

    seed: int
    """What the job's paths are drawn from."""

    @property
    def slots(self) -> int:
        """Slots that are forecast: to the one after the last step's end, which lies between."""
        return int(np.ceil(self.position)) - self.slot + SLOTS * self.count + 1


@dataclass(frozen=True, slots=True)
class Ensemble:
    """A forecast at the steps, records/s."""

    mean: FloatArray
    """Shape (count,)."""

    quantiles: FloatArray
    """Shape (3, count): 0.1, 0.5 and 0.9."""

    paths: FloatArray
    """Shape (16, count)."""

    weights: FloatArray
    """Shape (experts,): the experts' weights, the mean of all nodes."""


def forecast(past: Past, origin: Origin, book: Book) -> tuple[Book, Ensemble]:
    """Forecast, and enter it into the book to be scored."""
    slots = origin.slots
    foretold = experts.predict(past, slots)
    top = experts.ceiling(past)
    last = float(past.values[-1])
    # Each node's slot, counted from the last known one.
    due = (np.floor(origin.position) + SLOTS * np.array(book.nodes)).astype(np.int64)
    nodes = due - origin.slot - 1
    weights = combination.weights(book)
    mean = np.zeros(slots)
    for weight, forecast in zip(weights, foretold, strict=True):
        mean += _between(weight, nodes, slots) * forecast

    ahead = np.arange(1, slots + 1) / SLOTS
    level = max(float(np.mean(past.values[-RECENT:])), LEAST * past.highest, LEAST)
    scale = combination.scales(ahead, level, mean)
    supposed = SUPPOSED * level / float(scale[nodes[0]])
    spread = scale * _between(combination.spread(book, supposed), nodes, slots)
    # Nothing is expected above the top, so a larger spread says no more. After a workload of zeros,
    # whose scale is next to nothing, it would be any number.
    spread = np.minimum(spread, top)
    offsets = np.stack([_between(q, nodes, slots) for q in combination.quantiles(book)])
    bands = np.clip(mean + np.sort(offsets, axis=0) * spread, 0.0, top)
    paths = mean + scenarios.standard(past.values, slots, origin.seed) * spread
    paths = scenarios.kept(np.clip(paths, 0.0, top))

    issue = Issue(
        due=due,
        experts=foretold[:, nodes],
        mean=mean[nodes],
        scale=scale[nodes],
        spread=spread[nodes],
        low=bands[0, nodes],
        high=bands[2, nodes],
    )
    book = book.issued(issue, last, max(past.highest, 1.0))
    known = np.arange(slots)
    steps = origin.position - origin.slot + SLOTS * np.arange(1, origin.count + 1) - 0.5
    return book, Ensemble(
        mean=np.interp(steps, known, mean),
        quantiles=np.stack([np.interp(steps, known, band) for band in bands]),
        paths=np.stack([np.interp(steps, known, path) for path in paths]),
        weights=weights.mean(axis=1),
    )


def label(weights: FloatArray) -> str:
    """Return the model's name with its heaviest experts.

    >>> label(np.eye(len(EXPERTS))[0])
    'ensemble(last 1.00)'
    """
    heaviest = [i for i in np.argsort(-weights, kind="stable")[:3] if weights[i] >= 0.05]
    return f"ensemble({', '.join(f'{EXPERTS[i]} {weights[i]:.2f}' for i in heaviest)})"


def _between(values: FloatArray, places: NDArray[np.int64], count: int) -> FloatArray:
    """Return values at `places` for each of `count` slots, held before the first and the last."""
    return np.interp(np.arange(count), places, values)
