"""What the monitor remembers of each job: how far it has reported.

It folds control events only. Its reports come from outside the events, through `report`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from daedalus_monitor.domain.schedule import covered
from daedalus_shared.control import JobControl
from daedalus_shared.events import Event, JobMetrics, Sample
from daedalus_shared.events.base import Instant
from daedalus_shared.service import Step


class MonitorState(BaseModel):
    """How far a job's reports have come.

    Counters are not kept: a restarted monitor takes a look at once to compare the next one with, so
    that no rate spans the time that it was away.
    """

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    at: Instant
    """`at` of the last report: what is not newer was reported."""

    tick: Instant | None = None
    """The last tick that a report closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A report before it is known whether somebody else has made it."""

    job: str
    at: datetime
    tick: datetime | None
    samples: tuple[Sample, ...]
    input_partitions: int | None = None
    max_parallelism: int | None = None
    checkpoint_interval: float | None = None


class Monitor:
    """The service's fold."""

    SOURCES: ClassVar[tuple[type[Event], ...]] = ()
    RESULTS: ClassVar[tuple[type[Event], ...]] = (JobMetrics,)
    KIND: ClassVar[str] = "MonitorState"
    VERSION: ClassVar[int] = 1
    STATE: ClassVar[type[BaseModel]] = MonitorState

    name = "monitor"

    def __init__(self, instance: str) -> None:
        self.instance = instance

    def needs(
        self, control: JobControl, state: MonitorState | None, event: Event
    ) -> frozenset[type[Event]]:
        """Return nothing: a report depends on no topic."""
        del control, state, event
        return frozenset()

    def handle(
        self, control: JobControl, state: MonitorState | None, event: Event
    ) -> Step[MonitorState]:
        """Keep the state until the job is forgotten."""
        del event
        return Step(state if control.newest is not None else None)

    def report(self, state: MonitorState | None, draft: Draft, now: datetime) -> Step[MonitorState]:
        """Return the report of what is newer than the last one; nothing where nothing is.

        Args:
            state: How far the job was reported, by whichever replica.
            draft: The report.
            now: The wall clock, which tells a last report that a wrong clock had stamped.
        """
        said = state.at if state else None
        if covered(said, draft.at, now):
            return Step(state)
        samples = tuple(
            sample
            for sample in draft.samples
            if sample.at <= draft.at and not covered(said, sample.at, now)
        )
        if not samples and draft.tick is None:
            return Step(state)
        report = JobMetrics(
            job=draft.job,
            at=draft.at,
            source=f"{self.name}/{self.instance}",
            samples=samples,
            input_partitions=draft.input_partitions,
            max_parallelism=draft.max_parallelism,
            checkpoint_interval=draft.checkpoint_interval,
            tick=draft.tick,
        )
        last = draft.tick or (state.tick if state else None)
        return Step(MonitorState(at=draft.at, tick=last), (report,))
