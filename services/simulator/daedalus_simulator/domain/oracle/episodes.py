"""What each possible move of a job would bring, played with the simulated job's own arithmetic.

An episode begins caught up, with a command or without one, and ends at the next point of the grid
at which the job is caught up again. As nothing is left over between two episodes, a run's price is
the sum of its episodes'.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from daedalus_simulator.domain.score import BASE_LATENCY, TOLERATED, small_lags
from daedalus_simulator.domain.world import Series, World

GRID = 10
"""Seconds between two instants at which a schedule may move."""

CAUGHT_UP = 1e-3
"""Records of lag that are none."""

HOPELESS = 1e5
"""Seconds of waiting, summed over the records of one second at the mean rate, from which an episode
is given up as one that nobody would begin: at J's price they cost 20,000 worker-seconds, more than
60 rescales."""

STAY, DOWN, UP = 0, 1, 2
"""Kinds of episodes: no command, a scale-down, a scale-up. Where old workers work alone for a
while, kind `UP + p - 1` is the scale-up from p workers."""


@dataclass(frozen=True, slots=True, eq=False)
class Episodes:
    """What follows from each instant, kind and scale-out; arrays of shape (grid, kinds, most)."""

    end: NDArray[np.int64]
    """The point of the grid at which it is over; -1 where it is hopeless or impossible."""

    recovery: Series
    """Seconds from its begin until no more waits than arrives in a second; infinite where the trace
    ends before."""

    lateness: Series
    """Sum over its records of the seconds of latency beyond 1 s."""

    late: Series
    """Records with a latency beyond 1 s."""

    instants: NDArray[np.int64]
    """The grid: seconds since the start, the trace's end included, shape (points,)."""

    warms_up: bool
    """Whether a scale-up's episode depends on the scale-out before."""


def episodes(world: World) -> Episodes:
    """Play every episode of a world."""
    instants = np.append(np.arange(0, world.seconds, GRID), world.seconds)
    engine = world.engine
    window = round(engine.replay)
    warms_up = engine.warm_up > 0
    kinds = UP + (world.most if warms_up else 1)
    points = len(instants) - 1
    down_until = np.zeros((points, UP + 1))
    again = np.zeros((points, UP + 1))
    for point, second in enumerate(instants[:-1]):
        before = world.arrivals[max(0, second - window) : second]
        rate = float(before.mean()) if len(before) else 0.0
        down_until[point, STAY] = second
        for kind in (DOWN, UP):
            down_until[point, kind] = second + world.outage(int(second), up=kind == UP)
            again[point, kind] = world.replay(int(second)) * rate
    capacity = np.array([world.capacity(workers) for workers in range(1, world.most + 1)])
    end = np.full((points, kinds, world.most), -1, dtype=np.int64)
    recovery, lateness, late = (np.zeros(end.shape) for _ in range(3))
    _play_all(
        (
            world.arrivals,
            small_lags(world.arrivals),
            world.noise,
            capacity,
            instants,
            down_until,
            again,
        ),
        (engine.warm_up, window),
        (end, recovery, lateness, late),
    )
    return Episodes(end, recovery, lateness, late, instants, warms_up)


@njit(cache=True)
def _play_all(world, engine, found):  # type: ignore[no-untyped-def]
    """Fill the arrays `found` = (end, recovery, lateness, late)."""
    arrivals, small, noise, capacity, instants, down_until, again = world
    warm_up, window = engine
    end, recovery, lateness, late = found
    points, kinds, most = end.shape
    mean = arrivals.mean()
    left, lags = np.zeros(len(arrivals) + 1), np.zeros(len(arrivals))
    for point in range(points):
        begin = instants[point]
        for kind in range(kinds):
            draw = min(kind, UP)
            down = down_until[point, draw]
            warm = down + warm_up if kind >= UP else down
            for after in range(most):
                before = kind - UP if kinds > UP + 1 and kind >= UP else after
                if not _possible(kind, before, after, most, kinds > UP + 1):
                    continue
                # Some way must be left: into the run, and out of an overload.
                hopeless = HOPELESS * mean
                if after == most - 1 or (point == 0 and kind == STAY):
                    hopeless = np.inf
                until, caught = _play(
                    (arrivals, small, noise, capacity[before], capacity[after]),
                    (begin, down, warm, again[point, draw]),
                    (window, hopeless),
                    lags,
                )
                if until < 0:
                    continue
                end[point, kind, after] = (until + GRID - 1) // GRID
                recovery[point, kind, after] = caught
                sums = _late(arrivals, (begin, until), lags, left, capacity[after])
                lateness[point, kind, after], late[point, kind, after] = sums


@njit(cache=True)
def _possible(kind, before, after, most, warms_up):  # type: ignore[no-untyped-def]
    """Return whether a command of this kind can have this result; scale-outs less 1."""
    if kind == STAY:
        return True
    if kind == DOWN:
        return after < most - 1
    return after > (before if warms_up else 0)


@njit(cache=True)
def _play(world, move, limits, lags):  # type: ignore[no-untyped-def]
    """Return the episode's end and the seconds until the lag is gone; fill `lags`.

    The same sums as the simulated job's, in the same order.
    """
    arrivals, small, noise, old, new = world
    begin, down, warm, again = move
    window, hopeless = limits
    resumed, warmed = math.ceil(down), math.ceil(warm)
    calls = resumed > begin
    # Only when a command has had its whole effect may another follow.
    earliest = max(warmed, resumed + window) + 1 if calls else begin
    lag = waited = 0.0
    caught = 0.0
    for second in range(begin, len(arrivals)):
        if calls and second == resumed:
            lag += again
        capacity = noise[second] * (old if second < warmed else new)
        part = min(max(second + 1 - down, 0.0), 1.0)
        done = min(lag + arrivals[second], capacity * part)
        lag += arrivals[second] - done
        lags[second] = lag
        now = second + 1
        # Negative until it has caught up; without a command, the last time that it has.
        if lag > small[second] or now <= resumed:
            if not calls or caught <= 0:
                caught = begin - now
        elif caught < 0:
            caught = now - begin
        if lag > CAUGHT_UP:
            waited += lag
            if waited > hopeless:
                return -1, 0.0
            continue
        if now < earliest or now % GRID:
            continue
        # A command's replay is what was processed in the window: arrivals, if nothing waited.
        if now - window <= begin or lags[now - window - 1] <= CAUGHT_UP:
            return now, caught
    # Nobody knows when a backlog at the trace's end would be gone.
    return len(arrivals), abs(caught) if lag <= small[-1] else np.inf


@njit(cache=True)
def _late(arrivals, span, lags, left, rate):  # type: ignore[no-untyped-def]
    """Return seconds beyond 1 s, summed over the records, and how many records they are."""
    begin, until = span
    count = until - begin
    arrived = 0.0
    left[0] = 0.0
    for second in range(begin, until):
        arrived += arrivals[second]
        left[second - begin + 1] = max(left[second - begin], arrived - lags[second])
    lateness = late = arrived = 0.0
    after = 1
    for second in range(count):
        arrived += arrivals[begin + second]
        wanted = arrived - CAUGHT_UP
        while after < count and left[after] < wanted:
            after += 1
        step = max(left[after] - left[after - 1], CAUGHT_UP)
        gone = after - 1 + min(max((wanted - left[after - 1]) / step, 0.0), 1.0)
        if wanted > left[count] and until == len(arrivals):
            # What waits at the end of the trace leaves as fast as the last workers can.
            gone = count + (arrived - left[count]) / rate
        beyond = gone - (second + 1) + BASE_LATENCY - TOLERATED
        if beyond > 0:
            lateness += arrivals[begin + second] * beyond
            late += arrivals[begin + second]
    return lateness, late
