"""A job as it was played to the end by one policy."""

from dataclasses import dataclass

from daedalus_shared.events import Event
from daedalus_simulator.domain.job import Rescale
from daedalus_simulator.domain.world import Series, World


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What happened in each second."""

    policy: str
    """Its name."""

    world: World
    """What the job met."""

    workers: Series
    """Workers paid in each second."""

    processed: Series
    """Records processed in each second, repeated ones included."""

    lags: Series
    """Records waiting at the end of each second."""

    rescales: tuple[Rescale, ...]
    """In the order of time."""

    events: tuple[Event, ...] = ()
    """What the policy's services said, where it was asked to keep it."""
