"""What a service knew when the recording begins midway: a snapshot of it, and what comes after.

A snapshot tells the offsets that it covers. What it does not cover is folded on top of it, also
where it was read before, so that nothing is missing between them and nothing counts twice.
"""

from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from daedalus_shared.control import JobControl
from daedalus_shared.events import Event, JobMetrics, Knowledge
from daedalus_shared.topics import topic_of
from daedalus_simulator.controller import Stage

Place = tuple[str, int]
"""Topic and offset; a job's records of a topic lie on one partition."""

Placed = tuple[Event, Place | None]

S = TypeVar("S", bound=BaseModel)

_REPORTS = topic_of(JobMetrics)


class Remembering(Generic[S]):
    """A stage of the loop that can be given what its service had learned."""

    def __init__(self, stage: Stage[S]) -> None:
        self.stage = stage
        self.restored = False
        """Whether it goes on from a snapshot."""
        self._covers: Mapping[str, int] = {}

    def restore(self, known: Knowledge, recent: Iterable[Placed]) -> bool:
        """Go on from a snapshot; return whether it is of use, which the first one decides.

        It is where it is this code's own, and where `recent`, what was read last, reaches back to
        what it covers: else something may be missing in between.
        """
        service = self.stage.service
        if self.restored or (known.kind, known.instance) != (service.KIND, service.instance):
            return False
        end = known.covers.get(_REPORTS, -1)
        reaches = any(
            place is not None and place[0] == _REPORTS and place[1] <= end for _, place in recent
        )
        if known.version != service.VERSION or not reaches:
            return False
        try:
            self.stage.state = service.STATE.model_validate(known.state)  # type: ignore[assignment]  # STATE is the class of S
        except ValidationError:
            return False
        self._covers = known.covers
        self.restored = True
        return True

    def fold(self, control: JobControl, event: Event, place: Place | None) -> tuple[Event, ...]:
        """Fold an event that the snapshot does not cover; return what the service says to it."""
        return () if self.covers(place) else self.stage.handle(control, event)

    def covers(self, place: Place | None) -> bool:
        """Whether the snapshot holds what lies there already."""
        return place is not None and place[1] <= self._covers.get(place[0], -1)
