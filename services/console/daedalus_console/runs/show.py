"""`jobs`, `history` and `explain`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from daedalus_console import output
from daedalus_console.adapters.reading import Window, records
from daedalus_console.board import Board, JobState
from daedalus_console.errors import Exit, NotFoundError, UsageError
from daedalus_console.rescales import newest_decision, story
from daedalus_console.runs.common import CONTROL, cluster, control, events, now, reading
from daedalus_console.timeline import Timeline
from daedalus_console.times import moment, shown
from daedalus_console.views import explain as explaining
from daedalus_console.views import history as histories
from daedalus_console.views import lines, tables
from daedalus_shared.events import Decision, Event

LEAST = timedelta(minutes=15)
"""How far back `jobs` looks for metrics and decisions at least; else two loops."""

MOST = timedelta(hours=12)
"""How far back it looks at most."""

FORGOTTEN = timedelta(minutes=5)
"""A job that is not declared is listed while its reports are no older than this."""

NEAR = timedelta(hours=2)
FAR = timedelta(days=31)
"""How far before the instant asked about a decision is looked for: near first, then far."""

AFTER = timedelta(hours=3)
"""How long after a decision its outcome and recovery are looked for."""

SLACK = timedelta(minutes=1)
"""By how much an event's own time may lie ahead of its Kafka timestamp, and a little more."""


def jobs(bootstrap: str | None, *, as_json: bool) -> Exit:
    """List the jobs."""
    kafka = cluster(bootstrap)
    present = now()
    board = Board()
    for event in events(records(kafka, [CONTROL], Window())):
        board.take(event)
    loops = [state.spec.policy.loop for state in board.jobs.values() if state.spec]
    back = min(max(LEAST, timedelta(seconds=2 * max(loops, default=0.0))), MOST)
    for event in events(reading(kafka, ["metrics", "decisions"], Window(present - back))):
        board.take(event)
    found = board.shown(present, FORGOTTEN)
    if as_json:
        output.document([_job(state, present) for state in found])
    elif found:
        console = output.console()
        console.print(tables.jobs(found, present, console.width))
    else:
        output.line("No job is declared yet: daedalus apply -f job.yaml")
    return Exit.OK


@dataclass(frozen=True, slots=True)
class Past:
    """Which part of a job's past is wanted, as it was typed."""

    job: str
    since: str
    until: str
    most: int


def history(past: Past, bootstrap: str | None, *, as_json: bool) -> Exit:
    """Show what changed a job: rescales, what people asked for, and new specs."""
    present = now()
    start, end = moment(past.since, present, "past"), moment(past.until, present, "past")
    if end <= start:
        raise UsageError(f"--until {past.until} is not after --since {past.since}")
    kafka = cluster(bootstrap)
    timeline = Timeline(past.most, start, end)
    # Control from its beginning: a new spec is told by what it changes.
    for event in events(records(kafka, [CONTROL], Window(None, start - SLACK), job=past.job)):
        timeline.take(event)
    topics = [CONTROL, "decisions", "scale-commands", "scale-outcomes", "recoveries"]
    window = Window(start - SLACK, end + AFTER)
    for event in events(reading(kafka, topics, window, job=past.job)):
        timeline.take(event)
    found = list(timeline.happenings())
    if not found and not timeline.known:
        control(kafka, past.job)
    if as_json:
        output.document([happening.as_json() for happening in found])
        return Exit.OK
    if not found:
        output.line(
            f"nothing changed {past.job} since {shown(start)}; look further with --since 7d"
        )
        return Exit.OK
    console = output.console()
    console.print(histories.timeline(found, present, console.width))
    if timeline.left_out:
        output.line(
            f"{timeline.left_out} earlier ones: "
            f"--until {found[0].at.astimezone().isoformat(timespec='seconds')}"
        )
    return Exit.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which decision is to be explained, as it was typed."""

    job: str
    at: str = "now"
    decision: str | None = None
    """Its id, or how it begins."""
    planner: str | None = None
    changes: bool = False
    rescales: bool = False

    def found(self, read: Iterable[Event], instant: datetime) -> Decision | None:
        """Return the newest that fits up to an instant."""
        if self.decision is not None:
            fitting = (
                event
                for event in read
                if isinstance(event, Decision) and event.id.startswith(self.decision)
            )
            return next(fitting, None)
        commanding = (
            event
            for event in read
            if not self.rescales or (isinstance(event, Decision) and event.command is not None)
        )
        return newest_decision(commanding, instant, self.planner, changes=self.changes)


def explain(asked: Asked, bootstrap: str | None, *, as_json: bool) -> Exit:
    """Tell the story of one decision."""
    present = now()
    job, instant = asked.job, moment(asked.at, present, "past")
    kafka = cluster(bootstrap)
    decision: Decision | None = None
    for back in (NEAR, FAR):
        window = Window(instant - back, instant + AFTER)
        decision = asked.found(events(reading(kafka, ["decisions"], window, job=job)), instant)
        if decision:
            break
    if decision is None:
        control(kafka, job)
        raise NotFoundError(_none(asked, instant))
    topics = ["capacity-updates", "forecasts", "scale-commands", "scale-outcomes", "recoveries"]
    # A previous forecast may have served, for up to a horizon of some loops.
    window = Window(decision.tick - timedelta(minutes=15), decision.tick + AFTER)
    found = story(decision, events(records(kafka, topics, window, job=job)))
    if as_json:
        output.document(found.as_json())
    else:
        output.console().print(explaining.told(found, present))
    return Exit.OK


def _none(asked: Asked, instant: datetime) -> str:
    if asked.decision is not None:
        return f"no decision {asked.decision} about {asked.job}; `daedalus tap decisions --json`"
    of = f" of planner {asked.planner}" if asked.planner else ""
    change = " that rescales it" if asked.rescales else ""
    change = change or (" that changes something" if asked.changes else "")
    return f"no decision{of} about {asked.job}{change} up to {shown(instant)}"


def _job(state: JobState, present: Any) -> dict[str, Any]:
    spec, sample, decision = state.spec, state.sample, state.decision
    return {
        "job": state.job,
        "declared": spec is not None,
        "mode": spec.policy.mode if spec else None,
        "planner": spec.policy.planner if spec else None,
        "min": spec.scale.min if spec else None,
        "max": spec.scale.max if spec else None,
        "scale_out": state.scale_out,
        "workload": sample.workload if sample else None,
        "lag": sample.lag if sample else None,
        "health": state.health(present).value,
        "silent_for": state.silent_for(present),
        "overrides": [wish.model_dump(mode="json") for wish in state.overrides(present)],
        "decision": {
            "at": decision.tick.isoformat(),
            "chosen": decision.chosen,
            "reason": decision.reason,
            "sentence": lines.of(decision),
        }
        if decision
        else None,
    }
