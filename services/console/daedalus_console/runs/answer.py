"""`approve`, `reject` and `overrides`."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rich.table import Table

from daedalus_console import output
from daedalus_console.adapters.kafka import Kafka
from daedalus_console.adapters.reading import Window, records
from daedalus_console.adapters.writing import publish
from daedalus_console.approvals import Said, answered, asking, standing
from daedalus_console.errors import Exit
from daedalus_console.overrides import declared, effective, ended, in_force
from daedalus_console.runs.common import author, cluster, control, controls, events, now
from daedalus_console.times import clock, day_and_clock, moment, zone_name
from daedalus_console.views import lines
from daedalus_console.views.tables import cell, grid
from daedalus_shared.control import JobControl
from daedalus_shared.events import Answer, Decision, Event
from daedalus_shared.job_spec import JobSpec

LOOPS = 3
"""How many loops back a decision may lie to be a job's present one."""

LATELY = timedelta(hours=24)
"""How long what was taken back is listed."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a person says, as it was typed."""

    job: str
    answer: str
    why: str
    decision: str | None = None
    until: str | None = None


def say(reply: Reply, bootstrap: str | None, *, as_json: bool) -> Exit:
    """Answer what waits."""
    who, job, decision = author(), reply.job, reply.decision
    end = None if reply.until is None else moment(reply.until, who.now, "future")
    kafka = cluster(bootstrap)
    known = control(kafka, job)
    spec = declared(job, known)
    back = _present(spec) if decision is None else timedelta(seconds=2 * spec.policy.approval_time)
    found = asking(job, _decisions(kafka, who.now - max(back, _present(spec)), job), decision)
    event = answered(found, Said(Answer(reply.answer), reply.why, end), known, who)
    publish(kafka, [event])
    if as_json:
        output.document(event.model_dump(mode="json"))
    else:
        at = clock(effective(event, spec))
        output.line(f"{job}: {lines.of(event)} (counts from the first tick after {at})")
    return Exit.OK


def overrides(job: str | None, bootstrap: str | None, *, as_json: bool) -> Exit:
    """List what people asked for, and what waits for them."""
    present = now()
    kafka = cluster(bootstrap)
    known = {job: control(kafka, job)} if job else controls(kafka)
    if job is not None:
        declared(job, known[job])
    specs = {name: each.newest for name, each in known.items()}
    going = {name: spec for name, spec in specs.items() if spec is not None}
    waiting = _waiting(kafka, going, present, job)
    if as_json:
        output.document([_entry(known[name], waiting.get(name), present) for name in going])
        return Exit.OK
    table = grid(f"until ({zone_name(present)})", "job", "what", "by", "why")
    for name in sorted(going):
        _rows(table, name, known[name], waiting.get(name), present)
    if table.row_count:
        output.console().print(table)
    else:
        output.line("Nothing is asked for, and nothing waits for an approval")
    return Exit.OK


def _present(spec: JobSpec) -> timedelta:
    policy = spec.policy
    return timedelta(seconds=LOOPS * policy.loop + policy.forecast_grace)


def _decisions(kafka: Kafka, since: datetime, job: str | None) -> list[Event]:
    return list(events(records(kafka, ["decisions"], Window(since), job=job)))


def _waiting(
    kafka: Kafka, specs: dict[str, JobSpec], present: datetime, job: str | None
) -> dict[str, Decision]:
    """Return the newest decision of each job that requires words, where it asks for one."""
    asked = {name: spec for name, spec in specs.items() if spec.policy.approval == "required"}
    if not asked:
        return {}
    back = max(_present(spec) for spec in asked.values())
    newest: dict[str, Decision] = {}
    for event in _decisions(kafka, present - back, job):
        if isinstance(event, Decision) and event.job in asked and not event.shadow:
            newest[event.job] = event
    return {name: one for name, one in newest.items() if one.asked and one.asked.until > present}


def _rows(
    table: Table, job: str, known: JobControl, waiting: Decision | None, present: datetime
) -> None:
    for one in in_force(known, present):
        what = lines.wanted(one)
        table.add_row(
            cell(day_and_clock(one.until)), cell(job, "bold"), cell(what), cell(one.author),
            cell(one.why),
        )  # fmt: skip
    for one in ended(known.overrides, present - LATELY):
        table.add_row(
            cell(day_and_clock(one.at), "dim"), cell(job, "bold"),
            cell(f"{lines.wanted(one)}, taken back", "dim"), cell(one.author), cell(one.why),
        )  # fmt: skip
    answer = standing(known, present)
    if answer is not None:
        until = "" if answer.until is None else day_and_clock(answer.until)
        table.add_row(
            cell(until), cell(job, "bold"), cell(lines.answer(answer)), cell(answer.author),
            cell(answer.why),
        )  # fmt: skip
    if waiting is not None and waiting.asked is not None and waiting.asked.state == "awaiting":
        asked = waiting.asked
        wish = f"waits for approval: {waiting.scale_out} → {asked.scale_out}"
        table.add_row(
            cell(day_and_clock(asked.until)), cell(job, "bold"), cell(wish, "bold yellow"),
            cell(f"planner {waiting.planner}"), cell(f"decision {asked.decision[:8]}"),
        )  # fmt: skip


def _entry(known: JobControl, waiting: Decision | None, present: datetime) -> dict[str, Any]:
    spec = known.newest
    answer = standing(known, present)
    return {
        "job": spec.job if spec else None,
        "overrides": [one.model_dump(mode="json") for one in in_force(known, present)],
        "taken_back": [
            one.model_dump(mode="json") for one in ended(known.overrides, present - LATELY)
        ],
        "answer": answer.model_dump(mode="json") if answer else None,
        "asked": waiting.asked.model_dump(mode="json") if waiting and waiting.asked else None,
    }
