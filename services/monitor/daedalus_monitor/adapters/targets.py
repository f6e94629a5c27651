"""Where a job's workers are: every address of a host name, or a file of Prometheus' `file_sd` form.

A DNS name with an address a worker is what compose (a service's name) and Kubernetes (a headless
service) have; a file is what a pool of processes can write.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, TypeAdapter, ValidationError

from daedalus_monitor.ports import SourceError

LIMIT = 1024 * 1024
"""Bytes of a file that are read at most."""

Resolve = Callable[[str, int], Awaitable[Iterable[str]]]
"""All addresses of a host name."""


@dataclass(frozen=True, slots=True)
class Target:
    """One worker's endpoint."""

    id: str
    """`address:port`, as Prometheus' label `instance` has it too."""

    server: str
    """Scheme, address and port."""

    path: str = "/metrics"
    """Path and query."""

    name: str | None = None
    """Host name that its certificate is for, where it is asked by address."""


class _Group(BaseModel):
    targets: tuple[str, ...]
    labels: dict[str, str] = {}


FILE = TypeAdapter(tuple[_Group, ...])


async def resolved(host: str, port: int) -> set[str]:
    """Return all addresses of a name; those of IPv4 alone where it has both.

    A worker with an address of either kind would count twice.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    four = {str(entry[4][0]) for entry in found if entry[0] == socket.AF_INET}
    return four or {str(entry[4][0]) for entry in found}


class Targets:
    """Finds the workers of one job anew for each look, for they come and go."""

    def __init__(self, places: Iterable[str], job: str, resolve: Resolve = resolved) -> None:
        """Look at `places`, URLs with the scheme http, https or file.

        Of a file, groups whose label `job` names another job are left out.
        """
        self._places = tuple(places)
        self._job = job
        self._resolve = resolve

    async def find(self) -> list[Target]:
        """Return all workers, each once.

        Raises:
            SourceError: A name or a file does not tell, or there is no worker at all.
        """
        found = await asyncio.gather(*(self._at(place) for place in self._places))
        targets = {target.id: target for part in found for target in part}
        if not targets:
            raise SourceError(f"no worker of {self._job} is listed in {', '.join(self._places)}")
        return [targets[name] for name in sorted(targets)]

    async def _at(self, place: str) -> list[Target]:
        url = urlsplit(place)
        if url.scheme == "file":
            return await asyncio.to_thread(_listed_in, Path(url.path), self._job)
        try:
            return await self._addresses(url)
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise SourceError(f"{url.hostname} has no address: {why}") from error

    async def _addresses(self, url: SplitResult) -> list[Target]:
        host = url.hostname or ""
        port = url.port or (443 if url.scheme == "https" else 80)
        path = (url.path or "/metrics") + (f"?{url.query}" if url.query else "")
        found = []
        for address in await self._resolve(host, port):
            where = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
            name = host if url.scheme == "https" else None
            found.append(Target(where, f"{url.scheme}://{where}", path, name))
        return found


def _listed_in(place: Path, job: str) -> list[Target]:
    """Return the workers of a file, or of all that a pattern such as `endpoints/*.json` finds."""
    if "*" not in place.name:
        return _listed(place, job)
    found = []
    for file in place.parent.glob(place.name):
        try:
            found += _listed(file, job)
        except SourceError:
            if file.exists():
                raise  # else its worker has just taken it back
    return found


def _listed(file: Path, job: str) -> list[Target]:
    """Return the workers of a file, by the labels that Prometheus gives a meaning too."""
    try:
        with file.open("rb") as opened:
            body = opened.read(LIMIT + 1)
    except OSError as error:
        raise SourceError(f"{file} cannot be read: {error.strerror}") from error
    if len(body) > LIMIT:
        raise SourceError(f"{file} has more than {LIMIT} bytes")
    try:
        groups = FILE.validate_json(body)
    except ValidationError as error:
        detail = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in detail["loc"])
        said = f"{where}: {detail['msg']}" if where else "no JSON"
        raise SourceError(f"{file} is no list of targets: {said}") from error
    found = []
    for group in groups:  # their values are not repeated: anybody's file may be named
        if group.labels.get("job", job) != job:
            continue
        scheme = group.labels.get("__scheme__", "http")
        path = group.labels.get("__metrics_path__", "/metrics")
        if scheme not in {"http", "https"} or not path.startswith("/"):
            raise SourceError(f"{file} has a __scheme__ or __metrics_path__ that is none")
        for target in group.targets:
            if "/" in target or ":" not in target:
                raise SourceError(f"{file} has a target that is no `host:port`")
            found.append(Target(target, f"{scheme}://{target}", path))
    return found
