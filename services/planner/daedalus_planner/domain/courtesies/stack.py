"""The order in which courtesies shape a wish: stabilise, then raise and take back, then hold.

The planner's estimate and its margin come before, the bounds of people and platform after.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from daedalus_planner.domain.courtesies import delays, floors, holds, reverts, stand_ins, steps
from daedalus_planner.domain.courtesies.memory import Memory
from daedalus_planner.domain.situation import Reason
from daedalus_planner.domain.wish import Wish
from daedalus_shared.durations import text
from daedalus_shared.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What courtesies look at beside the wish."""

    at: datetime
    """The tick's end."""

    current: int
    """Workers now."""

    policy: Policy
    """With the courtesies asked for."""

    memory: Memory
    """What earlier ticks left."""

    planned: bool
    """Whether a planner made the wish; else the job is held for want of something."""

    unknown: int
    """Ticks in a row, this one included, at which nothing was known."""

    stood_in: tuple[str, ...]
    """Signals that something stands in for."""

    since: float | None
    """Seconds since the last rescale, start or foreign change; None when none is known of."""

    since_rescale: float | None
    """The same without starts."""

    rescales: Sequence[datetime]
    """When rescales began, as far back as the budget looks."""

    averts_overload: bool
    """Whether the job would be overloaded beyond the recovery target if it stayed."""


def considerate(wish: Wish, occasion: Occasion) -> Wish:
    """Return what the courtesies leave of a wish."""
    asked, at, current = occasion.policy.courtesies, occasion.at, occasion.current
    if occasion.planned:
        wish = stand_ins.grounded(wish, current, occasion.stood_in)
        wish = delays.delayed(wish, current, occasion.memory.wishes, at, asked.down)
    wish = _shaped(wish, occasion)
    wish = holds.blacked_out(wish, current, asked.blackouts, at)
    wish = holds.budgeted(
        wish,
        current,
        occasion.rescales,
        at,
        asked.budget,
        averts_overload=occasion.averts_overload,
    )
    wish = holds.cooled(wish, current, occasion.since_rescale, asked)
    return steps.stepped(wish, current, asked)


def _shaped(wish: Wish, occasion: Occasion) -> Wish:
    """Return the wish as reverts, schedules and the fallback change it.

    They move a job only once it has settled, as the planner has seen to for its own wish; until
    then they may keep it from moving that way.
    """
    asked, policy = occasion.policy.courtesies, occasion.policy
    found = wish
    if occasion.planned:
        found = reverts.reverted(found, occasion.current, occasion.memory.back_off, occasion.at)
    found = floors.scheduled(found, asked.floors, occasion.at)
    found = floors.fallen_back(found, occasion.unknown, asked.fallback)
    since = math.inf if occasion.since is None else occasion.since
    lowest, highest = sorted((wish.chosen, occasion.current))
    settling = min(max(found.chosen, lowest), highest)
    if settling == found.chosen or since >= policy.settle:
        return found
    clause = (
        f"the last rescale or start was {text(since)} ago, "
        f"and this waits until it was {text(policy.settle)} ago"
    )
    return found.changed(settling, Reason.SETTLING, "settle", clause)
