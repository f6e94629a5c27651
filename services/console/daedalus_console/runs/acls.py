"""`topics acls`."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from daedalus_console import output
from daedalus_console.acls import Acl, compare, job_acls, role_acls, script
from daedalus_console.adapters import acls as adapter
from daedalus_console.adapters.files import job_files
from daedalus_console.errors import ConsoleError, Exit, UsageError
from daedalus_console.runs.common import cluster
from daedalus_console.runs.declare import checked
from daedalus_console.views.tables import cell, grid
from daedalus_shared import roles
from daedalus_shared.roles import Role

USUAL = tuple(role for role in roles.ROLES if role is not roles.SIMULATOR)
"""The simulator stands in for others, with rights of theirs: only where it is named."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line's words."""

    principals: Sequence[str] = ()
    instances: Sequence[str] = ()
    only: Sequence[str] = ()
    files: Sequence[str] = ()


def show(asked: Asked, *, as_script: bool, as_json: bool) -> Exit:
    """Print the ACLs, without asking Kafka."""
    found = wanted(asked)
    if as_script:
        output.line(script(found).rstrip("\n"))
    elif as_json:
        output.document([asdict(acl) for acl in found])
    else:
        _table(found)
    return Exit.OK


def apply(asked: Asked, bootstrap: str | None, *, prune: bool, as_json: bool) -> Exit:
    """Grant what is missing, and take away what is too much where that is asked for."""
    kafka, acls = cluster(bootstrap), wanted(asked)
    change = compare(acls, adapter.existing(kafka, {acl.principal for acl in acls}))
    adapter.add(kafka, change.missing)
    if prune:
        adapter.remove(kafka, change.foreign)
    if as_json:
        output.document(
            {
                "granted": [asdict(acl) for acl in change.missing],
                "removed": [asdict(acl) for acl in change.foreign] if prune else [],
                "foreign": [] if prune else [asdict(acl) for acl in change.foreign],
                "unchanged": len(change.present),
            }
        )
        return Exit.OK
    for acl in change.missing:
        output.line(f"granted {_words(acl)}")
    for acl in change.foreign:
        output.line(f"removed {_words(acl)}" if prune else f"beyond  {_words(acl)}")
    output.line(f"{len(change.missing)} granted, {len(change.present)} there already")
    if change.foreign and not prune:
        output.line("what is beyond stays; --prune takes it away")
    return Exit.OK


def wanted(asked: Asked) -> list[Acl]:
    """Return the ACLs that are asked for.

    Raises:
        UsageError: A role is unknown, or a principal or an instance makes no sense.
        ConsoleError: A job file is wrong.
    """
    named = {_role(name).name for name in asked.only}
    chosen = [role for role in roles.ROLES if role.name in named] if named else list(USUAL)
    principals = {role.name: f"User:{role.name}" for role in chosen}
    for word in asked.principals:
        role, principal = _pair(word, "--principal planner=User:planner")
        if ":" not in principal:
            raise UsageError(
                f"--principal {word}: a principal has a kind, such as User:{principal}"
            )
        principals[role.name] = principal
    instances: dict[str, list[str]] = {}
    for word in asked.instances:
        role, instance = _pair(word, "--instance planner=mine")
        if role.instance is None:
            raise UsageError(f"--instance {word}: the {role.name} joins no group by a name")
        instances.setdefault(role.name, []).append(instance)
    strange = (principals.keys() | instances.keys()) - {role.name for role in chosen}
    if strange:
        raise UsageError(f"{', '.join(sorted(strange))}: named, and not among --only")
    found: list[Acl] = []
    for role in chosen:
        found += role_acls(role, principals[role.name], instances.get(role.name, ()))
    return found + _of_jobs(asked.files, principals)


def _of_jobs(files: Sequence[str], principals: dict[str, str]) -> list[Acl]:
    if not files:
        return []
    if "monitor" not in principals:
        raise UsageError("-f is for the monitor, which is not among --only")
    wrong, right = checked(job_files(files))
    if wrong:
        told = "; ".join(f"{plan.file}: {'; '.join(plan.problems)}" for plan in wrong)
        raise ConsoleError(told)
    return [acl for _, spec in right for acl in job_acls(spec, principals["monitor"])]


def _role(name: str) -> Role:
    for role in roles.ROLES:
        if role.name == name:
            return role
    known = ", ".join(role.name for role in roles.ROLES)
    raise UsageError(f"no role {name!r}; there are {known}")


def _pair(word: str, example: str) -> tuple[Role, str]:
    name, mark, value = word.partition("=")
    if not mark or not value:
        raise UsageError(f"{word!r} is written as in {example}")
    return _role(name), value


def _words(acl: Acl) -> str:
    name = f"{acl.name}*" if acl.pattern == "prefixed" else acl.name
    return f"{acl.principal}: {acl.operation} {acl.resource} {name}"


def _table(acls: Sequence[Acl]) -> None:
    """Print a line a principal and operation."""
    table = grid("principal", "may", "on")
    rows: dict[tuple[str, str, str], list[str]] = {}
    for acl in acls:
        name = f"{acl.name}*" if acl.pattern == "prefixed" else acl.name
        names = rows.setdefault((acl.principal, acl.operation, acl.resource), [])
        if name not in names:
            names.append(name)
    before = None
    for (principal, operation, resource), names in rows.items():
        shown = "" if principal == before else principal
        before = principal
        what = f"{operation} {resource}".replace("_", " ")
        table.add_row(cell(shown, "bold"), cell(what), cell(", ".join(names)))
    output.console().print(table)
