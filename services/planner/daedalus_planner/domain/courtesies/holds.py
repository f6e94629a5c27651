"""What forbids a rescale for a time: blackouts, the budget of the day, the cooldown."""

from collections.abc import Sequence
from datetime import datetime

from daedalus_planner.domain.courtesies import windows
from daedalus_planner.domain.courtesies.memory import is_within
from daedalus_planner.domain.situation import Reason
from daedalus_planner.domain.wish import Wish
from daedalus_shared.courtesies import Blackout, Budget, Courtesies
from daedalus_shared.durations import text


def blacked_out(wish: Wish, current: int, blackouts: Sequence[Blackout], at: datetime) -> Wish:
    """Return the present scale-out in a blackout of the wish's direction."""
    if wish.chosen == current:
        return wish
    way = _way(wish, current)
    for blackout in blackouts:
        end = windows.until(blackout, at) if blackout.direction in {way, "both"} else None
        if end is not None:
            name, what = f"blackout_{way}", f"scale-{way}"
            if blackout.direction == "both":
                name, what = "blackout", "rescale"
            why = f" ({blackout.why})" if blackout.why else ""
            clause = f"no {what} until {end:%Y-%m-%d %H:%M:%S} UTC{why}"
            return wish.changed(current, Reason.BLACKOUT, name, clause)
    return wish


def budgeted(
    wish: Wish,
    current: int,
    rescales: Sequence[datetime],
    at: datetime,
    budget: Budget | None,
    *,
    averts_overload: bool,
) -> Wish:
    """Return the present scale-out where the rescales of the time are used up.

    `rescales` are the instants at which rescales began. With `spare_overload` a scale-up is let
    through where it `averts_overload`.
    """
    if budget is None or wish.chosen == current:
        return wish
    spent = sum(is_within(begun, at, budget.per) for begun in rescales)
    if spent < budget.rescales:
        return wish
    if budget.spare_overload and averts_overload and wish.chosen > current:
        return wish
    rescaled = "1 rescale" if budget.rescales == 1 else f"{budget.rescales} rescales"
    clause = f"{rescaled} within {text(budget.per)} are the most allowed, and {spent} began"
    return wish.changed(current, Reason.BUDGET, "budget", clause)


def cooled(wish: Wish, current: int, since: float | None, courtesies: Courtesies) -> Wish:
    """Return the present scale-out within the direction's cooldown.

    `since` are the seconds since the end of the last rescale, of either direction and whoever made
    it; None when none is known of.
    """
    if wish.chosen == current or since is None:
        return wish
    way = _way(wish, current)
    cooldown = (courtesies.up if way == "up" else courtesies.down).cooldown
    if since >= cooldown:
        return wish
    clause = (
        f"the last rescale was {text(since)} ago, and no scale-{way} follows in {text(cooldown)}"
    )
    return wish.changed(current, Reason.COOLDOWN, f"cooldown_{way}", clause)


def _way(wish: Wish, current: int) -> str:
    return "up" if wish.chosen > current else "down"
