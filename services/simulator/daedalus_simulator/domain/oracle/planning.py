"""The cheapest way through a world's episodes: a dynamic programme from its end to its begin."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numba import njit

from daedalus_simulator.domain.oracle.episodes import DOWN, STAY, UP, Episodes
from daedalus_simulator.domain.score import PRICE_DELAY, PRICE_RESCALE, SLOW_RECOVERY
from daedalus_simulator.domain.world import START, Series, World

_LOWEST_PRICE, _HIGHEST_PRICE, _BISECTIONS = 0.1, 1e5, 24
"""Worker-seconds for a second's late records that are tried, and how often in between."""

UNREACHABLE = 1e9
"""Worker-seconds of an episode that is too long: taken only where every way has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What a schedule shall minimise, in worker-seconds."""

    rescale: float = 0.0
    """Of each rescale, beside its outage."""

    delay: float = 0.0
    """Of each second of latency beyond 1 s, for the records of one second at the mean rate."""

    late: float = 0.0
    """Of each second's records at the mean rate that are late."""

    recovery: float | None = None
    """Seconds that a recovery may take."""


LEAST_PRICE = Goal(rescale=PRICE_RESCALE, delay=PRICE_DELAY)
"""J, the price of a run (docs/method.md, Price of a run)."""

FEWEST_WORKERS = Goal(recovery=SLOW_RECOVERY)
"""No more workers than the recovery target needs."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Scale-outs of one who knew the world."""

    moves: tuple[tuple[int, int], ...]
    """(second, scale-out) of each command, ascending."""

    price: float
    """What was minimised, a mean over the run in workers; late records are priced in it."""

    workers: float
    """Mean of the workers paid."""

    late: float
    """Part of the records that are late, in [0, 1]."""


def within(world: World, found: Episodes, goal: Goal, late: float) -> Schedule:
    """Return the cheapest schedule found with at most a part `late` of the records late.

    Late records are priced, and the price is bisected: what is found lies on the convex hull of all
    schedules, so another may be cheaper by a little. Where no price suffices, the highest is taken.
    """
    free = schedule(world, found, goal)
    if free.late <= late:
        return free
    low, high = 0.0, _HIGHEST_PRICE
    best = schedule(world, found, replace(goal, late=high))
    for _ in range(_BISECTIONS):
        if best.late > late:
            break
        price = math.sqrt(max(low, _LOWEST_PRICE) * high)
        tried = schedule(world, found, replace(goal, late=price))
        if tried.late <= late:
            high, best = price, tried
        else:
            low = price
    return best


def schedule(world: World, found: Episodes, goal: Goal, start: int = START) -> Schedule:
    """Return the cheapest schedule that moves only when caught up, on a grid of 10 s.

    Args:
        world: Where it is played.
        found: Its episodes.
        goal: What is minimised.
        start: Scale-out at the begin.

    Returns:
        The schedule; it may move from the second point of the grid on, since a policy must have
        looked once.
    """
    cost = _costs(world, found, goal)
    value, choice = _solve(cost, found.end, found.warms_up)
    moves: list[tuple[int, int]] = []
    late = paid = 0.0
    point, scale_out = 0, start - 1
    while point < len(found.end):
        to = int(choice[point, scale_out])
        kind = _kind(scale_out, to, found.warms_up)
        if to != scale_out:
            moves.append((int(found.instants[point]), to + 1))
        late += float(found.late[point, kind, to])
        after = int(found.end[point, kind, to])
        paid += float(found.instants[after] - found.instants[point]) * (to + 1)
        point, scale_out = after, to
    total = max(float(world.arrivals.sum()), 1.0)
    price = float(value[0, start - 1])
    return Schedule(tuple(moves), price / world.seconds, paid / world.seconds, late / total)


def _costs(world: World, found: Episodes, goal: Goal) -> Series:
    """Return worker-seconds of each episode, infinite where it is impossible."""
    rate = max(float(world.arrivals.mean()), 1e-9)
    seconds = found.instants[found.end] - found.instants[:-1, None, None]
    cost = seconds * np.arange(1.0, world.most + 1)
    cost += (goal.delay * found.lateness + goal.late * found.late) / rate
    cost[:, DOWN:] += goal.rescale
    if goal.recovery is not None:
        cost[found.recovery > goal.recovery] += UNREACHABLE
    cost[found.end < 0] = np.inf
    return np.asarray(cost)


@njit(cache=True)
def _kind(before, after, warms_up):  # type: ignore[no-untyped-def]
    """Return the kind of episode that leads from one scale-out (less 1) to another."""
    if after == before:
        return STAY
    if after < before:
        return DOWN
    return UP + (before if warms_up else 0)


@njit(cache=True)
def _solve(cost, end, warms_up):  # type: ignore[no-untyped-def]
    """Return each point's and scale-out's least cost to the end, and the scale-out to choose."""
    points, _, most = cost.shape
    value = np.zeros((points + 1, most))
    choice = np.zeros((points, most), dtype=np.int64)
    for point in range(points - 1, -1, -1):
        for before in range(most):
            best, chosen = np.inf, before
            for step in range(most if point else 1):
                # Staying comes first, so that a tie does not move.
                after = before if step == 0 else step - 1 if step <= before else step
                kind = _kind(before, after, warms_up)
                if end[point, kind, after] < 0:
                    continue
                total = cost[point, kind, after] + value[end[point, kind, after], after]
                if total < best:
                    best, chosen = total, after
            value[point, before], choice[point, before] = best, chosen
    return value, choice
