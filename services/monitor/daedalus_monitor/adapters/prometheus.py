"""The signals of a Flink job from a Prometheus server that scrapes Flink's reporter.

Names and labels are those of Flink 2.3's Prometheus reporter. Range selectors return the scrapes as
they are, with their own times, so that a gap is seen as one: an instant query would go on repeating
the last value for five minutes.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, TypeAdapter

from daedalus_monitor.adapters.http import Http
from daedalus_monitor.domain.counters import Moment, total
from daedalus_monitor.domain.looks import EngineLook, WorkerLook, plain
from daedalus_monitor.domain.readings import Reading, Unknown
from daedalus_monitor.domain.series import Series, alive, increase, last, mean_load, only
from daedalus_monitor.ports import SourceError

READ = "flink_taskmanager_job_task_numRecordsIn"
CPU = "flink_taskmanager_Status_JVM_CPU_Load"
UPTIME = "flink_jobmanager_job_uptime"
LATENCY = "flink_taskmanager_job_task_operator_currentEmitEventTimeLag"

WINDOW = 150
"""Seconds of scrapes that are asked for: two at least at the usual interval of a minute."""

NOT_THERE = "Flink's Prometheus reporter does not tell it"


class _Found(BaseModel):
    metric: dict[str, str]
    values: list[tuple[float, str]]


class _Data(BaseModel):
    resultType: Literal["matrix"]  # noqa: N815 -- Prometheus' name
    result: list[_Found]


class _Answer(BaseModel):
    status: Literal["success"]
    data: _Data


ANSWER = TypeAdapter(_Answer)


class Prometheus:
    """A client of one Prometheus server."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def scrapes(self, selector: str, now: float) -> list[Series]:
        """Return what was scraped of some series in the last `WINDOW` seconds."""
        return await self._ask(
            "/api/v1/query", {"query": f"{selector}[{WINDOW}s]", "time": f"{now:.3f}"}
        )

    async def range(self, query: str, now: float, step: float) -> list[Series]:
        """Return what an expression was at each `step` seconds of the last `WINDOW`."""
        return await self._ask(
            "/api/v1/query_range",
            {
                "query": query,
                "start": f"{now - WINDOW:.3f}",
                "end": f"{now:.3f}",
                "step": f"{step:.3f}",
            },
        )

    async def _ask(self, path: str, params: Mapping[str, str]) -> list[Series]:
        answer = await self._http.get(path, ANSWER, params)
        return [Series(found.metric, found.values) for found in answer.data.result]


class PrometheusSource:
    """Looks at one Flink job. It remembers nothing: Prometheus does."""

    def __init__(self, prometheus: Prometheus, name: str, sample: float) -> None:
        self._prometheus = prometheus
        self._name = name
        self._sample = sample

    async def look(self, now: Moment) -> EngineLook:
        """Return what Prometheus has of the job.

        Raises:
            SourceError: It has nothing of it.
        """
        at = now.wall.timestamp()
        # The reporter replaces what Prometheus would not have in a name, in values of labels too.
        job = f'{{job_name="{plain(self._name)}"}}'
        tasks = tasks_of(await self._prometheus.scrapes(READ + job, at), at, self._name)
        workers = sorted({series.labels["tm_id"] for series in tasks})
        # Such names need no quoting in a regular expression.
        cpu = await self._prometheus.scrapes(f'{CPU}{{tm_id=~"{"|".join(workers)}"}}', at)
        uptime = last(await self._prometheus.scrapes(UPTIME + job, at), at, "uptime")
        lags = await self._prometheus.scrapes(LATENCY + job, at)
        return EngineLook(
            scale_out=scale_out(tasks),
            uptime=uptime if isinstance(uptime, Unknown) else uptime / 1000,
            latency=highest(lags, at),
            workers=tuple(
                WorkerLook(
                    worker,
                    mean_load(_of(cpu, worker), at, self._sample, f"CPU of {worker}"),
                    throughput(_of(tasks, worker), self._sample),
                )
                for worker in workers
            ),
            max_parallelism=Unknown(NOT_THERE),
            checkpoint_interval=Unknown(NOT_THERE),
        )


class PrometheusLatency:
    """The latency by an expression of the job file."""

    def __init__(self, prometheus: Prometheus, query: str, sample: float) -> None:
        self._prometheus = prometheus
        self._query = query
        self._sample = sample

    async def look(self, now: Moment) -> Reading[float]:
        """Return the expression's present value."""
        at = now.wall.timestamp()
        found = await self._prometheus.range(self._query, at, self._sample)
        series = only(found, at, "latency")
        if not isinstance(series, Unknown) and series.age(at) >= self._sample:
            return Unknown(f"Prometheus' newest latency is {series.age(at):.0f} s old")
        return last(found, at, "latency")


def tasks_of(found: list[Series], now: float, name: str) -> list[Series]:
    """Return the series of the one job of a name that runs, one a subtask.

    Raises:
        SourceError: There is none, or more than one, or somebody scrapes it twice.
    """
    going = [series for series in alive(found, now) if series.labels.keys() >= LABELS]
    if not going:
        ages = [series.age(now) for series in found if series.points]
        seen = f"has nothing newer than {min(ages):.0f} s" if ages else "has nothing"
        raise SourceError(f"Prometheus {seen} of the job {name}")
    ids = {series.labels["job_id"] for series in going}
    if len(ids) > 1:
        raise SourceError(f"Prometheus has {len(ids)} jobs named {name} that run")
    newest: dict[tuple[str, str], Series] = {}
    for series in sorted(going, key=lambda series: series.newest[0]):
        subtask = (series.labels["task_id"], series.labels["subtask_index"])
        twin = newest.get(subtask)
        if twin and twin.labels["task_attempt_id"] == series.labels["task_attempt_id"]:
            raise SourceError(
                f"Prometheus has two series of one subtask of {name}: is it scraped twice?"
            )
        newest[subtask] = series  # a later attempt's last scrape is later
    return list(newest.values())


LABELS = {"job_id", "task_id", "task_name", "task_attempt_id", "subtask_index", "tm_id"}
"""What tells a series of a task from others."""


def scale_out(tasks: list[Series]) -> int:
    """Return the subtasks of the widest vertex."""
    count: dict[str, int] = {}
    for series in tasks:
        count[series.labels["task_id"]] = count.get(series.labels["task_id"], 0) + 1
    return max(count.values())


def throughput(tasks: list[Series], span: float) -> Reading[float]:
    """Return what the sources' subtasks on one worker read, in records/s."""
    sources = [series for series in tasks if series.labels["task_name"].startswith("Source:")]
    if not sources:
        return Unknown("no subtask of a source runs on it")
    return total(increase(series, span, "the source's count") for series in sources)


def highest(found: list[Series], now: float) -> Reading[float]:
    """Return the highest event-time lag in seconds; see `flink_facts.LATENCY`."""
    lags = [last([series], now, "event-time lag") for series in alive(found, now)]
    known = [lag / 1000 for lag in lags if not isinstance(lag, Unknown)]
    return max(known) if known else Unknown("Prometheus has no event-time lag of the job")


def _of(found: list[Series], worker: str) -> list[Series]:
    return [series for series in found if series.labels.get("tm_id") == worker]
