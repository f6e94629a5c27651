"""From a situation to what each scale-out is expected to cost (docs/method.md, Plan by costs).

Where every path is known from now on, to wait a step looks free: whichever comes true, one could
still move in time. So the plans that are common to all paths count for half,
and for more where new workers take long to help.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daedalus_planner.domain import programme
from daedalus_planner.domain.programme import Present, Terms
from daedalus_planner.domain.situation import Series, Situation
from daedalus_shared.events import CapacityPoint

WAITS = 6
"""Steps that a plan common to all paths may wait before it moves, the first included."""

COMMON = 0.5, 0.75
"""Weight of the common plans where new workers help within `BRIEF`, and where they take `LONG`; in
proportion between: a move in time must be decided that much earlier, by who knows less. The rest is
that of each path's own best. (On the authors' traces 0.75 instead of 0.5 changes J by -4 % at 90 s
of downtime, and at 30 s on generated steps by +5 %, on noise by +3 %.)"""

COMMON_FOR_SHARE = 0.8
"""The same where a share of late records is aimed at: whoever finds out too late pays more for it
there, and each path's own best never does. At 0.5, 0.65 and 0.9 more workers are needed for that
share, on traces and on generated shapes."""

TAIL = 10
"""Steps that the last value of each path holds beyond its end: what is left then counts too."""

NOISE = 0.015
"""Standard deviation of a capacity around what is known of it, as a part of it."""

CAUTION = 1.0
"""Standard errors of a capacity that are not counted on where a scale-up stands still for `BRIEF`;
in proportion where longer or shorter, since what was trusted wrongly is mended by another."""

BRIEF = 30.0
"""Seconds."""

LONG = 90.0
"""Seconds."""

LEAST_CAUTION, MOST_CAUTION = 0.5, 2.0
"""Bounds of it."""

ROOM = 1.2
"""No scale-out is weighed that is more than one beyond this many times the highest load."""

CATCH_UP = 300.0
"""Seconds in which what waits should be worked off, where it asks for larger scale-outs."""

UNLIMITED = 1e15
"""Records/s that stand for a capacity of which no limit has shown."""

_INSTANT = 1e-3
"""Seconds that a rescale stands still at least, which tells it from staying."""


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """What each scale-out is expected to cost; arrays by scale-out, ascending."""

    sizes: NDArray[np.int64]
    """Workers."""

    capacities: Series
    """Records/s that are counted on; `UNLIMITED` where no limit has shown."""

    costs: Series
    """Worker-seconds by part, shape (n, 3); infinite where it was not worth a weighing. That of
    the present scale-out is what staying costs."""

    recoveries: Series
    """Seconds until caught up after a move now: the median of the paths, since on some it may be
    never. Infinite where it is never on half of them."""

    slow: NDArray[np.int64]
    """Paths on which that takes longer than the target."""

    present: int
    """Index of the present scale-out."""

    targets: tuple[int, int]
    """Indices of the smallest and the largest that were weighed as the target of a move."""

    waits: float
    """Seconds after which the best plan that stays now moves; infinite for never so far."""

    @property
    def totals(self) -> Series:
        """Worker-seconds."""
        return np.asarray(self.costs.sum(axis=1))


def weigh(situation: Situation) -> Weighed:
    """Return what it costs to move to each scale-out now, and to stay; some capacity is known."""
    sizes = _sizes(situation)
    present = int(np.searchsorted(sizes, situation.scale_out))
    capacities = counted_on(situation, sizes)
    paths = np.concatenate(
        [situation.paths, np.repeat(situation.paths[:, -1:], TAIL, axis=1)], axis=1
    )
    targets = _targets(situation, sizes, capacities)
    own, common, caught = programme.weigh(
        paths,
        sizes.astype(np.float64),
        capacities,
        targets,
        terms(situation),
        _present(situation, sizes, capacities),
    )
    expected = common.mean(axis=0)
    later = expected.sum(axis=2)
    later[0, np.arange(len(sizes)) != present] = np.inf
    wait, size = (int(index) for index in np.unravel_index(later.argmin(), later.shape))
    shared = expected[0].copy()
    shared[present] = expected[wait, size]
    together = common_weight(situation)
    return Weighed(
        sizes=sizes,
        capacities=capacities,
        costs=np.where(
            np.isfinite(shared), (1 - together) * own.mean(axis=0) + together * shared, np.inf
        ),
        recoveries=np.median(np.where(caught < programme.NEVER, caught, np.inf), axis=0),
        slow=(caught > situation.policy.recovery_target).sum(axis=0),
        present=present,
        targets=targets,
        waits=np.inf if size == present else wait * situation.policy.forecast_step,
    )


def terms(situation: Situation) -> Terms:
    """Return the prices and what a rescale does."""
    policy = situation.policy
    price = policy.prices.each
    usual = situation.usual or max(float(situation.paths.mean()), 1.0)
    late = price.late if situation.late is None else situation.late.price
    return Terms(
        step=policy.forecast_step,
        down_up=max(situation.downtime_up.mean, _INSTANT),
        down_down=max(situation.downtime_down.mean, _INSTANT),
        warm_up=warm_up(situation),
        replay=0.5 * situation.checkpoint_interval,
        rescale=price.rescale,
        delay=price.delay / usual,
        late=price.delay * late / usual,
        tolerated=price.tolerated,
        target=policy.recovery_target,
        waits=WAITS,
    )


def counted_on(situation: Situation, sizes: NDArray[np.int64]) -> Series:
    """Return the records/s of each size, less what it may be wrong by, never falling.

    Where nothing is known of a size, its workers count like those of the nearest that is known. A
    lower bound is all that fewer workers are trusted with; the present ones, and more, are trusted
    with any load until a limit shows.
    """
    known = [
        point for point in situation.capacities.values() if point.capacity > 0 < point.scale_out
    ]
    known.sort(key=lambda point: point.scale_out)
    at = [float(point.scale_out) for point in known]
    caution = CAUTION * situation.downtime_up.mean / _brief(situation)
    caution = min(max(caution, LEAST_CAUTION), MOST_CAUTION)
    sure = [_less_error(point, caution) / point.scale_out for point in known]
    each = np.interp(sizes, at, sure)
    found = np.maximum.accumulate(each * sizes)
    present = situation.capacities.get(situation.scale_out)
    if present is not None and present.at_least:
        found[sizes >= situation.scale_out] = UNLIMITED
    return np.asarray(found)


def common_weight(situation: Situation) -> float:
    """Return the weight of the common plans, by the seconds until new workers help."""
    if situation.late is not None:
        return COMMON_FOR_SHARE
    brief = _brief(situation)
    helps = situation.downtime_up.mean + warm_up(situation)
    return float(np.interp(helps, (brief, LONG / BRIEF * brief), COMMON))


def _brief(situation: Situation) -> float:
    """Return `BRIEF` as it is in a run whose time is compressed: half a step."""
    return BRIEF * situation.policy.forecast_step / 60.0


def _less_error(point: CapacityPoint, caution: float) -> float:
    error = 0.0 if point.error is None else point.error / point.capacity
    return point.capacity * max(1.0 - caution * float(np.hypot(error, NOISE)), 0.1)


def _sizes(situation: Situation) -> NDArray[np.int64]:
    bounds = situation.bounds
    found = {*range(bounds.lowest, bounds.highest + 1), situation.scale_out}
    return np.array(sorted(found), dtype=np.int64)


def _targets(situation: Situation, sizes: NDArray[np.int64], capacities: Series) -> tuple[int, int]:
    """Return the first and the last index worth a move, inside the bounds."""
    bounds, paths = situation.bounds, situation.paths
    allowed = np.flatnonzero((sizes >= bounds.lowest) & (sizes <= bounds.highest))
    most = ROOM * float(paths.max()) + situation.lag / CATCH_UP
    first = int(np.searchsorted(capacities, float(paths.min())))
    last = int(np.searchsorted(capacities, most)) + 1
    lowest, highest = int(allowed[0]), int(allowed[-1])
    return min(max(first, lowest), highest), min(max(last, lowest), highest)


def _present(situation: Situation, sizes: NDArray[np.int64], capacities: Series) -> Present:
    index = int(np.searchsorted(sizes, situation.scale_out))
    working, left = float(capacities[index]), 0.0
    if situation.warming > 0:
        left = warm_up(situation) - (situation.since or 0.0)
        old = max(situation.scale_out - situation.warming, 1)
        working = min(working, float(np.interp(old, sizes, capacities)))
    return Present(index, situation.lag, working, left)


def warm_up(situation: Situation) -> float:
    """Return the seconds that new workers take to work, the present ones as long again at least."""
    if situation.warming == 0:
        return situation.warm_up
    since, step = situation.since or 0.0, situation.policy.forecast_step
    known = situation.warm_up if situation.warm_up > since else 2.0 * since
    return max(known, since + step)
