"""Plays ticks to a service in lockstep: each waits for the answers to the one before."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from daedalus_contract.found import Message, answers, of, other_sources
from daedalus_contract.jobs import LOOP, Course, declaration, names
from daedalus_contract.process import ServiceProcess, say
from daedalus_contract.stage import Stage
from daedalus_contract.ticks import Asked, Phase, Play
from daedalus_contract.verdicts import Verdict
from daedalus_shared.events import Event, Forget, TickEvent
from daedalus_shared.job_spec import JobSpec

DECLARED = 4
"""Jobs that are declared and reported; one more is declared alone, one more reported alone."""

SPOILED = 2
"""Jobs among whose events garbage is sent; who chokes on it falls silent on their partitions."""

AGAIN, GARBAGE, AWAY, LAST = 5, 6, 8, 9
"""Ticks before which the two before are delivered again, garbage is sent, the service is killed;
and the last."""

_QUIET = 1.5
"""Seconds to listen for what should not come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked of the kit."""

    source: str
    run: str
    """Makes the jobs' names those of this run."""

    grace: float
    patience: float
    """Seconds for the first answer, and after a restart."""

    process: ServiceProcess | None = None

    @property
    def name(self) -> str:
        """The instance, by which a policy chooses it."""
        return self.source.rpartition("/")[2]


class TickRole(Protocol):
    """What differs between the roles that answer ticks."""

    @property
    def kind(self) -> type[TickEvent]:
        """What answers a tick."""
        ...

    @property
    def outputs(self) -> tuple[type[Event], ...]:
        """All that the role writes."""
        ...

    @property
    def inputs(self) -> tuple[type[Event], ...]:
        """Where garbage is sent."""
        ...

    def specs(self, jobs: Sequence[str], request: Request) -> list[JobSpec]:
        """Return the specs of the declared jobs."""
        ...

    def events(self, course: Course, place: int, number: int) -> list[Event]:
        """Return the inputs of a job's next tick; `place` is the job's, `number` the tick's."""
        ...

    def phase(self, place: int, number: int) -> Phase | None:
        """Return what a tick is for a job, where that is not plain from its number."""
        ...

    def react(self, found: Iterable[Event], courses: dict[str, Course]) -> list[Event]:
        """Return what follows from new answers."""
        ...

    def verdicts(self, play: Play) -> list[Verdict]:
        """Return what this role alone is judged by."""
        ...


@dataclass
class TickPlay:
    """One play."""

    stage: Stage
    role: TickRole
    request: Request
    asked: list[Asked] = field(default_factory=list)
    _jobs: Sequence[str] = ()
    _seen: int = 0
    _answered: set[tuple[str, datetime]] = field(default_factory=set)
    _sent: dict[int, list[Event]] = field(default_factory=dict)

    def run(self) -> Play:
        """Play all ticks, and return what was asked and answered."""
        stage, request = self.stage, self.request
        now = datetime.now(UTC)
        jobs = names(request.run, DECLARED + 2, stage.partitions)
        self._jobs = jobs
        unreported, undeclared = jobs[DECLARED:]
        specs = self.role.specs([*jobs[:DECLARED], unreported], request)
        courses = {
            job: Course.before(job, now - timedelta(seconds=request.grace), LAST)
            for job in jobs
            if job != unreported
        }
        begin = min(course.tick for course in courses.values())
        at = begin - timedelta(seconds=request.grace + 10 * LOOP)
        stage.send(*(declaration(spec, at) for spec in specs))
        stage.flush()
        self._all_ticks(courses, undeclared)
        stage.listen(_QUIET)
        source = f"console/{request.run}"
        stage.send(
            *(
                Forget(job=job, at=datetime.now(UTC), source=source, author="contract")
                for job in jobs
            )
        )
        stage.flush()
        return Play(
            source=request.source,
            partitions=stage.partitions,
            grace=request.grace,
            asked=tuple(self.asked),
            silent=frozenset({unreported, undeclared}),
            answers=answers(stage.found, request.source, jobs),
            others=other_sources(stage.found, request.source, jobs),
            restarted=request.process is not None,
        )

    def _all_ticks(self, courses: dict[str, Course], undeclared: str) -> None:
        silent_for = 0
        for number in range(1, LAST + 1):
            if number == AGAIN:
                self._again(number)
            if number == GARBAGE:
                for kind in self.role.inputs:
                    for job in list(courses)[:SPOILED]:
                        self.stage.send_garbage(kind, job)
            away = number == AWAY and self.request.process is not None
            if away and self.request.process is not None:
                self.request.process.kill()
            due = self._tick(courses, undeclared, number)
            if away and self.request.process is not None:
                self.request.process.start()
            slow = number == 1 or (number >= AWAY and self.request.process is not None)
            answered = self._wait(due, self.request.patience if slow else self.request.grace)
            say(f"tick {number} of {LAST}: {answered} of {len(due)} answered")
            self._react(courses)
            silent_for = 0 if answered or not due else silent_for + 1
            if silent_for == 2 or (number == 1 and not answered):
                return

    def _tick(self, courses: dict[str, Course], undeclared: str, number: int) -> set[Asked]:
        """Send a tick of all jobs, and return what has to be answered now."""
        late = [each for each in self.asked if each.phase is Phase.WITHHELD and each.at == _NEVER]
        told: list[tuple[str, datetime, Phase, list[Event]]] = []
        for place, (job, course) in enumerate(courses.items()):
            events = self.role.events(course, place, number)
            self._sent.setdefault(number, []).extend(events)
            self.stage.send(*events)
            if job != undeclared:
                phase = self.role.phase(place, number) or _phase(number, self.request)
                told.append((job, course.tick, phase, events))
        self.stage.flush()
        due = set()
        for job, tick, phase, events in told:
            at = _NEVER if phase is Phase.WITHHELD else self.stage.written_at(events[-1])
            asked = Asked(job, tick, at, phase)
            self.asked.append(asked)
            if phase not in (Phase.WITHHELD, Phase.OPTIONAL):
                due.add(asked)
        for each in late:
            closing = next(events for job, _, _, events in told if job == each.job)
            at = self.stage.written_at(closing[-1])
            asked = Asked(each.job, each.tick, at, Phase.WITHHELD)
            self.asked[self.asked.index(each)] = asked
            due.add(asked)
        return due

    def _again(self, number: int) -> None:
        for each in (number - 2, number - 1):
            self.stage.send(*self._sent.get(each, []))
        self.stage.flush()
        self.stage.listen(_QUIET)

    def _wait(self, due: set[Asked], seconds: float) -> int:
        left = {(each.job, each.tick) for each in due}

        def done() -> bool:
            for _, event in of(
                self.role.kind, answers(self._new(), self.request.source, self._jobs)
            ):
                self._answered.add((event.job, event.tick))
            return left <= self._answered

        self.stage.until(done, seconds)
        return len(left & self._answered)

    def _new(self) -> list[Message]:
        new = self.stage.found[self._seen :]
        self._seen = len(self.stage.found)
        return new

    def _react(self, courses: dict[str, Course]) -> None:
        found = answers(self.stage.found, self.request.source, self._jobs)
        self.stage.send(*self.role.react([each.event for each in found if each.event], courses))
        self.stage.flush()


_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def _phase(number: int, request: Request) -> Phase:
    if number == 1:
        return Phase.FIRST
    if number >= AWAY and request.process is not None:
        return Phase.AFTER_RESTART
    return Phase.AFTER_GARBAGE if number >= GARBAGE else Phase.USUAL
