"""Kafka's ACLs, made from who reads and writes what. Pure: which principal may do what, and why.

A principal a service: of one that was taken over, an attacker gets that service's rights alone.
READ and WRITE imply DESCRIBE. Idempotent producers need no right of their own since Kafka 2.8.
"""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from daedalus_shared.events import Event
from daedalus_shared.job_spec import EngineKind, JobSpec
from daedalus_shared.roles import Role
from daedalus_shared.topics import topic_of

COMMAND = "daedalus-console"
"""The group that the command names and never joins."""

AUDITORS = "daedalus-auditor-"
"""What the names of auditors' consumer groups begin with."""


@dataclass(frozen=True, slots=True, order=True)
class Acl:
    """One right of a principal, from any host."""

    principal: str
    """Such as `User:planner`."""

    resource: str
    """`topic` or `group`."""

    name: str
    """Of the topic or group, or what it begins with."""

    pattern: str
    """`literal` or `prefixed`."""

    operation: str
    """`read`, `write`, `describe` or `describe_configs`."""

    why: str = field(default="", compare=False)


def role_acls(role: Role, principal: str, instances: Sequence[str] = ()) -> list[Acl]:
    """Return what a role needs on Daedalus' own topics.

    Args:
        role: Who.
        principal: Its name on Kafka.
        instances: Names of a service's instances, whose groups it joins; its usual one if empty.
    """
    found = [
        Acl(principal, "topic", topic, "literal", "read", f"{role.name} reads")
        for topic in _topics(role.reads)
    ]
    found += [
        Acl(principal, "topic", topic, "literal", "write", f"{role.name} writes")
        for topic in _topics(role.writes)
    ]
    for instance in instances or ([role.instance] if role.instance else []):
        group = role.group(instance) or ""
        found.append(Acl(principal, "group", group, "literal", "read", f"instance {instance}"))
    if role.name in ("console", "auditor"):
        found += [
            Acl(principal, "topic", topic, "literal", "describe_configs", "`daedalus topics list`")
            for topic in _topics(role.reads)
        ]
        found.append(Acl(principal, "group", COMMAND, "literal", "describe", "`daedalus tap`"))
    if role.name == "auditor":
        found.append(Acl(principal, "group", AUDITORS, "prefixed", "read", "clients of its own"))
    if role.name == "simulator":
        found.append(
            Acl(principal, "group", "daedalus-simulator", "literal", "describe", "never joined")
        )
    return found


def job_acls(spec: JobSpec, principal: str) -> list[Acl]:
    """Return what the monitor needs where a job's input lies: offsets, and not one record."""
    where, why = spec.input, f"offsets of {spec.job}"
    found = [Acl(principal, "topic", topic, "literal", "describe", why) for topic in where.topics]
    found.append(Acl(principal, "group", where.group, "literal", "describe", why))
    if spec.engine.kind is EngineKind.KAFKA_STREAMS:
        named = where.repartition is not None
        between = where.repartition or (() if named else (f"{where.group}-",))
        pattern = "literal" if named else "prefixed"
        found += [Acl(principal, "topic", name, pattern, "describe", why) for name in between]
    return found


def _topics(events: Iterable[type[Event]]) -> list[str]:
    return list(dict.fromkeys(topic_of(event) for event in events))


@dataclass(frozen=True, slots=True)
class Change:
    """What a cluster lacks, and what it has beyond."""

    missing: tuple[Acl, ...]
    present: tuple[Acl, ...]
    foreign: tuple[Acl, ...]
    """Of the same principals, and not among those wanted: more than they need."""


def compare(wanted: Iterable[Acl], found: Iterable[Acl]) -> Change:
    """Compare the ACLs wanted with those of the cluster."""
    wanted, found = list(dict.fromkeys(wanted)), set(found)
    ours = {acl.principal for acl in wanted}
    return Change(
        missing=tuple(acl for acl in wanted if acl not in found),
        present=tuple(acl for acl in wanted if acl in found),
        foreign=tuple(sorted(acl for acl in found - set(wanted) if acl.principal in ours)),
    )


def script(wanted: Iterable[Acl]) -> str:
    """Return a shell script of Kafka's own `kafka-acls.sh` that grants the same.

    >>> acl = Acl("User:planner", "topic", "daedalus.decisions", "literal", "write")
    >>> print(script([acl]).splitlines()[-1])
    acl --allow-principal User:planner --topic daedalus.decisions --operation Write
    """
    lines = [
        "#!/bin/sh",
        "# Kafka's ACLs for Daedalus, a principal a service: `daedalus topics acls --script`.",
        "#   BOOTSTRAP=kafka:9092 COMMAND_CONFIG=admin.properties ./acls.sh",
        "set -eu",
        "acl() {",
        '  kafka-acls.sh --bootstrap-server "${BOOTSTRAP:-localhost:9092}" \\',
        '    ${COMMAND_CONFIG:+--command-config "$COMMAND_CONFIG"} --add "$@"',
        "}",
    ]
    for (principal, resource, name, pattern), operations in _grouped(wanted).items():
        words = ["--allow-principal", principal, f"--{resource}", name]
        if pattern == "prefixed":
            words += ["--resource-pattern-type", "prefixed"]
        for operation in operations:
            words += ["--operation", "".join(part.title() for part in operation.split("_"))]
        lines.append(f"acl {shlex.join(words)}")
    return "\n".join(lines) + "\n"


def _grouped(wanted: Iterable[Acl]) -> Mapping[tuple[str, str, str, str], list[str]]:
    found: dict[tuple[str, str, str, str], list[str]] = {}
    for acl in dict.fromkeys(wanted):
        found.setdefault((acl.principal, acl.resource, acl.name, acl.pattern), []).append(
            acl.operation
        )
    return found
