"""What people and the platform allow: small bounds that are stacked on a planner's wish.

The order is the rank: a pin takes the place of the wish, a ceiling and a floor bound it (the floor
wins over the ceiling: too few workers hurt more), spec and platform bound those, and a pause holds
what is left. A group's quota bounds the planner's wish alone, so it gives way to a pin as to a
floor. Each names itself only where it changes the choice.
"""

from collections.abc import Iterable

from daedalus_planner.domain.figures import workers
from daedalus_planner.domain.situation import Bounds, Reason
from daedalus_planner.domain.wish import Wish
from daedalus_shared.events import Direction, Override, OverrideKind


def limit(wish: Wish, current: int, bounds: Bounds, overrides: Iterable[Override]) -> Wish:
    """Return what is left of a wish."""
    kinds: dict[OverrideKind, list[Override]] = {kind: [] for kind in OverrideKind}
    for override in overrides:
        kinds[override.kind].append(override)
    for override in kinds[OverrideKind.PIN]:
        wish = pinned(wish, override)
    for override in kinds[OverrideKind.CEILING]:
        if not (kinds[OverrideKind.PIN] and override.direction is Direction.UP):
            wish = lowered(wish, override)
    for override in kinds[OverrideKind.FLOOR]:
        wish = raised(wish, override)
    wish = bounded(wish, bounds)
    for override in kinds[OverrideKind.PAUSE]:
        wish = paused(wish, current, override)
    return wish


def pinned(wish: Wish, pin: Override) -> Wish:
    """Return the scale-out that a person asked for, whatever the planner wants."""
    if pin.scale_out is None:
        return wish
    clause = f"pinned to {workers(pin.scale_out)} {_by(pin)}"
    return wish.changed(pin.scale_out, Reason.PINNED, "pin", clause)


def lowered(wish: Wish, ceiling: Override) -> Wish:
    """Return the wish, at most the ceiling: a person's, or with direction `up` a group's quota."""
    if ceiling.scale_out is None or wish.chosen <= ceiling.scale_out:
        return wish
    clause = f"at most {workers(ceiling.scale_out)} {_by(ceiling)}"
    if ceiling.direction is Direction.UP:
        return wish.changed(ceiling.scale_out, Reason.QUOTA, "quota", clause)
    return wish.changed(ceiling.scale_out, Reason.CEILING, "ceiling", clause)


def raised(wish: Wish, floor: Override) -> Wish:
    """Return the wish, at least the floor."""
    if floor.scale_out is None or wish.chosen >= floor.scale_out:
        return wish
    clause = f"at least {workers(floor.scale_out)} {_by(floor)}"
    return wish.changed(floor.scale_out, Reason.FLOOR, "floor", clause)


def bounded(wish: Wish, bounds: Bounds) -> Wish:
    """Return the wish inside the bounds of spec and platform."""
    if wish.chosen > bounds.highest:
        clause = f"{bounds.highest} is the most allowed ({bounds.limit})"
        return wish.changed(bounds.highest, Reason.BOUNDS, bounds.limit, clause)
    if wish.chosen < bounds.lowest:
        clause = f"{bounds.lowest} is the fewest allowed (min)"
        return wish.changed(bounds.lowest, Reason.BOUNDS, "min", clause)
    return wish


def paused(wish: Wish, current: int, pause: Override) -> Wish:
    """Return the present scale-out where a person asked not to scale that way."""
    up, down = wish.chosen > current, wish.chosen < current
    held = {
        Direction.UP: up,
        Direction.DOWN: down,
        Direction.BOTH: up or down,
    }[pause.direction]
    if not held:
        return wish
    way = "" if pause.direction is Direction.BOTH else f" {pause.direction}"
    clause = f"scaling{way} is paused {_by(pause)}"
    name = "pause" if pause.direction is Direction.BOTH else f"pause_{pause.direction}"
    return wish.changed(current, Reason.PAUSED, name, clause)


def _by(override: Override) -> str:
    why = f" ({override.why})" if override.why else ""
    return f"by {override.author} until {override.until:%Y-%m-%d %H:%M:%S} UTC{why}"
