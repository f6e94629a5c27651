"""`promote`."""

from dataclasses import dataclass
from datetime import timedelta

from daedalus_console import output
from daedalus_console.adapters.kafka import Kafka
from daedalus_console.adapters.reading import Window, records
from daedalus_console.adapters.writing import publish
from daedalus_console.errors import Exit, UsageError
from daedalus_console.overrides import Author, declared
from daedalus_console.promotion import check, heard, promoted
from daedalus_console.runs.common import author, cluster, control, events
from daedalus_console.times import clock
from daedalus_shared.durations import text
from daedalus_shared.policy import Policy

LOOPS = 10
"""Loops within which a planner or a forecaster must have been heard of."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Who is to be obeyed, as it was typed."""

    job: str
    planner: str | None
    forecaster: str | None
    why: str
    force: bool
    instead: str | None = None
    """Who was obeyed where the page asked for one of them; None at the command and over HTTP."""


def promote(wish: Wish, bootstrap: str | None, *, as_json: bool) -> Exit:
    """Have another planner or forecaster obeyed."""
    job, planner, forecaster, why = wish.job, wish.planner, wish.forecaster, wish.why
    if planner is None and forecaster is None:
        raise UsageError("promote needs --planner or --forecaster")
    who = author()
    kafka = cluster(bootstrap)
    known = control(kafka, job)
    policy = declared(job, known).policy
    check_heard(kafka, wish, policy, who)
    event, changes = promoted(job, known, who, planner=planner, forecaster=forecaster, why=why)
    if changes:
        publish(kafka, [event])
    if as_json:
        told = [{"field": one.field, "before": one.before, "after": one.after} for one in changes]
        output.document({"job": job, "author": who.name, "why": why, "changes": told})
    elif changes:
        at = clock(event.at + timedelta(seconds=policy.forecast_grace))
        said = "; ".join(map(str, changes))
        output.line(f"{job}: {said} (counts from the first tick after {at})")
        output.line("The job's file still has the former name: change it there too, or the next")
        output.line("`daedalus apply` takes this back.")
    else:
        output.line(f"{job}: is obeyed already, nothing to change")
    return Exit.OK


def check_heard(kafka: Kafka, wish: Wish, policy: Policy, who: Author) -> None:
    """Raise `ConsoleError` where nothing was heard of them lately, unless it is forced."""
    if wish.force:
        return
    back = timedelta(seconds=LOOPS * policy.loop)
    read = records(kafka, ["decisions", "forecasts"], Window(who.now - back), job=wish.job)
    planners, forecasters = heard(events(read))
    check("planner", wish.planner, planners, text(back.total_seconds()))
    check("forecaster", wish.forecaster, forecasters, text(back.total_seconds()))
