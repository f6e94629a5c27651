"""What the monitor needs of the outside world."""

from dataclasses import dataclass
from typing import Protocol

from daedalus_monitor.domain.counters import Moment
from daedalus_monitor.domain.looks import EngineLook
from daedalus_monitor.domain.offsets import Offsets
from daedalus_monitor.domain.readings import Reading
from daedalus_shared.job_spec import JobSpec


class SourceError(RuntimeError):
    """A source did not answer, or not with what was asked for; one line that says so."""


class NotFoundError(SourceError):
    """The source answers, and does not have what was asked for."""


class Clock(Protocol):
    """Time, which tests turn by hand."""

    def now(self) -> Moment:
        """Return the present moment on both clocks."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after some seconds of the steady clock."""
        ...


class EngineSource(Protocol):
    """Tells of one job and its workers. It may remember the last look, to count from it."""

    async def look(self, now: Moment) -> EngineLook:
        """Return what it sees; may raise `SourceError`."""
        ...


class OffsetSource(Protocol):
    """Tells the offsets of one job's input topics."""

    async def look(self) -> Offsets:
        """Return the offsets; may raise `SourceError`."""
        ...


class LatencySource(Protocol):
    """Tells one job's latency by a measure of its own."""

    async def look(self, now: Moment) -> Reading[float]:
        """Return seconds; may raise `SourceError`."""
        ...


@dataclass(frozen=True, slots=True)
class Sources:
    """All sources of one job."""

    engines: tuple[EngineSource, ...]
    """In the order in which they are asked; a later one fills in for those before."""

    offsets: OffsetSource
    latency: LatencySource | None = None
    """Where the job file names a measure of the latency, it is the one that counts."""


class Connect(Protocol):
    """Gives out sources."""

    def __call__(self, spec: JobSpec, /) -> Sources:
        """Return the sources of a job, without any I/O yet."""
        ...

    async def close(self) -> None:
        """Close what the sources share."""
        ...
