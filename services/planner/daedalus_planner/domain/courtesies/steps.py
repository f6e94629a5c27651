"""Step limits: how many workers may come or go in one rescale."""

import math

from daedalus_planner.domain.figures import workers
from daedalus_planner.domain.situation import Reason
from daedalus_planner.domain.wish import Wish
from daedalus_shared.courtesies import Courtesies, Way


def most(way: Way, current: int) -> float:
    """Return the workers that one rescale may add or take; infinity for any number.

    A percentage is rounded up, so that the smallest job can still be rescaled.

    >>> most(Way(percent=10), 4), most(Way(percent=50), 9), most(Way(workers=4, percent=50), 6)
    (1, 5, 4)
    """
    found = [] if way.workers is None else [way.workers]
    if way.percent is not None:
        found.append(math.ceil(current * way.percent / 100))
    return max(found, default=math.inf)


def stepped(wish: Wish, current: int, courtesies: Courtesies) -> Wish:
    """Return the wish, no further from the present than one rescale may go."""
    up = wish.chosen > current
    step = most(courtesies.up if up else courtesies.down, current)
    if abs(wish.chosen - current) <= step:
        return wish
    way, more = ("up", "more") if up else ("down", "fewer")
    chosen = current + int(step) if up else current - int(step)
    clause = f"at most {workers(int(step))} {more} in one rescale"
    return wish.changed(chosen, Reason.STEP, f"step_{way}", clause)
