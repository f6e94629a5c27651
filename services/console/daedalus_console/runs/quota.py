"""`quota`."""

from datetime import timedelta
from pathlib import Path

from daedalus_console import output
from daedalus_console.adapters.files import job_files
from daedalus_console.adapters.kafka import Kafka
from daedalus_console.adapters.reading import following
from daedalus_console.adapters.writing import publish
from daedalus_console.errors import ConsoleError, Exit, UsageError
from daedalus_console.members import Member, deal, disputed, given_back
from daedalus_console.quota import Group, read
from daedalus_console.runs.common import CONTROL, author, cluster, controls, events, now
from daedalus_console.times import clock
from daedalus_console.views import lines
from daedalus_shared.events import Decision, Event, Override

LOOK_BACK = timedelta(hours=1)
"""How far decisions are read back at the start."""


def serve(file: Path, bootstrap: str | None, *, once: bool, as_json: bool) -> Exit:
    """Share a group's workers out among its jobs, until Ctrl-C; what was given stays."""
    group, kafka = _group(file), cluster(bootstrap)
    members = {job: Member(control) for job, control in controls(kafka).items()}
    _check(group, members)
    news = True
    try:
        for record in following(kafka, [CONTROL, Decision.NAME], now() - LOOK_BACK):
            if record is not None:
                for event in events([record]):
                    news |= _fold(members, event, group)
            elif news:
                _write(kafka, group, members, as_json=as_json)
                news = False
                if once:
                    break
    except KeyboardInterrupt:
        pass
    return Exit.OK


def clear(file: Path, bootstrap: str | None, *, as_json: bool) -> Exit:
    """Take back what the group's jobs were given."""
    group, kafka = _group(file), cluster(bootstrap)
    members = {job: Member(control) for job, control in controls(kafka).items()}
    nobody = group.model_copy(update={"jobs": {}})
    found = given_back(nobody, members, author())
    publish(kafka, found)
    _tell(found, as_json=as_json)
    return Exit.OK


def _group(file: Path) -> Group:
    found = job_files([str(file)])[0]
    if found.content is None:
        raise UsageError(f"{found.name} {found.why}")
    return read(found.name, found.content)


def _check(group: Group, members: dict[str, Member]) -> None:
    """Warn of jobs that are not declared.

    Raises:
        ConsoleError: The group cannot be served.
    """
    if found := disputed(group, members, now()):
        raise ConsoleError(found)
    least = 0
    for job in group.jobs:
        spec = members.get(job, Member()).control.newest
        if spec is None:
            output.warn(f"{job} is not declared so far, and has no part until then")
        least += spec.scale.min if spec else 0
    if least > group.workers:
        raise ConsoleError(f"the jobs' scale.min sum up to {least}, the group has {group.workers}")


def _fold(members: dict[str, Member], event: Event, group: Group) -> bool:
    if isinstance(event, Decision) and event.job not in group.jobs:
        return False
    before = members.get(event.job, Member())
    members[event.job] = before.after(event, group)
    return members[event.job] != before


def _write(kafka: Kafka, group: Group, members: dict[str, Member], *, as_json: bool) -> None:
    found = [*given_back(group, members, author()), *deal(group, members, now())]
    if found:
        publish(kafka, found)
        for event in found:
            _fold(members, event, group)
        _tell(found, as_json=as_json)


def _tell(found: list[Override], *, as_json: bool) -> None:
    for event in found:
        told = f"{clock(event.at)} {event.job}: {lines.of(event)}"
        output.line(event.model_dump_json() if as_json else told)
