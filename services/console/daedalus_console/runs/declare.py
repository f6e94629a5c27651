"""`apply`, `validate` and `forget`."""

import json
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.text import Text

from daedalus_console import output
from daedalus_console.adapters.files import JobFile, in_folder, job_files
from daedalus_console.adapters.kafka import Kafka
from daedalus_console.adapters.writing import publish
from daedalus_console.errors import ConsoleError, Exit, NotFoundError, UnreachableError
from daedalus_console.overrides import declared, effective
from daedalus_console.overrides import forget as forgotten
from daedalus_console.runs.common import author, cluster, control, controls, now
from daedalus_console.specs import Plan, Seen, Verdict, declaration, plan
from daedalus_console.times import clock
from daedalus_console.views.tables import cell
from daedalus_shared.control import JobControl
from daedalus_shared.events import Declaration
from daedalus_shared.job_spec import JobSpec

LOOK = 1.0
"""Seconds between two looks at a watched folder."""

_STYLE = {
    Verdict.CREATED: "bold green",
    Verdict.CHANGED: "bold cyan",
    Verdict.UNCHANGED: "dim",
    Verdict.REFUSED: "bold red",
}


def apply(files: Sequence[str], bootstrap: str | None, *, dry_run: bool, as_json: bool) -> Exit:
    """Declare the jobs of these files, and say what became of each."""
    plans, right = checked(job_files(files))
    if right:
        try:
            plans += _applied(cluster(bootstrap), right, dry_run=dry_run)
        except ConsoleError:
            _tell(
                plans, dry_run=dry_run, as_json=as_json
            )  # what is wrong in the files, all the same
            raise
    _tell(plans, dry_run=dry_run, as_json=as_json)
    return _code(plans)


def apply_folder(folder: Path, bootstrap: str | None, *, dry_run: bool, as_json: bool) -> Exit:
    """Declare the jobs of a folder, and again whenever a file changes, until Ctrl-C."""
    if not folder.is_dir():
        raise NotFoundError(f"--watch {folder}: no such folder")
    kafka = cluster(bootstrap)
    kafka.partitions()  # wrong addresses are told at once, later outages are waited out
    known: dict[str, JobFile] = {}
    if not as_json:
        output.line(f"watching {folder}; Ctrl-C ends it, the jobs go on")
    try:
        while True:
            known = _step(kafka, folder, known, dry_run=dry_run, as_json=as_json)
            time.sleep(LOOK)
    except KeyboardInterrupt:
        return Exit.OK


def validate(files: Sequence[str], *, as_json: bool) -> Exit:
    """Say what is wrong with these files, without asking Kafka."""
    plans, right = checked(job_files(files))
    if as_json:
        found = [
            {"file": name, "result": "ok", "job": spec.job, "problems": []} for name, spec in right
        ]
        output.document([*(wrong.as_json() for wrong in plans), *found])
        return _code(plans)
    for name, spec in right:
        output.console().print(cell("ok         ", "bold green") + cell(f"{name}: {_words(spec)}"))
    _tell(plans, dry_run=False, as_json=False)
    return _code(plans)


def forget(job: str, why: str, bootstrap: str | None, *, learned: bool, as_json: bool) -> Exit:
    """End a job, its spec and what the services know of it; or only what was `learned`."""
    kafka = cluster(bootstrap)
    known = control(kafka, job)
    event = forgotten(job, known, author(), why, stays_declared=learned)
    publish(kafka, [event])
    if as_json:
        output.document(event.model_dump(mode="json"))
    elif learned:
        at = clock(effective(event, declared(job, known)))
        output.line(f"{job} is learned anew from the first tick after {at}; it stays declared")
    else:
        output.line(f"{job} is forgotten: it runs on, and Daedalus leaves it alone")
    return Exit.OK


def _step(
    kafka: Kafka, folder: Path, known: dict[str, JobFile], *, dry_run: bool, as_json: bool
) -> dict[str, JobFile]:
    """Apply what has changed in the folder; return what it holds, as far as it was applied."""
    try:
        present = {file.name: file for file in in_folder(folder)}
    except OSError as error:
        output.warn(f"{folder} cannot be read: {error.strerror}")
        return known
    for gone in sorted(set(known) - set(present)):
        output.warn(f"{gone} is gone; its job goes on until `daedalus forget`")
    if present == known:
        return known
    plans, right = checked(present.values())
    changed = {name for name, file in present.items() if known.get(name) != file}
    try:
        plans += _applied(kafka, right, dry_run=dry_run) if right else []
    except UnreachableError as error:
        output.warn(f"{error}; trying again")
        return known
    told = [plan for plan in plans if plan.file in changed]
    if as_json:
        for one in told:
            output.line(_json_line(one))
    else:
        output.line(f"{clock(now())}")
        _tell(told, dry_run=dry_run, as_json=False)
    return present


def checked(files: Iterable[JobFile]) -> tuple[list[Plan], list[tuple[str, JobSpec]]]:
    """Return what is wrong in some files, and the specs of the right ones."""
    seen = Seen()
    wrong: list[Plan] = []
    right: list[tuple[str, JobSpec]] = []
    for file in files:
        if file.content is None:
            wrong.append(Plan(file.name, Verdict.REFUSED, problems=(file.why or "",)))
            continue
        found = seen.check(file.name, file.content)
        if isinstance(found, Plan):
            wrong.append(found)
        else:
            right.append((file.name, found))
    return wrong, right


def _applied(kafka: Kafka, right: Sequence[tuple[str, JobSpec]], *, dry_run: bool) -> list[Plan]:
    only = right[0][1].job if len(right) == 1 else None
    known = controls(kafka, only)
    who = author()
    plans: list[Plan] = []
    declarations: list[Declaration] = []
    for name, spec in right:
        declared = known.get(spec.job, JobControl())
        found = plan(name, spec, declared)
        plans.append(found)
        if found.verdict is not Verdict.UNCHANGED:
            declarations.append(declaration(spec, declared, who.now, who.source))
    if declarations and not dry_run:
        publish(kafka, declarations)
    return plans


def _tell(plans: Sequence[Plan], *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        output.document([{**found.as_json(), "dry_run": dry_run} for found in plans])
        return
    console = output.console()
    for found in plans:
        console.print(_line(found, dry_run=dry_run), soft_wrap=True)


def _line(found: Plan, *, dry_run: bool) -> Text:
    verdict = cell(f"{found.verdict:<10} ", _STYLE[found.verdict])
    dry = cell(" (dry run: nothing was written)", "yellow") if dry_run else Text()
    match found.verdict:
        case Verdict.REFUSED:
            lines = [verdict + cell(f"{found.file}: {why}") for why in found.problems]
            return Text("\n").join(lines)
        case Verdict.CREATED if found.spec:
            return verdict + cell(_words(found.spec)) + dry
        case Verdict.CHANGED:
            changes = "; ".join(str(change) for change in found.changes)
            return verdict + cell(f"{found.job}: {changes}") + dry
    return verdict + cell(found.job or "")


def _json_line(found: Plan) -> str:
    return json.dumps(found.as_json())


def _words(spec: JobSpec) -> str:
    return (
        f"{spec.job}: {spec.engine.kind}, {spec.scale.min} to {spec.scale.max} workers, "
        f"mode {spec.policy.mode}, planner {spec.policy.planner}"
    )


def _code(plans: Iterable[Plan]) -> Exit:
    refused = any(found.verdict is Verdict.REFUSED for found in plans)
    return Exit.REFUSED if refused else Exit.OK
