"""A Flink job as its JobManager tells it over REST.

The JobManager hands out metrics that it fetched earlier: a request makes it fetch anew beside, if
the last time is longer ago than `metrics.fetcher.update-interval` (10 s by default). So what is too
old is asked for once more after a moment, and the time between two counts is taken from the
subtask's own busy, idle and back-pressured time, which add up to the time that it has run.
"""

import asyncio
from dataclasses import dataclass, field

from daedalus_monitor.adapters import flink_facts as facts
from daedalus_monitor.adapters.flink_rest import FlinkRest, Job, Vertex
from daedalus_monitor.domain.counters import Count, Moment, elapsed, per_worker
from daedalus_monitor.domain.looks import EngineLook, WorkerLook
from daedalus_monitor.domain.readings import Reading, Unknown, load
from daedalus_monitor.ports import NotFoundError, SourceError

CPU = "Status.JVM.CPU.Load"
"""On JDK 17 the share of the cgroup's quota since it was read last: the mean over the time between
two looks, as long as nobody else reads it."""

FRESH = 1.5
"""Seconds of age up to which metrics are taken at once."""

FETCH = 0.25
"""Seconds that the JobManager is given to fetch metrics from the workers."""

LIST_EVERY = 12
"""Looks between two searches for a latency metric: the list of all metrics is long."""

NEVER = 365 * 86400.0
"""A checkpoint interval in seconds from which on it means none; Flink says 2^63 ms."""


@dataclass(slots=True)
class _Memory:
    """What is remembered of one run of a job, from look to look."""

    jid: str
    moment: Moment | None = None
    counts: dict[str, Count] = field(default_factory=dict)
    checkpoints: Reading[float] | None = None
    looks: int = 0
    latency_names: dict[str, set[str]] = field(default_factory=dict)


class FlinkSource:
    """Looks at one job."""

    def __init__(self, rest: FlinkRest, name: str, sample: float) -> None:
        self._rest = rest
        self._name = name
        self._sample = sample
        self._memory: _Memory | None = None

    async def look(self, now: Moment) -> EngineLook:
        """Return what the JobManager says.

        Raises:
            SourceError: It says nothing that could be used.
        """
        jid = facts.chosen(await self._rest.jobs(), self._name).jid
        before = self._memory
        memory = before if before is not None and before.jid == jid else _Memory(jid)
        self._memory = memory
        job = await self._rest.job(jid)
        vertices = await asyncio.gather(*(self._rest.vertex(jid, part.id) for part in job.vertices))
        throughput, latency = await self._read(memory, job, vertices, now)
        if before is not None and before is not memory:
            anew = Unknown("the job runs under a new id since the last look")
            throughput = dict.fromkeys(throughput, anew)
        checkpoints = await self._checkpoints(memory)
        return EngineLook(
            scale_out=max(vertex.parallelism for vertex in job.vertices),
            uptime=facts.uptime(vertices),
            latency=latency,
            workers=await self._workers(vertices, throughput),
            max_parallelism=facts.max_parallelism(job),
            checkpoint_interval=checkpoints,
        )

    async def _read(
        self, memory: _Memory, job: Job, vertices: list[Vertex], now: Moment
    ) -> tuple[dict[str, Reading[float]], Reading[float]]:
        """Return the throughput of each worker that has a part of a source, and the latency."""
        ids = {source.id for source in job.sources}
        sources = [vertex for vertex in vertices if vertex.id in ids]
        await self._find_latency(memory, sources)
        metrics = await self._metrics(memory, sources)
        if facts.oldest(zip(sources, metrics, strict=True)) > FRESH:
            await asyncio.sleep(FETCH)
            metrics = await self._metrics(memory, sources)
        counts = {
            f"{vertex.id}.{task.subtask}": facts.count(task, found)
            for vertex, found in zip(sources, metrics, strict=True)
            for task in vertex.subtasks
        }
        passed = elapsed(memory.moment, now, self._sample)
        throughput = per_worker(memory.counts, counts, passed)
        memory.counts, memory.moment = counts, now
        return throughput, facts.latency(metrics)

    async def _metrics(self, memory: _Memory, sources: list[Vertex]) -> list[dict[str, str]]:
        def names(vertex: Vertex) -> list[str]:
            wanted = [facts.READ, *facts.RAN, *sorted(memory.latency_names.get(vertex.id, ()))]
            return [f"{task.subtask}.{name}" for task in vertex.subtasks for name in wanted]

        return await asyncio.gather(
            *(self._rest.vertex_metrics(memory.jid, vertex.id, names(vertex)) for vertex in sources)
        )

    async def _find_latency(self, memory: _Memory, sources: list[Vertex]) -> None:
        """Find the names of the latency metrics, which contain the operators' names."""
        if memory.looks % LIST_EVERY == 0:
            for vertex in sources:
                if not memory.latency_names.get(vertex.id):
                    listed = await self._rest.vertex_metric_names(memory.jid, vertex.id)
                    memory.latency_names[vertex.id] = {
                        name.partition(".")[2]
                        for name in listed
                        if name.endswith(f".{facts.LATENCY}")
                    }
        memory.looks += 1

    async def _workers(
        self, vertices: list[Vertex], throughput: dict[str, Reading[float]]
    ) -> tuple[WorkerLook, ...]:
        tasks = [task for vertex in vertices for task in vertex.subtasks]
        ids = sorted({task.taskmanager for task in tasks} - {""})
        cpu = await asyncio.gather(*(self._cpu(worker) for worker in ids))
        none = Unknown("no subtask of a source runs on it")
        return tuple(
            WorkerLook(worker, load, throughput.get(worker, none), facts.since(vertices, worker))
            for worker, load in zip(ids, cpu, strict=True)
        )

    async def _cpu(self, worker: str) -> Reading[float]:
        try:
            found = await self._rest.worker_metrics(worker, [CPU])
        except SourceError as error:
            return Unknown(str(error))
        if CPU not in found:
            return Unknown(f"Flink does not tell {CPU} of {worker} yet")
        return load(found[CPU], CPU)

    async def _checkpoints(self, memory: _Memory) -> Reading[float]:
        """Return the checkpoint interval, which a run of a job keeps."""
        if memory.checkpoints is None:
            try:
                interval = (await self._rest.checkpoints(memory.jid)).interval / 1000
            except NotFoundError:
                interval = NEVER
            except SourceError as error:
                return Unknown(str(error))
            known = 0 < interval < NEVER
            memory.checkpoints = interval if known else Unknown("the job makes no checkpoints")
        return memory.checkpoints
