"""A forecaster: reads metrics, and says at each tick what will come."""

from collections.abc import Iterable, Sequence

from daedalus_contract.found import of
from daedalus_contract.jobs import Course, spec
from daedalus_contract.tick_play import DECLARED, Request
from daedalus_contract.ticks import Phase, Play
from daedalus_contract.verdicts import Verdict, judged
from daedalus_shared.events import Event, Forecast, JobMetrics
from daedalus_shared.job_spec import JobSpec

_BLIND = (2, 3)
"""Job and tick at which nobody could read what arrives."""


class ForecasterRole:
    """See `TickRole`."""

    kind = Forecast
    outputs: tuple[type[Event], ...] = (Forecast,)
    inputs: tuple[type[Event], ...] = (JobMetrics,)

    def specs(self, jobs: Sequence[str], request: Request) -> list[JobSpec]:
        """Return specs that choose this forecaster."""
        return [spec(job, request.grace, forecaster=request.name) for job in jobs]

    def events(self, course: Course, place: int, number: int) -> list[Event]:
        """Return reports; none of the job that is not declared, which no monitor would watch."""
        if place >= DECLARED:
            return []
        return list(course.advance(known=(place, number) != _BLIND))

    def phase(self, place: int, number: int) -> Phase | None:
        """Return that a tick in which nothing is known need not be answered."""
        return Phase.OPTIONAL if (place, number) == _BLIND else None

    def react(self, found: Iterable[Event], courses: dict[str, Course]) -> list[Event]:
        """Return nothing: nothing follows from a forecast here."""
        del found, courses
        return []

    def verdicts(self, play: Play) -> list[Verdict]:
        """Return whether a policy can choose it, and whether its forecasts are of use."""
        return [named(play), forward(play)]


def named(play: Play) -> Verdict:
    """The forecaster's name is its instance's."""
    wrong = [
        f"{message.place}: forecaster {event.forecaster!r}, expected {play.name!r}"
        for message, event in of(Forecast, play.answers)
        if event.forecaster != play.name
    ]
    return judged(
        "name",
        wrong,
        well=f"`policy: {{forecaster: {play.name}}}` chooses it",
        mend="A policy chooses by `forecaster`, which is what follows the / of `source`",
    )


def forward(play: Play) -> Verdict:
    """It looks further than the next tick, so that a planner can plan with it."""
    wrong = [
        f"{message.place}: horizon {event.horizon:g} s"
        for message, event in of(Forecast, play.answers)
        if event.horizon < 60.0
    ]
    return judged(
        "horizon",
        wrong,
        well="forecasts span a minute or more",
        mend="Expected 60 s or more, policy.horizon at best: beyond its end the last value holds",
    )
