"""What a service is to the shell that runs it: a fold over events, with one state a job.

A service's logic is this protocol and nothing else: no Kafka, no clock, no I/O. The same object
runs in a service, in a backtest and in a replay.
"""

from dataclasses import dataclass
from typing import ClassVar, Generic, Protocol, TypeVar

from pydantic import BaseModel

from daedalus_shared.control import JobControl
from daedalus_shared.events import Event

S = TypeVar("S", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Step(Generic[S]):
    """What one event leads to."""

    state: S | None
    """The job's state after it; the same object when nothing changed; None to forget the job."""

    events: tuple[Event, ...] = ()
    """What is published, in this order, before the state is."""


class Service(Protocol[S]):
    """One stage of the loop."""

    SOURCES: ClassVar[tuple[type[Event], ...]]
    """The events that it reads beside control, which all services read."""

    RESULTS: ClassVar[tuple[type[Event], ...]]
    """The events that it publishes beside its knowledge and dead letters; the relay holds it to
    them. Who may read and write what on Kafka follows from both."""

    KIND: ClassVar[str]
    """The kind of its knowledge, such as `PlannerState`."""

    VERSION: ClassVar[int]
    """Version of the state; bumped with any change of its form or meaning."""

    STATE: ClassVar[type[BaseModel]]
    """The state's class: a frozen pydantic model, kept small; it is published on each change."""

    name: str
    """The stage, such as `planner`."""

    instance: str
    """The instance, such as `rules`; it names consumer group, knowledge keys and sources."""

    def needs(self, control: JobControl, state: S | None, event: Event) -> frozenset[type[Event]]:
        """Return the events whose topics must be read to their present end before `event`.

        A service asks for them where its result depends on what else has happened by then (at a
        tick's end, say), so that the order in which topics are read never shows in a result.
        `ControlEvent` stands for the control topic. No topic is named that `event` lies on.
        """
        ...

    def handle(self, control: JobControl, state: S | None, event: Event) -> Step[S]:
        """Fold one event into the job's state. Pure: the same arguments give the same step.

        `control` includes `event` already where it is a control event. An event that the state
        covers already (not newer in event time) gives the same state and no events.
        """
        ...
