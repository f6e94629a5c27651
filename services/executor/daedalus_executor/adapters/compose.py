"""A service of a docker compose project as the workers of a job, through Docker's own API.

A worker is a container of the service. One more is a copy of the oldest: what compose gave that one
(image, environment, limits, networks, volumes, health check) is what it gives the next. Compose's
own file is not read, and need not be on this machine.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiodocker import Docker
from aiodocker.containers import DockerContainer
from aiodocker.exceptions import DockerError

from daedalus_executor.domain.containers import (
    FIELDS,
    SERVICE,
    SHORT,
    Container,
    copy_of,
    free_number,
    further_networks,
    labels,
    listed,
    name_of,
)
from daedalus_executor.ports import Clock, NotAllowedError, Permit, TargetError

_UNREACHABLE = 900
"""aiodocker's status for an engine that cannot be reached."""

_GONE = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """A Docker engine, and how it is asked."""

    address: str
    """Such as unix:///var/run/docker.sock."""

    fresh: float
    """Seconds after the permit in which a change may still be begun."""

    patience: float = 15.0
    """Seconds for one answer, making a container on a busy machine included; ending one takes as
    long as its service gives it."""


class ComposeProjects:
    """The compose services that the executor's settings allow, and no others."""

    def __init__(self, allowed: Iterable[str], engine: Engine, *, most: int, clock: Clock) -> None:
        """Allow each `project` or `project/service`, with at most so many containers."""
        self._allowed = tuple(allowed)
        self._engine = engine
        self._most = most
        self._clock = clock

    def service(self, project: str | None, service: str) -> "ComposeWorkers":
        """Return a service's containers as workers; without a project, of the only one allowed.

        Raises:
            NotAllowedError: The settings do not allow it.
        """
        setting = "EXECUTOR_COMPOSE_PROJECTS of this executor"
        projects = sorted({each.partition("/")[0] for each in self._allowed})
        if project is None and len(projects) > 1:
            raise NotAllowedError(f"workers.project is needed: {setting} has {', '.join(projects)}")
        if not projects:
            raise NotAllowedError(f"{setting} is empty: it may scale no compose project")
        chosen = project or projects[0]
        if not {chosen, f"{chosen}/{service}"} & set(self._allowed):
            known = ", ".join(self._allowed)
            raise NotAllowedError(f"{chosen}/{service} is not in {setting}, only {known}")
        return ComposeWorkers(self._engine, chosen, service, most=self._most, clock=self._clock)


class ComposeWorkers:
    """The port `Workers` on a compose service, for one command."""

    def __init__(
        self, engine: Engine, project: str, service: str, *, most: int, clock: Clock
    ) -> None:
        self._engine = engine
        self._project = project
        self._service = service
        self._most = most
        self._clock = clock
        self._started: set[str] = set()
        self._said: dict[str, str] = {}

    @property
    def name(self) -> str:
        """The service as `project/service`."""
        return f"{self._project}/{self._service}"

    @property
    def most(self) -> int:
        """The most containers at a time."""
        return self._most

    async def workers(self) -> tuple[str, ...]:
        """Return the containers that run, or are about to run again, by their numbers.

        One that was started for this command and has ended is cleared away: it was no worker yet,
        and whoever calls `docker compose up` next would start it again.
        """
        async with self._docker() as docker:
            found = await self._all(docker)
            dead = [each.id for each in found if await self._failed(docker, each)]
            for worker in dead:
                self._said[worker] = await _last_line(docker.containers.container(worker))
                await docker.containers.container(worker).delete(force=True, v=True)
                self._started.discard(worker)
            return tuple(each.id for each in found if each.works and each.id not in dead)

    async def ready(self) -> Mapping[str, int | None]:
        """Return those that Docker calls healthy; one without a health check need only run."""
        async with self._docker() as docker:
            found = await self._listed(docker, health=["healthy", "none"], status=["running"])
            return dict.fromkeys(each.id for each in found)

    async def check(self) -> None:
        """Compose scales nothing by itself."""

    async def start(self, count: int, permit: Permit) -> tuple[str, ...]:
        """Start copies of the oldest container, under the lowest free numbers."""
        started = []
        for _ in range(count):
            await permit()
            started.append(await self._start())
        return tuple(started)

    async def _start(self) -> str:
        until = self._clock.monotonic() + self._engine.fresh
        async with self._docker() as docker:
            found = await self._all(docker)
            # Of an executor that ended between the two steps below.
            for each in found:
                if each.ours and each.state == "created":
                    await docker.containers.container(each.id).delete(force=True, v=True)
            taken = [each for each in found if not (each.ours and each.state == "created")]
            if not taken:
                raise TargetError(
                    f"{self.name} has no container to copy: `docker compose up` first"
                )
            oldest = min(taken, key=lambda each: each.created).id
            template = await docker.containers.container(oldest).show()
            return await self._copy(docker, template, free_number(taken), until)

    async def narrow(self, worker: str) -> None:
        """Leave it: a container has the limits of its service from the start."""

    async def stop(self, workers: Sequence[str], permit: Permit) -> None:
        """End these, each within its `stop_grace_period`, and remove them as compose does."""
        await permit()
        async with self._docker() as docker:
            await asyncio.gather(*(_end(docker.containers.container(each)) for each in workers))

    async def last_line(self, worker: str) -> str:
        """Return the last line that a worker wrote."""
        if worker in self._said:
            return self._said[worker]
        async with self._docker() as docker:
            return await _last_line(docker.containers.container(worker))

    async def _all(self, docker: Docker) -> list[Container]:
        """Return the service's containers.

        Raises:
            TargetError: There is none.
        """
        found = await self._listed(docker)
        if found:
            return found
        answer = await docker.containers.list(
            all=True, filters=_filters(label=labels(self._project))
        )
        if not answer:
            raise TargetError(f"Docker has no compose project {self._project!r}, or it is down")
        others = ", ".join(sorted({each["Labels"].get(SERVICE, "?") for each in answer}))
        raise TargetError(
            f"project {self._project} has no container of a service {self._service!r}, "
            f"only of {others}"
        )

    async def _listed(self, docker: Docker, **filters: list[str]) -> list[Container]:
        label = labels(self._project, self._service)
        answer = await docker.containers.list(all=True, filters=_filters(label=label, **filters))
        return listed([{key: each[key] for key in FIELDS} for each in answer])

    async def _failed(self, docker: Docker, container: Container) -> bool:
        """Whether this one, started for this command, has ended since, were it once."""
        if container.id not in self._started:
            return False
        if container.state != "running":
            return True
        found = await docker.containers.container(container.id).show()
        return bool(found["RestartCount"])

    async def _copy(
        self, docker: Docker, template: Mapping[str, Any], number: int, until: float
    ) -> str:
        body = copy_of(template, number, await _image(docker, template))
        self._in_time(until)
        made = await docker.containers.create(body, name=name_of(template, number))
        try:
            for network, endpoint in further_networks(template, number):
                joined = await docker.networks.get(network)
                await joined.connect({"Container": made.id, "EndpointConfig": endpoint})
            self._in_time(until)
            await made.start()
        except (DockerError, TargetError):
            with suppress(DockerError):
                await made.delete(force=True, v=True)
            raise
        worker = made.id[:SHORT]
        self._started.add(worker)
        return worker

    def _in_time(self, until: float) -> None:
        """Refuse what was permitted too long ago: another executor may have taken over."""
        if self._clock.monotonic() > until:
            raise TargetError(f"Docker takes more than {self._engine.fresh:g} s for a container")

    @asynccontextmanager
    async def _docker(self) -> AsyncIterator[Docker]:
        """Talk to the engine; whatever goes wrong becomes a `TargetError`."""
        timeout = aiohttp.ClientTimeout(total=self._engine.patience)
        try:
            async with Docker(url=self._engine.address, timeout=timeout) as docker:
                yield docker
        except DockerError as error:
            if error.status == _UNREACHABLE:
                raise TargetError(self._unreachable(error)) from error
            raise TargetError(f"Docker refuses: {error.message}") from error
        except TimeoutError as error:
            waited = f"within {self._engine.patience:g} s"
            raise TargetError(f"{self._engine.address} does not answer {waited}") from error
        except (aiohttp.ClientError, ValueError, KeyError) as error:
            raise TargetError(
                f"{self._engine.address} answers what Docker does not: {error}"
            ) from error

    def _unreachable(self, error: DockerError) -> str:
        address = self._engine.address
        cause = error.__context__
        why = getattr(cause, "os_error", None) or cause
        if isinstance(why, PermissionError):
            return (
                f"{address} may not be opened by this executor: its group must be among the "
                f"executor's (`group_add` in compose)"
            )
        if isinstance(why, FileNotFoundError):
            path = urlsplit(address).path
            return f"{address} is not there: {path} must be mounted (EXECUTOR_DOCKER)"
        return f"{address} does not answer: {getattr(why, 'strerror', None) or why}"


async def _image(docker: Docker, template: Mapping[str, Any]) -> str:
    """Return the image's name where it still means the template's image, else the image's id."""
    name, image = str(template["Config"]["Image"]), str(template["Image"])
    try:
        found = await docker.images.inspect(name)
    except DockerError as error:
        if error.status != _GONE:
            raise
        return image
    return name if found["Id"] == image else image


async def _end(container: DockerContainer) -> None:
    try:
        await container.stop()
        await container.delete(v=True)
    except DockerError as error:
        if error.status != _GONE:
            raise


async def _last_line(container: DockerContainer) -> str:
    lines = await container.log(stdout=True, stderr=True, tail=1)
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _filters(**filters: list[str]) -> str:
    return json.dumps(filters)
