"""What docker compose writes on the containers of a service, and how one more is made like it.

A copy carries the labels, names and aliases that `docker compose up --scale` would give it, so that
a later `up` finds it as it should be and `down` removes it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"
NUMBER = "com.docker.compose.container-number"
ONE_OFF = "com.docker.compose.oneoff"
REPLACES = "com.docker.compose.replace"
"""Names of compose's labels."""

STARTED = "daedalus.executor"
"""Our own label: a container that the executor made."""

SHORT = 12
"""Characters of an id that make the short one, which is a container's host name."""

FIELDS = ("Id", "Labels", "State", "Created")
"""What is read of each container in Docker's list."""

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a service."""

    id: str
    """The short id: its host name, and so a Flink worker's resource id."""

    number: int
    """Compose's number of it, from 1 on."""

    state: str
    """Docker's word: created, running, paused, restarting, removing, exited or dead."""

    created: float
    """Unix seconds."""

    ours: bool
    """Whether the executor made it."""

    @property
    def works(self) -> bool:
        """Whether it is one of the service's workers: it runs, or is about to run again."""
        return self.state in {"running", "paused", "restarting"}


def labels(project: str, service: str | None = None) -> list[str]:
    """Return what Docker is asked for to list a project's, or a service's, containers."""
    found = [f"{PROJECT}={project}", f"{ONE_OFF}=False"]
    return found if service is None else [*found, f"{SERVICE}={service}"]


def listed(answer: Iterable[Json]) -> list[Container]:
    """Return the containers of Docker's answer by their numbers; `ValueError` where it is none."""
    try:
        found = [
            Container(
                id=each["Id"][:SHORT],
                number=int(each["Labels"][NUMBER]),
                state=each["State"],
                created=float(each["Created"]),
                ours=STARTED in each["Labels"],
            )
            for each in answer
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"a container without {error}") from error
    return sorted(found, key=lambda each: each.number)


def free_number(taken: Sequence[Container]) -> int:
    """Return the lowest number that no container has."""
    numbers = {each.number for each in taken}
    return next(number for number in count(1) if number not in numbers)


def name_of(template: Json, number: int) -> str:
    """Return what compose would call the container of this number.

    Raises:
        ValueError: The service's container has a name of its own, so that there can be one alone.
    """
    name = str(template["Name"]).lstrip("/")
    stem = name.removesuffix(str(template["Config"]["Labels"][NUMBER]))
    if stem == name or stem[-1:] not in {"-", "_"}:
        raise ValueError(
            f"its container is called {name!r} (container_name): there can be one only"
        )
    return f"{stem}{number}"


def copy_of(template: Json, number: int, image: str) -> dict[str, Any]:
    """Return what Docker is asked to create: the template's container, under another number.

    Args:
        template: Docker's whole word on a container of the service.
        number: The copy's.
        image: Name or id of its image.
    """
    config, name = template["Config"], name_of(template, number)
    marks = {key: value for key, value in config["Labels"].items() if key != REPLACES}
    body = {**config, "Image": image, "Labels": {**marks, NUMBER: str(number), STARTED: "1"}}
    if config.get("Hostname") == template["Id"][:SHORT]:
        del body["Hostname"]  # it gets its own
    host = dict(template["HostConfig"])
    first = _networks(template, name)[:1]
    return {**body, "HostConfig": host, "NetworkingConfig": {"EndpointsConfig": dict(first)}}


def further_networks(template: Json, number: int) -> list[tuple[str, dict[str, Any]]]:
    """Return the networks that a copy is connected to once it is created, with its aliases."""
    return _networks(template, name_of(template, number))[1:]


def _networks(template: Json, name: str) -> list[tuple[str, dict[str, Any]]]:
    """Return each network with the copy's aliases, that of the network mode first."""
    mode = template["HostConfig"].get("NetworkMode")
    own = {str(template["Name"]).lstrip("/"), template["Id"][:SHORT]}
    found = []
    for network, endpoint in (template["NetworkSettings"].get("Networks") or {}).items():
        aliases = [alias for alias in endpoint.get("Aliases") or () if alias not in own]
        kept = {key: endpoint[key] for key in ("Links", "DriverOpts") if endpoint.get(key)}
        found.append((network, {**kept, "Aliases": [name, *aliases]} if aliases else kept))
    return sorted(found, key=lambda each: each[0] != mode)
