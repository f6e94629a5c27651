"""The horizon planner's dynamic programme: what each scale-out costs over the paths of a forecast.

A fluid model in steps: a job that stands still or is overloaded queues what arrives. Delay is
counted by Little's law, as the records that wait longer than tolerated, over time; so it adds up
whatever happens in between. On every path the cheapest course V(k, q) is found backwards from the
end, for a job of q workers that has caught up by step k (docs/method.md, Plan by costs).
"""

from typing import NamedTuple

import numpy as np
from numba import njit

WORKERS, OUTAGE, LATENESS = range(3)
"""Parts of a cost, in worker-seconds."""

PATIENCE = 2.0
"""Recovery targets that an episode is followed for, before the rest of it is estimated."""

EXCESS = 4.0
"""Workers that an episode beyond the recovery target costs for as long as the target; each second
beyond it costs ten times as much: too slow a recovery is to be avoided rather than weighed."""

_ROUNDING = 1e-9
"""Seconds, or records, that are none."""

_LEAST_RATE = 1e-6
"""Records/s that are processed at least when the rest of an episode is estimated: with no worker at
all it lasts long, and not for ever."""

NEVER = 1e6
"""Seconds that stand for a recovery that does not come."""


class Terms(NamedTuple):
    """What a rescale does and what everything costs; seconds, records/s and worker-seconds."""

    step: float
    """Seconds of a step of the paths."""

    down_up: float
    """Seconds without processing of a rescale to more workers."""

    down_down: float
    """Seconds without processing of a rescale to fewer."""

    warm_up: float
    """Seconds after `down_up` in which the old workers alone work."""

    replay: float
    """Seconds of records that are processed again."""

    rescale: float
    """Fixed price of a rescale."""

    delay: float
    """Price of a second that a record waits longer than tolerated, times records/s."""

    late: float
    """Price of a record that waits longer than tolerated, times records/s."""

    tolerated: float
    """Seconds that a record may wait."""

    target: float
    """Seconds within which a job has to have caught up."""

    waits: int
    """Steps that a plan common to all paths may wait before it moves, the first included."""


class Present(NamedTuple):
    """How the job stands at the first step."""

    size: int
    """Which of the sizes it has."""

    lag: float
    """Records waiting."""

    working: float
    """Records/s of those workers that have work so far."""

    warming: float
    """Seconds until the others have."""


class Move(NamedTuple):
    """A course of capacity: nothing for `down`, `before` for `warm`, `after` from then on."""

    down: float
    warm: float
    replayed: float
    before: float
    after: float


@njit(cache=True)
def _charged(terms, rate, lags, seconds):  # type: ignore[no-untyped-def]
    """Return the price of the delay in a span over which the lag goes from one value to another.

    Of the records waiting, those that came within the tolerated time do not count yet.
    """
    free = rate * terms.tolerated
    high, low = max(lags[0], lags[1]) - free, min(lags[0], lags[1]) - free
    if high <= 0.0:
        return 0.0
    if low >= 0.0:
        return (terms.delay * 0.5 * (high + low) + terms.late * rate) * seconds
    part = high / (high - low) * seconds
    return (terms.delay * 0.5 * high + terms.late * rate) * part


@njit(cache=True)
def _phase(move, passed):  # type: ignore[no-untyped-def]
    """Return a move's capacity after so many seconds, and how long it lasts (0: from then on)."""
    if passed < move.down - _ROUNDING:
        return 0.0, move.down - passed
    if passed < move.down + move.warm - _ROUNDING:
        return move.before, move.down + move.warm - passed
    return move.after, 0.0


@njit(cache=True)
def run(load, terms, move, span, lag):  # type: ignore[no-untyped-def]
    """Let a job run on one path.

    Args:
        load: Records/s a step.
        terms: The prices.
        move: Its capacity from the first step on.
        span: First step; the step that it runs to at least; and at most.
        lag: Records waiting at first.

    Returns:
        Price of the delay; the step at which it has caught up; the records waiting then; the
        seconds after which it had caught up, `NEVER` where it has not.
    """
    first, least, most = span
    price, passed, replayed = 0.0, 0.0, move.replayed
    caught = 0.0 if move.down == 0.0 and lag <= load[first] * terms.tolerated else -1.0
    for k in range(first, most):
        rate = load[k]
        free = rate * terms.tolerated
        left = terms.step
        while left > _ROUNDING:
            capacity, lasts = _phase(move, passed)
            piece = min(left, lasts) if lasts > 0.0 else left
            if capacity > 0.0:
                lag, replayed = lag + replayed, 0.0
            after = lag + (rate - capacity) * piece
            if after < 0.0:  # a span ends where the lag does
                piece = min(piece, max(lag / (capacity - rate), _ROUNDING)) if lag > 0.0 else piece
                after = 0.0
            price += _charged(terms, rate, (lag, after), piece)
            lag = after
            passed += piece
            left -= piece
            if caught < 0.0 and lag <= free and passed >= move.down:
                caught = passed
        if lag > free:
            caught = -1.0
        elif k + 1 >= least and passed >= move.down + move.warm - _ROUNDING:
            return price, k + 1, lag, caught
    return price, most, lag, NEVER if caught < 0.0 else caught


@njit(cache=True)
def too_slow(terms, rate, capacity, lag, seconds):  # type: ignore[no-untyped-def]
    """Return what it costs to have caught up after `seconds`, more than the target.

    Where nobody followed it to its end, the rest is what `rate` leaves of the capacity.
    """
    price = 0.0
    if seconds >= NEVER:
        rest = lag / max(capacity - rate, 0.02 * capacity, _LEAST_RATE)
        price += terms.delay * 0.5 * lag * rest + terms.late * rate * rest
        seconds = terms.target + rest
    if seconds > terms.target:
        price += EXCESS * terms.target + 10.0 * EXCESS * (seconds - terms.target)
    return price


@njit(cache=True)
def _total(cost):  # type: ignore[no-untyped-def]
    return cost[WORKERS] + cost[OUTAGE] + cost[LATENESS]


@njit(cache=True)
def _episode(path, terms, move, way, lag, cost):  # type: ignore[no-untyped-def]
    """Cost a course that begins and holds until caught up, and the best after it.

    It is followed for `PATIENCE` targets at most.

    Args:
        path: (records/s a step, V on it, workers of each size).
        terms: The prices.
        move: Its capacity; without downtime it is no rescale.
        way: First step; the step that it holds to at least; index of the size.
        lag: Records waiting at first.
        cost: Is filled with the worker-seconds by part, shape (3,).

    Returns:
        Seconds until caught up.
    """
    load, value, sizes = path
    first, least, size = way
    most = min(len(load), max(least, first + int(PATIENCE * terms.target / terms.step) + 1))
    delay, end, rest, caught = run(load, terms, move, (first, least, most), lag)
    slow = too_slow(terms, load[end - 1], move.after, rest, caught)
    cost[WORKERS] = value[end, size, WORKERS] + sizes[size] * terms.step * (end - first)
    cost[OUTAGE] = value[end, size, OUTAGE]
    cost[LATENESS] = value[end, size, LATENESS] + slow
    if move.down > 0.0:
        cost[OUTAGE] += terms.rescale + delay
    else:
        cost[LATENESS] += delay
    return caught


@njit(cache=True)
def _stay(path, terms, capacity, way, cost):  # type: ignore[no-untyped-def]
    """Cost staying for a step, or until caught up where that is too much, and the best after it."""
    load, value, sizes = path
    first, _, size = way
    if load[first] > capacity:
        _episode(path, terms, Move(0.0, 0.0, 0.0, capacity, capacity), way, 0.0, cost)
    else:
        cost[:] = value[first + 1, size]
        cost[WORKERS] += sizes[size] * terms.step


@njit(cache=True)
def _move(terms, up, capacities, rate):  # type: ignore[no-untyped-def]
    """Return a rescale between two capacities at a load."""
    before, after = capacities
    if up:
        return Move(terms.down_up, terms.warm_up, terms.replay * rate, before, after)
    return Move(terms.down_down, 0.0, terms.replay * rate, before, after)


@njit(cache=True)
def best(load, sizes, capacities, targets, terms):  # type: ignore[no-untyped-def]
    """Return V, the least cost from each step on for each size that has caught up.

    Args:
        load: Records/s a step, shape (k,).
        sizes: Workers, shape (n,), ascending.
        capacities: Records/s, shape (n,).
        targets: First and last index of the sizes that may be moved to; index of the present one.
        terms: The prices.

    Returns:
        Worker-seconds by part, shape (k + 1, n, 3); of the targets and the present size alone.
    """
    steps, n = len(load), len(sizes)
    lowest, highest, present = targets
    value = np.zeros((steps + 1, n, 3))
    path = (load, value, sizes)
    more, fewer, stay = np.zeros((n, 3)), np.zeros((n, 3)), np.zeros((n, 3))
    for k in range(steps - 1, -1, -1):
        for r in range(lowest, highest + 1):
            at = (capacities[r], capacities[r])
            down = _move(terms, False, at, load[k])
            _episode(path, terms, down, (k, k + 1, r), 0.0, fewer[r])
            if terms.warm_up == 0.0:
                up = _move(terms, True, at, load[k])
                _episode(path, terms, up, (k, k + 1, r), 0.0, more[r])
        for i in range(lowest, highest + 2):
            q = i if i <= highest else present
            _stay(path, terms, capacities[q], (k, k + 1, q), stay[q])
            value[k, q] = stay[q]
            for r in range(lowest, highest + 1):
                if r > q and terms.warm_up > 0.0:
                    up = _move(terms, True, (capacities[q], capacities[r]), load[k])
                    _episode(path, terms, up, (k, k + 1, r), 0.0, more[r])
                other = more if r > q else fewer
                if r != q and _total(other[r]) < _total(value[k, q]):
                    value[k, q] = other[r]
    return value


@njit(cache=True)
def weigh(paths, sizes, capacities, targets, terms, present):  # type: ignore[no-untyped-def]
    """Return what the first step costs on each path, the present size standing for `stay`.

    Two kinds of costs: those of a course that is the best for its path alone, and those of the
    plans common to all paths. A common plan waits for less than `waits` steps, moves once, and
    holds until step `waits` and caught up; only then each path goes its own best way.

    Args:
        paths: Records/s a step, shape (s, k).
        sizes: Workers, shape (n,), ascending.
        capacities: Records/s of each that are counted on, shape (n,).
        targets: First and last index of the sizes that may be moved to.
        terms: The prices.
        present: How the job stands.

    Returns:
        Costs of each path's own best, shape (s, n, 3); of the common plans by the steps that they
        wait, shape (s, waits, n, 3), infinite where there is none, and [:, 0, present] that of
        holding; seconds until caught up after a move now, shape (s, n).
    """
    count, steps = paths.shape
    n, p = len(sizes), present.size
    own = np.full((count, n, 3), np.inf)
    common = np.full((count, terms.waits, n, 3), np.inf)
    caught = np.full((count, n), np.inf)
    lowest, highest = targets
    hold = min(terms.waits, steps)
    later = np.zeros(3)
    stay = Move(0.0, present.warming, 0.0, present.working, capacities[p])
    for s in range(count):
        load = paths[s]
        path = (load, best(load, sizes, capacities, (lowest, highest, p), terms), sizes)
        caught[s, p] = _episode(path, terms, stay, (0, 1, p), present.lag, own[s, p])
        _episode(path, terms, stay, (0, hold, p), present.lag, common[s, 0, p])
        for wait in range(hold):
            delay, lag = 0.0, present.lag
            if wait > 0:
                delay, _, lag, _ = run(load, terms, stay, (0, wait, wait), present.lag)
            warm = wait * terms.step >= present.warming
            before = capacities[p] if warm else present.working
            for r in range(lowest, highest + 1):
                if r == p:
                    continue
                at = (before, capacities[r])
                move = _move(terms, r > p, at, min(load[wait], before))
                if not warm:  # whoever was warming begins anew
                    move = Move(move.down, terms.warm_up, move.replayed, before, move.after)
                _episode(path, terms, move, (wait, hold, r), lag, common[s, wait, r])
                common[s, wait, r, WORKERS] += sizes[p] * terms.step * wait
                common[s, wait, r, LATENESS] += delay
                if wait == 0:
                    caught[s, r] = _episode(path, terms, move, (0, 1, r), lag, own[s, r])
                elif wait == 1:
                    _episode(path, terms, move, (1, 2, r), lag, later)
                    later[WORKERS] += sizes[p] * terms.step
                    later[LATENESS] += delay
                    if _total(later) < _total(own[s, p]):
                        own[s, p] = later
    return own, common, caught


def compiled() -> None:
    """Weigh next to nothing: a process that calls this at its start decides at once later."""
    terms = Terms(60.0, 30.0, 15.0, 0.0, 10.0, 300.0, 0.2, 0.0, 1.0, 600.0, 6)
    sizes = np.array([1.0, 2.0])
    weigh(np.ones((1, 8)), sizes, 2.0 * sizes, (0, 1), terms, Present(0, 0.0, 2.0, 0.0))
