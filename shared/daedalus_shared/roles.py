"""Who reads and writes which topics: the contract between the services, as a table.

The services declare the same (`Service.SOURCES`, `Service.RESULTS`), which a test holds equal; who
replaces one gets its rights. Kafka's ACLs are made from this table (`daedalus topics acls`).
"""

from dataclasses import dataclass

from daedalus_shared.events import (
    CapacityUpdate,
    ControlEvent,
    DeadLetter,
    Decision,
    Event,
    Forecast,
    JobMetrics,
    Knowledge,
    Recovery,
    ScaleCommand,
    ScaleOutcome,
)
from daedalus_shared.events.codec import EVENTS

EVERYTHING: tuple[type[Event], ...] = tuple(
    {event.NAME: event for event in reversed(EVENTS)}.values()
)[::-1]
"""An event of each topic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What one kind of client does on the topics."""

    name: str
    """The service, or who else."""

    reads: tuple[type[Event], ...]
    """All that it reads."""

    writes: tuple[type[Event], ...] = ()
    """All that it writes."""

    instance: str | None = None
    """Default name of the service's instance, which names its consumer group; None where it joins
    no group."""

    def group(self, instance: str | None = None) -> str | None:
        """Return the consumer group of an instance, by default of the usual one."""
        name = instance or self.instance
        return None if name is None else group_of(self.name, name)


def group_of(service: str, instance: str) -> str:
    """Return the consumer group of a service's instance.

    >>> group_of("forecaster", "mine")
    'daedalus-forecaster-mine'
    """
    return f"daedalus-{service}-{instance}"


def _service(
    name: str,
    reads: tuple[type[Event], ...],
    writes: tuple[type[Event], ...],
    instance: str | None = None,
) -> Role:
    """Return the role of a service: each reads control, and keeps its knowledge."""
    return Role(
        name=name,
        reads=(*reads, ControlEvent, Knowledge),
        writes=(*writes, Knowledge, DeadLetter),
        instance=instance or name,
    )


MONITOR = _service("monitor", (), (JobMetrics,))
ANALYZER = _service("analyzer", (JobMetrics, ScaleOutcome), (CapacityUpdate, Recovery))
FORECASTER = _service("forecaster", (JobMetrics,), (Forecast,), "daedalus")
PLANNER = _service(
    "planner",
    (JobMetrics, CapacityUpdate, Forecast, ScaleOutcome, Recovery),
    (Decision, ScaleCommand),
    "horizon",
)
EXECUTOR = _service("executor", (ScaleCommand,), (ScaleOutcome,))
CONSOLE = Role(name="console", reads=EVERYTHING, writes=(ControlEvent,))
AUDITOR = Role(name="auditor", reads=EVERYTHING)
SIMULATOR = Role(
    name="simulator",
    reads=(ControlEvent, ScaleCommand, ScaleOutcome),
    writes=(ControlEvent, JobMetrics, ScaleOutcome),
)

SERVICES = (MONITOR, ANALYZER, FORECASTER, PLANNER, EXECUTOR)
ROLES = (*SERVICES, CONSOLE, AUDITOR, SIMULATOR)
