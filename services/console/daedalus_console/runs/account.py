"""`standings`, `calibration` and `cost`: the topics read once, and folded job by job."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from daedalus_console import output
from daedalus_console.accounts.calibration import Calibration
from daedalus_console.accounts.forecasts import Track
from daedalus_console.accounts.ledger import Ledger
from daedalus_console.adapters.kafka import Kafka
from daedalus_console.adapters.reading import Window, records
from daedalus_console.errors import Exit, UsageError
from daedalus_console.overrides import declared
from daedalus_console.runs.common import cluster, control, controls, events, now
from daedalus_console.times import moment, shown
from daedalus_console.views import accounts as views
from daedalus_console.views.fitting import Fitting
from daedalus_shared.control import JobControl
from daedalus_shared.events import CapacityUpdate, Event, Forecast

SLACK = timedelta(minutes=2)
"""By how much an event may be written before or after its own time."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The HPA to compare with."""

    target: int
    """CPU that it holds, percent."""
    speed: float
    """Seconds of the job's time in one second."""


@dataclass
class Standing:
    """What is known of a job's planners and forecasters."""

    ledger: Ledger
    control: JobControl
    track: Track = field(default_factory=Track)

    def take(self, event: Event) -> None:
        """Take in the next event."""
        self.ledger.take(event)
        if not isinstance(event, (CapacityUpdate, Forecast)):
            return
        spec = self.control.spec(event.tick)
        if spec is None:
            return
        self.track.loop = spec.policy.loop
        if isinstance(event, Forecast):
            self.track.issue(event)
        else:
            self.track.came(event, spec.policy.forecaster)


def standings(job: str, since: str, bootstrap: str | None, *, as_json: bool) -> Exit:
    """Rank planners and forecasters."""
    present = now()
    start = _start(since, present)
    kafka = cluster(bootstrap)
    known = control(kafka, job)
    spec = declared(job, known)
    found = Standing(Ledger(known, start, static_at_mean=False), known)
    topics = ["capacity-updates", "decisions", "forecasts"]
    for event in _read(kafka, topics, start, job):
        found.take(event)
    planners, in_use = found.ledger.standings(), spec.policy.forecaster
    if as_json:
        output.document(
            {
                **_span(found.ledger, present),
                "job": job,
                "planners": [line.as_json() for line in planners],
                "forecasters": views.forecasters_json(found.track, in_use),
            }
        )
        return Exit.OK
    if not planners and not found.track.scores:
        output.line(_nothing(job, start))
        return Exit.OK
    console = output.console()
    console.print(views.heading(job, found.ledger, present))
    console.print(Fitting(views.planners(planners)))
    if found.track.scores:
        console.print(Fitting(views.forecasters(found.track, in_use)))
    else:
        output.line("No forecast could be held against what came yet")
    if len(planners) < 2:
        output.line("No shadow planner runs; this starts one:")
        output.line("PLANNER_INSTANCE=mine python -m daedalus_planner")
    return Exit.OK


def cost(job: str | None, since: str, rule: Rule, bootstrap: str | None, *, as_json: bool) -> Exit:
    """Tell what workers cost."""
    present = now()
    start = _start(since, present)
    kafka = cluster(bootstrap)
    known = _controls(kafka, job)
    ledgers = {
        name: Ledger(
            each, start, rule.target / 100, speed=rule.speed, static_at_mean=job is not None
        )
        for name, each in known.items()
    }
    for event in _read(kafka, ["capacity-updates"], start, job):
        if event.job in ledgers:
            ledgers[event.job].take(event)
    heard = {name: each for name, each in sorted(ledgers.items()) if each.paid.seconds}
    if as_json:
        output.document(
            [
                {"job": name, **_span(each, present), "lines": views.lines_json(each)}
                for name, each in heard.items()
            ]
        )
    elif not heard:
        output.line(_nothing(job or "any job", start))
    elif job is not None:
        output.console().print(views.heading(job, heard[job], present))
        output.console().print(Fitting(views.cost(heard[job])))
    else:
        output.console().print(Fitting(views.costs(heard, start, present)))
    return Exit.OK


def calibration(
    job: str | None, since: str, periods: int, bootstrap: str | None, *, as_json: bool
) -> Exit:
    """Hold promises against what came."""
    present = now()
    start = _start(since, present)
    kafka = cluster(bootstrap)
    count = 1 if job is None else periods
    found = {
        name: Calibration(each, start, present, count)
        for name, each in _controls(kafka, job).items()
    }
    topics = ["capacity-updates", "scale-outcomes", "recoveries"]
    for event in _read(kafka, [*topics, *([] if job is None else ["forecasts"])], start, job):
        if event.job in found:
            found[event.job].take(event)
    if as_json:
        output.document([_calibrated(name, each) for name, each in sorted(found.items())])
    elif job is not None:
        output.console().print(Fitting(views.calibration(found[job], present)))
    elif found:
        output.console().print(Fitting(views.calibrations(dict(sorted(found.items())))))
    else:
        output.line("No job is declared yet: daedalus apply -f job.yaml")
    return Exit.OK


def _start(since: str, present: datetime) -> datetime:
    start = moment(since, present, "past")
    if start >= present:
        raise UsageError(f"--since {since} is not past")
    return start


def _read(kafka: Kafka, topics: list[str], start: datetime, job: str | None) -> Iterator[Event]:
    with output.working(f"reading {', '.join(topics)}"):
        yield from events(records(kafka, topics, Window(start - SLACK), job=job))


def _controls(kafka: Kafka, job: str | None) -> dict[str, JobControl]:
    if job is None:
        found = controls(kafka)
        return {name: each for name, each in found.items() if each.newest is not None}
    known = control(kafka, job)
    declared(job, known)
    return {job: known}


def _span(ledger: Ledger, present: datetime) -> dict[str, Any]:
    return {
        "since": ledger.since.isoformat(),
        "until": present.isoformat(),
        "known_seconds": ledger.paid.seconds,
        "unknown_seconds": ledger.gap(present),
    }


def _calibrated(job: str, found: Calibration) -> dict[str, Any]:
    periods = [period.as_json() for period in found.periods]
    return {"job": job, "total": found.total.as_json(), "periods": periods}


def _nothing(job: str, start: datetime) -> str:
    return f"Nothing is known of {job} since {shown(start)}; look further with --since 7d"
