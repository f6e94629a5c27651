"""The part of Flink's REST API that rescaling needs, with its answers checked.

Reading is tried again when the server does not answer, answers 5xx, or something that is no JSON
(a proxy's error page). Writing is tried again too, since it sets a state and does not add to one,
but each time only by the caller's permit, which is good for a moment alone: a process that was
stopped between the permit and the first byte, and woken up much later, does not send the request.
"""

import json
from typing import TypeVar

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from daedalus_executor.domain.downtime import start_seconds
from daedalus_executor.ports import Clock, Permit, TargetError
from daedalus_shared.credentials import CredentialFileError, HttpAccess
from daedalus_shared.events.base import MOST_WORKERS

OVER = frozenset({"FAILED", "CANCELED", "FINISHED"})
"""States that a job does not leave."""

_BACKOFF = (0.2, 0.5, 1.0)
"""Seconds before each further attempt."""

_SHOWN = 200
"""Characters of a refusal that are repeated."""


class JobGoneError(TargetError):
    """The job is not there, or not any more."""


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class JobEntry(_Answer):
    """A job in the list of all jobs."""

    jid: str
    name: str
    state: str


class Vertex(_Answer):
    """An operator chain of a job."""

    id: str
    parallelism: int = Field(le=MOST_WORKERS)
    most: int = Field(alias="maxParallelism")
    tasks: dict[str, int] = Field(default_factory=dict)

    @property
    def runs(self) -> bool:
        """Whether all of its subtasks run, or are done."""
        return self.tasks.get("RUNNING", 0) + self.tasks.get("FINISHED", 0) >= self.parallelism


class Job(_Answer):
    """A job with its vertices."""

    jid: str
    name: str
    state: str
    vertices: tuple[Vertex, ...]
    timestamps: dict[str, int] = Field(default_factory=dict)

    @property
    def scale_out(self) -> int:
        """The slots that it uses: those of its widest vertex, since slots are shared."""
        return max((vertex.parallelism for vertex in self.vertices), default=0)

    @property
    def runs(self) -> bool:
        """Whether all of its subtasks run."""
        return self.state == "RUNNING" and all(vertex.runs for vertex in self.vertices)

    def runs_at(self, wanted: int) -> bool:
        """Return whether all subtasks run at the parallelism wanted."""
        return self.runs and all(vertex.parallelism == wanted for vertex in self.vertices)


class TaskManager(_Answer):
    """A worker that has registered."""

    id: str
    slots: int = Field(alias="slotsNumber")
    free: int = Field(alias="freeSlots")

    @property
    def idle(self) -> bool:
        """Whether no job uses it."""
        return self.free == self.slots


class Subtask(_Answer):
    """One parallel instance of a vertex; times in milliseconds by the JobManager's clock."""

    started: int = Field(alias="start-time")
    durations: dict[str, int] = Field(alias="status-duration", default_factory=dict)

    @property
    def running_since(self) -> float:
        """When it began to work, in seconds: it is deployed first, and restores its state."""
        before = self.durations.get("DEPLOYING", 0) + self.durations.get("INITIALIZING", 0)
        return (self.started + before) / 1000


class _Status(_Answer):
    status: str


class _Vertex(_Answer):
    subtasks: tuple[Subtask, ...]


class _Jobs(_Answer):
    jobs: tuple[JobEntry, ...]


class _TaskManagers(_Answer):
    taskmanagers: tuple[TaskManager, ...]


A = TypeVar("A", bound=_Answer)


class FlinkRest:
    """A client of one JobManager; `read` and `write` are the seconds for one request."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        read: float,
        write: float,
        access: HttpAccess | None = None,
    ) -> None:
        """Make a client; `access` is how a JobManager lets it in that asks for credentials."""
        self.url = url.rstrip("/")
        self._access = access
        self._seconds = {"GET": read, "PUT": write}
        self._clock = clock

    async def find(self, name: str) -> Job:
        """Return the job of this name that is not over.

        Raises:
            JobGoneError: There is none.
            TargetError: There are several, or Flink does not answer.
        """
        jobs = (await self._get("/jobs/overview", _Jobs)).jobs
        named = [job for job in jobs if job.name == name]
        live = [job for job in named if job.state not in OVER]
        if len(live) > 1:
            raise TargetError(f"{len(live)} jobs named {name!r} run at {self.url}")
        if not live:
            ended = f" ({named[0].state} under id {named[0].jid})" if named else ""
            raise JobGoneError(f"no job named {name!r} runs at {self.url}{ended}")
        return await self.job(live[0].jid)

    async def job(self, jid: str) -> Job:
        """Return a job by its id."""
        return await self._get(f"/jobs/{jid}", Job)

    async def status(self, jid: str) -> str:
        """Return a job's state as it is now; `job` may be old by the server's refresh interval."""
        return (await self._get(f"/jobs/{jid}/status", _Status)).status

    async def start_seconds(self, job: Job) -> float:
        """Return how long after the job's start its last task began to work."""
        since = job.timestamps.get("RUNNING", 0) / 1000
        tasks: list[float] = []
        for vertex in job.vertices:
            found = await self._get(f"/jobs/{job.jid}/vertices/{vertex.id}", _Vertex)
            tasks.extend(task.running_since for task in found.subtasks)
        return start_seconds(since, tasks)

    async def task_managers(self) -> tuple[TaskManager, ...]:
        """Return the workers that have registered."""
        return (await self._get("/taskmanagers", _TaskManagers)).taskmanagers

    async def require(
        self, job: Job, wanted: int, permit: Permit, *, finishing: bool = False
    ) -> None:
        """Ask for this parallelism of all vertices.

        The lower bound is 1, so that a job that loses a worker goes on with the others.
        """
        bounds = {"parallelism": {"lowerBound": 1, "upperBound": wanted}}
        body = {vertex.id: bounds for vertex in job.vertices}
        path = f"/jobs/{job.jid}/resource-requirements"
        for pause in (*_BACKOFF, None):
            await permit(finishing=finishing)
            try:
                await self._request("PUT", path, body)
            except _AgainError as error:
                if pause is None:
                    raise TargetError(str(error)) from error
                await self._clock.sleep(pause)
            else:
                return

    async def _get(self, path: str, answer: type[A]) -> A:
        for pause in (*_BACKOFF, None):
            try:
                return answer.model_validate_json(await self._request("GET", path))
            except ValidationError as error:
                said = error.errors(include_url=False)[0]["msg"]
                wrong = f"{self.url}{path} answered something else than Flink's JSON: {said}"
            except _AgainError as error:
                wrong = str(error)
            if pause is not None:
                await self._clock.sleep(pause)
        raise TargetError(wrong)

    async def _request(self, method: str, path: str, body: object = None) -> bytes:
        seconds = self._seconds[method]
        deadline = self._clock.monotonic() + seconds
        access = self._access
        timely = None if body is None else _Timely(body, self._clock, deadline)
        try:
            # A connection of its own: seldom, and nothing to keep alive or close between commands.
            async with (
                aiohttp.ClientSession(middlewares=(_Once(),)) as session,
                session.request(
                    method,
                    self.url + path,
                    data=timely,
                    headers=access.headers() if access else None,
                    ssl=(access.tls if access else None) or True,
                    timeout=aiohttp.ClientTimeout(total=seconds),
                    allow_redirects=False,
                ) as answer,
            ):
                said = await answer.read()
        except CredentialFileError as error:
            raise TargetError(f"{self.url} was not asked: {error}") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            what = str(error) or type(error).__name__
            raise _AgainError(f"{self.url} does not answer: {what}") from error
        if answer.status < 300:
            return said
        shown = " ".join(said.decode(errors="replace").split())[:_SHOWN]
        wrong = f"{method} {self.url}{path}: {answer.status} {shown}"
        if answer.status >= 500:
            raise _AgainError(wrong)
        raise JobGoneError(wrong) if answer.status == 404 else TargetError(wrong)


class _Timely(aiohttp.BytesPayload):
    """A body in JSON that is refused once it is overdue, together with the request's head.

    The head leaves with the body's first byte, so this is the last instant at which a request can
    be held back. A timeout is not enough: in the loop's first round after a process is woken up,
    what was ready to be sent comes before the timers.
    """

    def __init__(self, body: object, clock: Clock, deadline: float) -> None:
        super().__init__(json.dumps(body).encode(), content_type="application/json")
        self._clock = clock
        self._deadline = deadline

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        """Write the body unless it is too late."""
        if self._clock.monotonic() > self._deadline:
            raise TimeoutError("the permit to send it is too old")
        await super().write_with_length(writer, content_length)


class _Once:
    """Keeps aiohttp from sending a request again by itself, without a permit."""

    def __init__(self) -> None:
        self._sent = False

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if self._sent:
            raise aiohttp.ServerDisconnectedError
        self._sent = True
        return await handler(request)


class _AgainError(RuntimeError):
    """A failure that may be over at the next attempt."""
