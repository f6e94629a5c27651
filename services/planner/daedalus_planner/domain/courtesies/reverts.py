"""A scale-up that brought nothing: noticed, taken back, and not tried again for a time."""

from datetime import datetime, timedelta

from daedalus_planner.domain.courtesies.memory import BackOff, Memory, Promised
from daedalus_planner.domain.figures import rate, workers
from daedalus_planner.domain.situation import Reason
from daedalus_planner.domain.wish import Wish
from daedalus_shared.courtesies import Revert
from daedalus_shared.events import CapacityUpdate, ScaleCommand, ScaleOutcome, Status
from daedalus_shared.policy import Policy

_SURE = 2.0
"""Standard errors by which the gain may have been mismeasured: in doubt a scale-up stays."""


def promised(command: ScaleCommand, update: CapacityUpdate | None) -> Promised | None:
    """Return what a command is to be judged by; None when it is no scale-up, or nobody knows."""
    up = command.to_scale_out > command.from_scale_out
    if not up or command.dry_run or update is None or update.capacity is None:
        return None
    return Promised(command=command.id, before=update.capacity)


def judged(
    memory: Memory,
    rescale: ScaleOutcome | None,
    update: CapacityUpdate | None,
    at: datetime,
    policy: Policy,
) -> Memory:
    """Return the memory that knows whether the last scale-up brought anything.

    It can be told once, by the first capacity that was measured at the new scale-out over a whole
    loop after the warm-up; until then the same memory is returned. One that did bring something
    ends the doubling.
    """
    asked = policy.courtesies.revert
    if asked is None:
        return memory.model_copy(update={"promised": None, "back_off": None})
    if memory.promised is None or rescale is None or update is None:
        return memory
    capacity = _measured(memory.promised, rescale, update, at, policy)
    if capacity is None or rescale.promise is None or rescale.promise.capacity is None:
        return memory
    hoped = rescale.promise.capacity - memory.promised.before
    gained = capacity - memory.promised.before
    sure = gained + _SURE * (update.capacity_error or 0.0) < asked.gain * hoped
    if not sure:
        return memory.model_copy(update={"promised": None, "back_off": None})
    times = 1 + _in_a_row(memory.back_off, at, asked)
    back_off = BackOff(
        command=rescale.command,
        update=update.id,
        from_scale_out=rescale.from_scale_out or 0,
        to_scale_out=rescale.to_scale_out,
        promised=hoped,
        gained=gained,
        until=at + timedelta(seconds=wait(asked, times)),
        times=times,
    )
    return memory.model_copy(update={"promised": None, "back_off": back_off})


def wait(asked: Revert, times: int) -> float:
    """Return the seconds of back-off after so many in a row brought nothing.

    >>> [wait(Revert(back_off="30m", longest="3h"), times) / 60 for times in (1, 2, 3, 4)]
    [30.0, 60.0, 120.0, 180.0]
    """
    return float(min(asked.back_off * 2.0 ** min(times - 1, 64), asked.longest))


def reverted(wish: Wish, current: int, back_off: BackOff | None, at: datetime) -> Wish:
    """Return the wish, no further up than before a scale-up that brought nothing.

    A scale-out above that of the scale-up is somebody else's, and left alone.
    """
    if back_off is None or at >= back_off.until or current > back_off.to_scale_out:
        return wish
    if wish.chosen <= back_off.from_scale_out:
        return wish
    gained = rate(max(0.0, back_off.gained))
    clause = (
        f"the scale-up from {back_off.from_scale_out} to {workers(back_off.to_scale_out)} brought "
        f"{gained} of the {rate(back_off.promised)} promised, "
        f"so none above {back_off.from_scale_out} until {back_off.until:%Y-%m-%d %H:%M:%S} UTC"
    )
    return wish.changed(back_off.from_scale_out, Reason.INEFFECTIVE, "ineffective", clause)


def _measured(
    promised: Promised,
    rescale: ScaleOutcome,
    update: CapacityUpdate,
    at: datetime,
    policy: Policy,
) -> float | None:
    """Return the capacity measured after the scale-up; None while it cannot be told."""
    if rescale.command != promised.command or rescale.status is not Status.APPLIED:
        return None
    settled = policy.warm_up + policy.loop
    if at - (rescale.converged_at or rescale.at) < timedelta(seconds=settled) or update.warming:
        return None
    if update.scale_out != rescale.to_scale_out or update.capacity_error is None:
        return None
    bounded_below = any(
        point.at_least for point in update.table if point.scale_out == update.scale_out
    )
    return None if bounded_below else update.capacity


def _in_a_row(back_off: BackOff | None, at: datetime, asked: Revert) -> int:
    if back_off is None or at - back_off.until >= timedelta(seconds=asked.longest):
        return 0
    return back_off.times
