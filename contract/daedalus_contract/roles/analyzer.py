"""An analyzer: reads metrics and outcomes, and says at each tick what the job can process."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from daedalus_contract.found import of
from daedalus_contract.jobs import LEAST, MOST, PLAYER, Course, spec
from daedalus_contract.tick_play import Request
from daedalus_contract.ticks import Phase, Play
from daedalus_contract.verdicts import Verdict, judged, passed
from daedalus_shared.events import (
    CapacityUpdate,
    Event,
    JobMetrics,
    Promise,
    Recovery,
    ScaleOutcome,
    Status,
)
from daedalus_shared.job_spec import JobSpec

RESCALED = (1, 2)
"""Job and tick before which a rescale has been applied."""

COMMAND = "00000000-0000-4000-8000-000000000001"
PROMISE = Promise(capacity=500.0, downtime=2.0, recovery=9.0)


class AnalyzerRole:
    """See `TickRole`."""

    kind = CapacityUpdate
    outputs: tuple[type[Event], ...] = (CapacityUpdate, Recovery)
    inputs: tuple[type[Event], ...] = (JobMetrics, ScaleOutcome)

    def specs(self, jobs: Sequence[str], request: Request) -> list[JobSpec]:
        """Return plain specs."""
        return [spec(job, request.grace) for job in jobs]

    def events(self, course: Course, place: int, number: int) -> list[Event]:
        """Return reports; before one tick a rescale's outcome."""
        found: list[Event] = []
        if (place, number) == RESCALED:
            before, course.scale_out = course.scale_out, course.scale_out + 1
            begun = course.tick - timedelta(seconds=30)  # it counts from the next tick on
            found.append(
                ScaleOutcome(
                    job=course.job,
                    at=begun + timedelta(seconds=2),
                    tick=begun,
                    source=f"executor/{PLAYER}",
                    command=COMMAND,
                    from_scale_out=before,
                    to_scale_out=course.scale_out,
                    scale_out=course.scale_out,
                    generation=1,
                    status=Status.APPLIED,
                    downtime=2.0,
                    started_at=begun,
                    converged_at=begun + timedelta(seconds=2),
                    promise=PROMISE,
                )
            )
        return [*found, *course.advance()]

    def phase(self, place: int, number: int) -> Phase | None:
        """Return that all ticks are as usual."""
        del place, number
        return None

    def react(self, found: Iterable[Event], courses: dict[str, Course]) -> list[Event]:
        """Return nothing: nothing follows from a capacity here."""
        del found, courses
        return []

    def verdicts(self, play: Play) -> list[Verdict]:
        """Return whether a planner can plan with what it says."""
        return [table(play), counted(play), recoveries(play)]


def table(play: Play) -> Verdict:
    """The table tells of all scale-outs that the spec allows, ascending."""
    wrong = []
    for message, event in of(CapacityUpdate, play.answers):
        sizes = [point.scale_out for point in event.table]
        expected = list(range(LEAST, MOST + 1))
        if event.capacity is not None and sizes != expected:
            wrong.append(f"{message.place}: the table has scale-outs {sizes}, expected {expected}")
    return judged(
        "table",
        wrong,
        well=f"where a capacity is known the table has {LEAST} to {MOST} workers",
        mend="One entry for each scale-out from the spec's min to its max; `basis` says how known",
    )


def counted(play: Play) -> Verdict:
    """A job's loops are counted on, also over a restart."""
    wrong = []
    last: dict[str, CapacityUpdate] = {}
    for message, event in of(CapacityUpdate, play.answers):
        before = last.get(event.job)
        if before is not None and event.tick > before.tick and event.loop <= before.loop:
            wrong.append(f"{message.place}: loop {event.loop} follows loop {before.loop}")
        if before is None or event.tick > before.tick:
            last[event.job] = event
    return judged(
        "loop",
        wrong,
        well="`loop` rises from tick to tick",
        mend="It counts the ticks analysed, and is remembered over restarts",
    )


def recoveries(play: Play) -> Verdict:
    """A recovery belongs to a rescale, is told once, and stands beside its promise."""
    found = of(Recovery, play.answers)
    wrong = [
        f"{message.place}: command {event.command!r} is none that was carried out"
        for message, event in found
        if event.command != COMMAND
    ]
    wrong += [
        f"{message.place}: the promise is {event.promise}, expected the outcome's, {PROMISE}"
        for message, event in found
        if event.command == COMMAND and event.promise != PROMISE
    ]
    if not found:
        return passed("recoveries", "none was told; they are for people, and for learning")
    return judged(
        "recoveries",
        wrong,
        well="the rescale's recovery was told beside its promise",
        mend="`command` and `promise` are those of the outcome",
    )
