"""The least number of workers: by schedule, and when nothing is known."""

from collections.abc import Sequence
from datetime import datetime

from daedalus_planner.domain.courtesies import windows
from daedalus_planner.domain.figures import workers
from daedalus_planner.domain.situation import Reason
from daedalus_planner.domain.wish import Wish
from daedalus_shared.courtesies import Fallback, Floor


def scheduled(wish: Wish, floors: Sequence[Floor], at: datetime) -> Wish:
    """Return the wish, at least the highest floor that holds now."""
    held = [(floor, end) for floor in floors if (end := windows.until(floor, at)) is not None]
    floor, end = max(held, key=lambda found: found[0].scale_out, default=(None, at))
    if floor is None or wish.chosen >= floor.scale_out:
        return wish
    why = f" ({floor.why})" if floor.why else ""
    clause = (
        f"at least {workers(floor.scale_out)} by schedule until {end:%Y-%m-%d %H:%M:%S} UTC{why}"
    )
    return wish.changed(floor.scale_out, Reason.SCHEDULED_FLOOR, "scheduled_floor", clause)


def fallen_back(wish: Wish, unknown: int, fallback: Fallback | None) -> Wish:
    """Return the wish, at least the fallback once nothing was known for `unknown` ticks in a row.

    This tick is one of them. As KEDA's `currentReplicasIfHigher`: nobody knows that fewer suffice.
    """
    if fallback is None or unknown < fallback.after or wish.chosen >= fallback.scale_out:
        return wish
    ticks = "1 tick" if unknown == 1 else f"{unknown} ticks"
    clause = (
        f"too little was known for {ticks} in a row, "
        f"so at least {workers(fallback.scale_out)} as a fallback"
    )
    return wish.changed(fallback.scale_out, Reason.FALLBACK, "fallback", clause)
