"""Delayed scale-down: only when all plans of a time wanted fewer workers."""

from collections.abc import Iterable
from datetime import datetime

from daedalus_planner.domain.courtesies.memory import PastWish, is_within
from daedalus_planner.domain.figures import workers
from daedalus_planner.domain.situation import Reason
from daedalus_planner.domain.wish import Wish
from daedalus_shared.courtesies import Down
from daedalus_shared.durations import text


def delayed(wish: Wish, current: int, wishes: Iterable[PastWish], at: datetime, down: Down) -> Wish:
    """Return a wish for fewer workers, raised to the highest of the delay's time.

    The recommendation of the HPA's stabilisation window: the highest wish in it wins, and a
    scale-up waits for nothing.
    """
    if wish.chosen >= current:
        return wish
    lately = [past for past in wishes if is_within(past.tick, at, down.delay)]
    highest = max(lately, key=lambda past: past.scale_out, default=None)
    if highest is None or highest.scale_out <= wish.chosen:
        return wish
    clause = (
        f"{workers(highest.scale_out)} were wanted at {highest.tick:%H:%M:%S} UTC, "
        f"within the last {text(down.delay)}"
    )
    chosen = min(highest.scale_out, current)
    return wish.changed(chosen, Reason.DELAYED, "delay_down", clause)


def remembered(wishes: Iterable[PastWish], newest: PastWish, down: Down) -> tuple[PastWish, ...]:
    """Return the wishes that can still be the highest of the delay's time, with the newest."""
    if not down.delay:
        return ()
    kept = (
        past
        for past in wishes
        if is_within(past.tick, newest.tick, down.delay) and past.scale_out > newest.scale_out
    )
    return (*kept, newest)
