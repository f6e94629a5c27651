"""A planner: reads metrics, capacities and forecasts; decides each tick, and may command."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from daedalus_contract.found import of
from daedalus_contract.jobs import LEAST, LOOP, MOST, PLAYER, Course, spec
from daedalus_contract.tick_play import Request
from daedalus_contract.ticks import Phase, Play
from daedalus_contract.verdicts import Verdict, judged, passed
from daedalus_shared.events import (
    CapacityUpdate,
    Decision,
    Event,
    Forecast,
    JobMetrics,
    ScaleCommand,
    ScaleOutcome,
    Status,
)
from daedalus_shared.job_spec import JobSpec

ADVISED, SHADOWED = 2, 3
"""Which job is in mode `advise`, and which obeys another planner."""

_WITHHELD = 3
"""The tick at which the first job gets no forecast, and the second no capacity."""

_OVERLOADED = 1.3
"""Arrivals as a part of what four workers can process."""


class PlannerRole:
    """See `TickRole`."""

    kind = Decision
    outputs: tuple[type[Event], ...] = (Decision, ScaleCommand)
    inputs: tuple[type[Event], ...] = (JobMetrics, CapacityUpdate, Forecast)

    def __init__(self) -> None:
        self._answered: set[str] = set()
        self._generation: dict[str, int] = {}
        self.jobs: Sequence[str] = ()

    def specs(self, jobs: Sequence[str], request: Request) -> list[JobSpec]:
        """Return specs that obey this planner, but for one; one is in mode `advise`."""
        self.jobs = jobs
        found = []
        for place, job in enumerate(jobs):
            obeyed = f"not-{request.name}" if place == SHADOWED else request.name
            mode = "advise" if place == ADVISED else "act"
            chosen = {"planner": obeyed, "mode": mode, "forecaster": PLAYER}
            # Shorter than the loop: the next report then shows that the grace has passed.
            found.append(spec(job, min(request.grace, LOOP - 1.0), **chosen))
        return found

    def events(self, course: Course, place: int, number: int) -> list[Event]:
        """Return all that a planner needs of a tick, but what is withheld."""
        course.load = _OVERLOADED if number > 1 else 0.6
        found: list[Event] = list(course.advance())
        if (place, number) != (1, _WITHHELD):
            found.append(course.update(number))
        if (place, number) != (0, _WITHHELD):
            found.append(course.forecast())
        return found

    def phase(self, place: int, number: int) -> Phase | None:
        """Return that a tick without one of its inputs is answered once the grace has passed."""
        return Phase.WITHHELD if number == _WITHHELD and place in (0, 1) else None

    def react(self, found: Iterable[Event], courses: dict[str, Course]) -> list[Event]:
        """Return the outcomes of commands: carried out, or a dry run."""
        outcomes: list[Event] = []
        for event in found:
            if not isinstance(event, ScaleCommand) or event.id in self._answered:
                continue
            self._answered.add(event.id)
            if event.job in courses:
                outcomes.append(self._carried_out(event, courses[event.job]))
        return outcomes

    def verdicts(self, play: Play) -> list[Verdict]:
        """Return whether its commands are such as an executor may carry out."""
        advised, shadowed = self.jobs[ADVISED], self.jobs[SHADOWED]
        return [
            withheld(play, *self.jobs[:2]),
            paired(play),
            bounded(play),
            dry(play, advised),
            shadow(play, shadowed),
        ]

    def _carried_out(self, command: ScaleCommand, course: Course) -> ScaleOutcome:
        generation = self._generation.get(command.job, 0)
        if not command.dry_run:
            generation += 1
            course.scale_out = command.to_scale_out
        self._generation[command.job] = generation
        at = command.tick + timedelta(seconds=1)
        return ScaleOutcome(
            job=command.job,
            at=at,
            tick=command.tick,
            source=f"executor/{PLAYER}",
            command=command.id,
            from_scale_out=command.from_scale_out,
            to_scale_out=command.to_scale_out,
            scale_out=course.scale_out,
            generation=generation,
            status=Status.WOULD_APPLY if command.dry_run else Status.APPLIED,
            downtime=None if command.dry_run else 1.0,
            started_at=None if command.dry_run else command.tick,
            converged_at=None if command.dry_run else at,
            promise=command.promise,
            dry_run=command.dry_run,
        )


def withheld(play: Play, without_forecast: str, without_capacity: str) -> Verdict:
    """It decides without what is missing once the grace has passed, and says so."""
    wrong = []
    due = [each for each in play.asked if each.phase is Phase.WITHHELD]
    marks = {without_forecast: "forecast_missing", without_capacity: "analyzer_missing"}
    decisions = {(event.job, event.tick): event for _, event in of(Decision, play.answers)}
    for each in due:
        decision, mark = decisions.get((each.job, each.tick)), marks[each.job]
        what = mark.removesuffix("_missing")
        if decision is None:
            wrong.append(f"no decision without the {what}, though the grace had passed")
        elif mark not in decision.marks:
            wrong.append(f"a decision without the {what} is marked {decision.marks}, not {mark}")
        elif each.job == without_capacity and decision.command is not None:
            wrong.append("a command was sent although the analyzer was missing")
    if not due:
        wrong.append("it was silent before a tick could be played without its inputs")
    return judged(
        "missing",
        wrong,
        well="without forecast or capacity it decides when the grace has passed, marked so",
        mend="When metrics pass the tick by policy.forecast_grace, decide with what there is; "
        "without a capacity: stay",
    )


def paired(play: Play) -> Verdict:
    """A command belongs to a decision that names it."""
    decisions = {event.id: event for _, event in of(Decision, play.answers)}
    commands = {event.id: event for _, event in of(ScaleCommand, play.answers)}
    wrong = []
    for command in commands.values():
        decision = decisions.get(command.decision)
        if decision is None:
            wrong.append(f"{command.job}: the command's decision {command.decision!r} is unknown")
        elif decision.command != command.id or decision.tick != command.tick:
            wrong.append(f"{command.job}: decision {decision.id} does not name {command.id}")
        elif decision.scale_out != command.from_scale_out:
            told = f"from {command.from_scale_out}, the decision saw {decision.scale_out}"
            wrong.append(f"{command.job}: the command goes {told}")
    wrong += [
        f"{decision.job}: decision {decision.id} names a command that never came"
        for decision in decisions.values()
        if decision.command is not None and decision.command not in commands
    ]
    if not commands and not wrong:
        return passed("commands", "none was sent, though the jobs were overloaded")
    return judged(
        "commands",
        wrong,
        well=f"{len(commands)} commands, each named by its decision",
        mend="`command.decision` and `decision.command` are the ids of each other",
    )


def bounded(play: Play) -> Verdict:
    """A command stays within the spec's bounds, and ends."""
    wrong = []
    for message, event in of(ScaleCommand, play.answers):
        if not LEAST <= event.to_scale_out <= MOST:
            wrong.append(
                f"{message.place}: {event.to_scale_out} workers, allowed are {LEAST} to {MOST}"
            )
        elif event.expires_at <= event.tick:
            wrong.append(f"{message.place}: void at {event.expires_at}, before its tick's end")
    return judged(
        "bounds",
        wrong,
        well=f"all commands are within {LEAST} to {MOST} workers, and expire",
        mend="`scale` of the spec bounds a command; it expires command_expiry_loops after its tick",
    )


def dry(play: Play, advised: str) -> Verdict:
    """In mode `advise` commands are dry runs, in mode `act` they are none."""
    wrong = [
        f"{message.place}: dry_run is {event.dry_run} for a job in mode "
        f"{'advise' if event.job == advised else 'act'}"
        for message, event in of(ScaleCommand, play.answers)
        if event.dry_run != (event.job == advised)
    ]
    return judged(
        "dry run",
        wrong,
        well="commands are dry runs in mode advise, and nowhere else",
        mend="`policy.mode: advise` makes every command a dry run",
    )


def shadow(play: Play, shadowed: str) -> Verdict:
    """A job that obeys another planner is not commanded."""
    wrong = [
        f"{message.place}: a command to a job whose planner is another one"
        for message, event in of(ScaleCommand, play.answers)
        if event.job == shadowed
    ]
    wrong += [
        f"{message.place}: shadow is {event.shadow} for a job whose planner is "
        + ("another one" if event.job == shadowed else "this one")
        for message, event in of(Decision, play.answers)
        if event.shadow != (event.job == shadowed)
    ]
    return judged(
        "shadow",
        wrong,
        well="as a shadow it decides and commands nothing",
        mend="Where policy.planner names another one: `shadow: true`, and no command",
    )
