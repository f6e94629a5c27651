"""What later decisions rest on beside events: small, pruned at each tick, kept in the state."""

from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from daedalus_shared.events import CapacityPoint, Workload
from daedalus_shared.events.base import Instant, Rate, Records, ScaleOut


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True)


class PastWish(_Kept):
    """What the planner wanted at a tick, before any limit."""

    tick: Instant
    decision: str
    """Id of the Decision."""
    scale_out: ScaleOut


class Promised(_Kept):
    """What the last scale-up was to gain, until it is judged."""

    command: str
    """Id of the ScaleCommand."""
    before: Rate
    """Records/s that the scale-out before was known to process."""


class BackOff(_Kept):
    """A scale-up that brought nothing, and until when no other is tried."""

    command: str
    """Id of its ScaleCommand."""
    update: str
    """Id of the CapacityUpdate that it was judged by."""
    from_scale_out: ScaleOut
    """Workers before, that are gone back to."""
    to_scale_out: ScaleOut
    """Workers after."""
    promised: Rate
    """Records/s that it was to gain."""
    gained: float
    """Records/s that it gained as measured; may be negative."""
    until: Instant
    """When the back-off ends, exclusive."""
    times: int
    """How many in a row brought nothing, this one included."""


class Good(_Kept):
    """A signal as it was last known, and where from."""

    tick: Instant
    update: str
    """Id of the CapacityUpdate."""
    workload: Workload | None = None
    lag: Records | None = None
    table: tuple[CapacityPoint, ...] = ()


class Request(_Kept):
    """A rescale that a person's word is asked for."""

    tick: Instant
    """When it was asked first."""
    decision: str
    """Id of the Decision that asked first."""
    from_scale_out: ScaleOut
    to_scale_out: ScaleOut
    until: Instant
    """When its time is up."""


class Memory(_Kept):
    """All of it; empty while no courtesy asks for any."""

    wishes: tuple[PastWish, ...] = ()
    """Of the delay's time, ascending; those that a later wish reached are left out."""
    unknown: int = 0
    """Ticks in a row, up to the last one, at which nothing was known."""
    promised: Promised | None = None
    back_off: BackOff | None = None
    """The last scale-up that brought nothing."""
    good: dict[str, Good] = {}
    """Signal (`workload`, `lag`, `capacity`) → when it was last known."""
    request: Request | None = None
    """What an approval is asked for, while it is wanted."""

    def sources(self, at: datetime) -> tuple[str, ...]:
        """Return the ids of the events that it rests on at an instant, but for stand-ins."""
        found = [past.decision for past in self.wishes]
        if self.request is not None:
            found.append(self.request.decision)
        if self.back_off is not None and at < self.back_off.until:
            found += [self.back_off.command, self.back_off.update]
        return tuple(found)


def is_within(tick: datetime, at: datetime, seconds: float) -> bool:
    """Whether an earlier tick lies less than so many seconds before an instant."""
    return tick > at - timedelta(seconds=seconds)
