"""`standings`, `calibration` and `cost`: the topics read once, and folded job by job."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from daedalus_console import output
from daedalus_console.accounts import books, told
from daedalus_console.accounts.books import Rule
from daedalus_console.adapters.kafka import Kafka
from daedalus_console.adapters.reading import Window
from daedalus_console.errors import Exit, UsageError
from daedalus_console.overrides import declared, undeclared
from daedalus_console.runs.common import (
    cluster,
    control,
    controls,
    declared_jobs,
    events,
    now,
    reading,
)
from daedalus_console.times import moment, shown
from daedalus_console.views import accounts as views
from daedalus_console.views.fitting import Fitting
from daedalus_shared.control import JobControl
from daedalus_shared.events import Event


def standings(job: str, since: str, bootstrap: str | None, *, as_json: bool) -> Exit:
    """Rank planners and forecasters."""
    present = now()
    start = _start(since, present)
    kafka = cluster(bootstrap)
    known = control(kafka, job)
    spec = declared(job, known)
    found = books.standing(known, start, _read(kafka, books.STANDINGS, start, job))
    in_use = spec.policy.forecaster
    if as_json:
        output.document(told.standings(job, found, in_use, present))
        return Exit.OK
    planners = found.ledger.standings()
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
    known = _ever_declared(kafka, job)
    read = _read(kafka, books.COSTS, start, job)
    heard = books.costs(known, start, rule, read, static_at_mean=job is not None)
    if as_json:
        output.document([told.cost(name, each, present) for name, each in heard.items()])
    elif not heard:
        output.line(_nothing(job or "any job", start))
    elif job is not None:
        output.console().print(views.heading(job, heard[job], present))
        output.console().print(Fitting(views.cost(heard[job])))
        if caution := views.caution(heard[job]):
            output.console().print(caution)
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
    topics = books.PROMISES if job is None else (*books.PROMISES, books.BANDS)
    found = books.promises(
        _controls(kafka, job),
        start,
        present,
        1 if job is None else periods,
        _read(kafka, topics, start, job),
    )
    if as_json:
        output.document([told.calibration(name, each) for name, each in found.items()])
    elif job is not None:
        output.console().print(Fitting(views.calibration(found[job], present)))
    elif found:
        output.console().print(Fitting(views.calibrations(found)))
    else:
        output.line("No job is declared yet: daedalus apply -f job.yaml")
    return Exit.OK


def _start(since: str, present: datetime) -> datetime:
    start = moment(since, present, "past")
    if start >= present:
        raise UsageError(f"--since {since} is not past")
    return max(start, books.EARLIEST)


def _read(kafka: Kafka, topics: Sequence[str], start: datetime, job: str | None) -> Iterator[Event]:
    yield from events(reading(kafka, topics, Window(books.reach(start)), job=job))


def _controls(kafka: Kafka, job: str | None) -> dict[str, JobControl]:
    if job is None:
        found = controls(kafka)
        return {name: each for name, each in found.items() if each.newest is not None}
    known = control(kafka, job)
    declared(job, known)
    return {job: known}


def _ever_declared(kafka: Kafka, job: str | None) -> dict[str, JobControl]:
    """Return what was wanted of the jobs, or of one: those that have ended were paid for, too."""
    found = {name: each for name, each in controls(kafka, job).items() if each.declarations}
    if job is not None and job not in found:
        raise undeclared(job, declared_jobs(kafka))
    return found


def _nothing(job: str, start: datetime) -> str:
    return f"Nothing is known of {job} since {shown(start)}; look further with --since 7d"
