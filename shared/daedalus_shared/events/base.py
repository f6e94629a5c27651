"""What all events have in common: an immutable fact about one job at one instant.

Evolution: within a major version only fields with defaults are added, and readers skip the fields
that they do not know. Any other change is a new major, told by the type in the headers.
"""

from datetime import UTC, datetime
from typing import Annotated, ClassVar
from uuid import NAMESPACE_URL, uuid5

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

JOB_NAME = r"^[a-z0-9][a-z0-9.-]*$"

_NAMESPACE = uuid5(NAMESPACE_URL, "daedalus/events")

LARGEST = 1e15
"""Records/s, and records, beyond which a figure is nonsense: sums and squares of what remains stay
finite, so that no event can stop who reads it."""

MOST_WORKERS = 2**31 - 1
"""Workers beyond which a scale-out is nonsense; engines and Kubernetes count in 32 bits."""

Rate = Annotated[float, Field(ge=0, le=LARGEST, allow_inf_nan=False)]
"""Records/s."""

Records = Annotated[float, Field(ge=0, le=LARGEST, allow_inf_nan=False)]
"""A number of records."""

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
"""A part of a whole, in [0, 1]."""

Ratio = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""A quotient, where 1 is parity."""

Finite = Annotated[float, Field(allow_inf_nan=False)]
"""Any number but NaN and infinity."""

ScaleOut = Annotated[int, Field(ge=0, le=MOST_WORKERS)]
"""A number of workers."""

JobName = Annotated[str, Field(pattern=JOB_NAME, max_length=200)]
"""The name of a job: lower-case letters, digits, dots and dashes."""


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("lies in no year that UTC can name") from error


Instant = Annotated[AwareDatetime, AfterValidator(_utc)]
"""A moment with its UTC offset, normalised to UTC so that equal moments are equal text."""


class Value(BaseModel):
    """An immutable part of an event."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


class Event(Value):
    """An immutable fact about one job at one instant, keyed by job on its topic."""

    NAME: ClassVar[str]
    """The topic without its prefix."""

    KIND: ClassVar[str] = ""
    """Tells the classes of a topic apart that carries several."""

    MAJOR: ClassVar[int] = 1
    """Major version; readers refuse any other."""

    job: JobName
    """Name of the stream-processing job, the Kafka key."""

    at: Instant
    """When the fact held, in UTC; never when the event was sent."""

    source: str = Field(min_length=1, max_length=200)
    """The instance that says so, `service/instance`, such as `planner/rules`."""

    @property
    def identity(self) -> str:
        """What tells this event from others of its type, source and job."""
        return self.at.isoformat()

    @property
    def id(self) -> str:
        """A deterministic id: the same input leads to the same id, also after a restart."""
        return str(
            uuid5(_NAMESPACE, f"{event_type(type(self))}|{self.source}|{self.job}|{self.identity}")
        )

    @property
    def correlation(self) -> str:
        """The tick that caused this event; the instant itself where no tick did."""
        return correlation(self.job, self.at)

    @property
    def key(self) -> str:
        """The Kafka key; what follows a `/` does not count for the partition."""
        return self.job


def event_type(event: type[Event]) -> str:
    """Return the CloudEvents type of a class, such as `daedalus.metrics.v1`."""
    kind = f".{event.KIND}" if event.KIND else ""
    return f"daedalus.{event.NAME}{kind}.v{event.MAJOR}"


def correlation(job: str, tick: datetime) -> str:
    """Return the correlation id of a job's tick, such as `ysb@2026-01-01T12:00:30+00:00`."""
    return f"{job}@{tick.isoformat()}"


class TickEvent(Event):
    """An event that belongs to one tick of its job's loop."""

    tick: Instant
    """The end of the tick that this event belongs to; ticks are named by their end."""

    @property
    def identity(self) -> str:
        """One event of a type, source and job in a tick."""
        return self.tick.isoformat()

    @property
    def correlation(self) -> str:
        """The tick."""
        return correlation(self.job, self.tick)
