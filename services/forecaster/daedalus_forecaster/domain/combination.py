"""How the experts are combined, and how far the combination is off: both from what came out.

At each node an expert's weight is its discounted mean error to the power of -4. A node's own
evidence comes late (40 min for 40 min ahead), and its forecasts overlap: the errors at half its
distance, brought to its level, count as so many further ones.
"""

import numpy as np

from daedalus_forecaster.domain.history import FloatArray
from daedalus_forecaster.domain.record import Book

POWER = 4.0
"""Exponent of the weights: an expert twice as wrong counts a sixteenth."""

BORROWED = 20.0
"""Forecasts that the errors at half a node's distance count as."""

SHRUNK = 15.0
"""Forecasts that the spread at half a node's distance counts as."""

SUPPOSED_AS = 2.0
"""Forecasts that the first node's supposed spread counts as."""

BELIEVED = 20.0
"""Past errors one step ahead from which their own quantiles count half."""

EXPECTED = 0.7979
"""Mean absolute deviation of a normal distribution, in standard deviations."""

TENTH = 1.2816
"""Distance of the quantiles 0.1 and 0.9 from the mean of a normal distribution, likewise."""


def weights(book: Book) -> FloatArray:
    """Return the experts' weights at the nodes, shape (experts, nodes), which sum to 1 a node."""
    errors = np.ones_like(book.missed)
    for node, steps in enumerate(book.nodes):
        own, count = book.missed[:, node], book.total[node]
        mean = own / count if count > 0 else own
        if node == 0:
            errors[:, 0] = mean if count > 0 else 1.0
            continue
        half = errors[:, _half(book.nodes, steps)]
        usual = _middle(half)
        level = _middle(mean) / usual if count > 0 and usual > 0 else 1.0
        errors[:, node] = (own + BORROWED * level * half) / (count + BORROWED)
    best = errors.min(axis=0)
    floor = np.maximum(best, 1e-3 * np.median(errors, axis=0)) + 1e-12
    found = np.asarray((floor / (errors + 1e-3 * floor)) ** POWER)
    return np.asarray(found / found.sum(axis=0))


def scales(ahead: FloatArray, level: float, mean: FloatArray) -> FloatArray:
    """Return what the combination's errors are compared with, shape of `mean`.

    They grow with the square root of the distance, as a random walk's, and with that of the
    workload, as a count's; what is left is measured (`spread`).

    Args:
        ahead: Steps ahead.
        level: Workload lately, records/s; above 0.
        mean: Workload expected then, records/s.
    """
    between = np.sqrt(level * np.maximum(mean, 0.01 * level))
    return np.asarray(np.sqrt(ahead * between))


def spread(book: Book, supposed: float) -> FloatArray:
    """Return the standard deviation of the errors at the nodes, as multiples of their scales.

    It is Σ|y - ŷ| / Σ scale of the discounted past, of the combination itself and as far ahead. A
    node without evidence borrows from the one at half its distance.

    Args:
        book: What came out.
        supposed: The first node's, before anything came out.
    """
    found = np.empty(len(book.nodes))
    for node, steps in enumerate(book.nodes):
        missed, scale = book.spreads[:, node]
        before, count = (
            (found[_half(book.nodes, steps)], SHRUNK) if node else (supposed, SUPPOSED_AS)
        )
        own = missed / scale / EXPECTED if scale > 0 else before
        found[node] = (book.total[node] * own + count * before) / (book.total[node] + count)
    return found


def quantiles(book: Book) -> FloatArray:
    """Return the quantiles 0.1, 0.5 and 0.9 of the error at the nodes, shape (3, nodes).

    They are multiples of the expected spread: those of the past errors, and of a normal
    distribution while these are few: forecasts n steps ahead overlap, and n of them say as much
    as one.
    """
    ranked = np.sort(book.pool, axis=1)  # what is unknown comes last
    count = np.count_nonzero(~np.isnan(ranked), axis=1)
    places = np.outer((0.1, 0.5, 0.9), np.maximum(count - 1, 0))
    below, part = np.floor(places).astype(np.int64), places % 1
    rows = np.arange(len(book.nodes))
    above = np.minimum(below + 1, np.maximum(count - 1, 0))
    seen = np.nan_to_num((1 - part) * ranked[rows, below] + part * ranked[rows, above])
    share = count / (count + BELIEVED * np.array(book.nodes))
    return np.asarray(share * seen + np.outer((-TENTH, 0.0, TENTH), 1 - share))


def _middle(values: FloatArray) -> float:
    """Return the middle value, the upper of two."""
    return float(np.sort(values)[values.size // 2])


def _half(nodes: tuple[int, ...], steps: int) -> int:
    """Return the node that is at most half as far as `steps`, or the first."""
    return max((i for i, node in enumerate(nodes) if node <= (steps + 1) // 2), default=0)
