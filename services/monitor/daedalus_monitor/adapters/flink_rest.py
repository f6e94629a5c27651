"""The part of Flink's REST API that tells how a job does. Tried with Flink 2.3."""

import asyncio
from collections.abc import Iterable
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from daedalus_monitor.adapters.http import Http


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)


LAST = 253_402_300_799_000
"""Milliseconds from 1970 to the end of the calendar."""

Milliseconds = Annotated[int, Field(le=2**63 - 1)]
"""As Java has them."""


class JobSummary(_Answer):
    """A job in the list of all."""

    jid: str
    name: str
    state: str


class Jobs(_Answer):
    """All jobs that the cluster knows, over or not."""

    jobs: tuple[JobSummary, ...]


class VertexSummary(_Answer):
    """A vertex of a job: operators that are chained."""

    id: str
    name: str
    parallelism: int = Field(ge=1)
    max_parallelism: int | None = Field(default=None, alias="maxParallelism")


class PlanNode(_Answer):
    """A vertex in the job's graph; a source has no inputs."""

    id: str
    inputs: tuple[Any, ...] = ()


class Plan(_Answer):
    """The job's graph."""

    nodes: tuple[PlanNode, ...] = ()


class Job(_Answer):
    """A job."""

    vertices: tuple[VertexSummary, ...] = Field(min_length=1)
    plan: Plan = Plan()

    @property
    def sources(self) -> tuple[VertexSummary, ...]:
        """The vertices that read the job's input."""
        first = {node.id for node in self.plan.nodes if not node.inputs}
        return tuple(
            vertex
            for vertex in self.vertices
            if (vertex.id in first if first else vertex.name.startswith("Source:"))
        )


class Subtask(_Answer):
    """The present attempt of one parallel instance of a vertex."""

    subtask: int
    attempt: int
    status: str
    taskmanager: str = Field(default="", alias="taskmanager-id")
    start: int = Field(alias="start-time", le=LAST)
    """Milliseconds since 1970 on the JobManager's clock."""
    durations: dict[str, Milliseconds] = Field(default_factory=dict, alias="status-duration")
    """State → milliseconds in it."""

    @property
    def running(self) -> float | None:
        """Seconds in state RUNNING so far; None in another state."""
        duration = self.durations.get("RUNNING")
        if self.status != "RUNNING" or duration is None or duration < 0:
            return None
        return duration / 1000


class Vertex(_Answer):
    """A vertex with its subtasks."""

    id: str
    subtasks: tuple[Subtask, ...]


class CheckpointConfig(_Answer):
    """How the job makes checkpoints."""

    interval: Milliseconds
    """Milliseconds."""


class Metric(_Answer):
    """One metric; all values are text."""

    id: str
    value: str = ""


LIST_LENGTH = 2000
"""Characters of a list of metrics: Flink refuses request lines longer than 4096."""

JOBS = TypeAdapter(Jobs)
JOB = TypeAdapter(Job)
VERTEX = TypeAdapter(Vertex)
CHECKPOINTS = TypeAdapter(CheckpointConfig)
METRICS = TypeAdapter(list[Metric])


class FlinkRest:
    """A client of one JobManager."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self.url = http.url

    async def jobs(self) -> tuple[JobSummary, ...]:
        """Return all jobs."""
        return (await self._http.get("/jobs/overview", JOBS)).jobs

    async def job(self, jid: str) -> Job:
        """Return one job."""
        return await self._http.get(f"/jobs/{jid}", JOB)

    async def vertex(self, jid: str, vertex: str) -> Vertex:
        """Return one vertex with its subtasks."""
        return await self._http.get(f"/jobs/{jid}/vertices/{vertex}", VERTEX)

    async def checkpoints(self, jid: str) -> CheckpointConfig:
        """Return how the job makes checkpoints; 404 where it makes none."""
        return await self._http.get(f"/jobs/{jid}/checkpoints/config", CHECKPOINTS)

    async def vertex_metric_names(self, jid: str, vertex: str) -> list[str]:
        """Return the names of all metrics of a vertex, each behind the number of its subtask."""
        path = f"/jobs/{jid}/vertices/{vertex}/metrics"
        return [metric.id for metric in await self._http.get(path, METRICS)]

    async def vertex_metrics(self, jid: str, vertex: str, names: Iterable[str]) -> dict[str, str]:
        """Return some metrics of a vertex; those that it does not have are left out."""
        return await self._metrics(f"/jobs/{jid}/vertices/{vertex}/metrics", names)

    async def worker_metrics(self, worker: str, names: Iterable[str]) -> dict[str, str]:
        """Return some metrics of a TaskManager; those that it does not have are left out."""
        return await self._metrics(f"/taskmanagers/{quote(worker, safe=':')}/metrics", names)

    async def _metrics(self, path: str, names: Iterable[str]) -> dict[str, str]:
        answers = await asyncio.gather(
            *(self._http.get(path, METRICS, {"get": part}) for part in lists(names))
        )
        return {metric.id: metric.value for found in answers for metric in found}


def lists(names: Iterable[str]) -> list[str]:
    """Return names joined by commas, in as many pieces as the length of a request line asks for."""
    found: list[str] = []
    for name in names:
        if found and len(found[-1]) + len(name) < LIST_LENGTH:
            found[-1] += f",{name}"
        else:
            found.append(name)
    return found
