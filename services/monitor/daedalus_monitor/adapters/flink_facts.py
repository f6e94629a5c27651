"""From Flink's answers to readings: pure functions."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from daedalus_monitor.adapters.flink_rest import Job, JobSummary, Subtask, Vertex
from daedalus_monitor.domain.counters import Count
from daedalus_monitor.domain.readings import Reading, Unknown, number
from daedalus_monitor.ports import SourceError

OVER = {"FAILED", "CANCELED", "FINISHED"}

READ = "numRecordsIn"
"""Records that a source has read, by Flink's count; begins anew with each attempt."""

RAN = ("accumulateBusyTimeMs", "accumulateIdleTimeMs", "accumulateBackPressuredTimeMs")
"""They add up to the milliseconds that a subtask had run when its metrics were read there."""

LATENCY = "currentEmitEventTimeLag"
"""Milliseconds between an event's time and when its source hands it on: what a record waits for in
Kafka and in the fetch. Time in windows and sinks is not in it."""

OLDEST = 30.0
"""Seconds of age from which on metrics say nothing about now; Flink refreshes them each 10 s."""

SLACK = 2.0
"""Seconds that a subtask may seem to have run longer than it has: the two are asked for apart."""


def chosen(jobs: Iterable[JobSummary], name: str) -> JobSummary:
    """Return the one job of a name that runs.

    Raises:
        SourceError: There is none, or more than one, or it does not run.
    """
    named = [job for job in jobs if job.name == name]
    live = [job for job in named if job.state not in OVER]
    if not named:
        raise SourceError(f"Flink knows no job named {name}")
    if len(live) > 1:
        ids = ", ".join(job.jid for job in live)
        raise SourceError(
            f"{len(live)} jobs are named {name}, and which is meant is unknown: {ids}"
        )
    job = live[0] if live else named[0]
    if job.state != "RUNNING":
        raise SourceError(f"the job {name} does not run: it is {job.state}")
    return job


def ran(task: Subtask, metrics: Mapping[str, str]) -> float | None:
    """Return the seconds that a subtask had run when its metrics were read; None if not told."""
    parts = [number(metrics.get(f"{task.subtask}.{name}"), name) for name in RAN]
    known = [part for part in parts if not isinstance(part, Unknown)]
    return sum(known) / 1000 if len(known) == len(RAN) else None


def count(task: Subtask, metrics: Mapping[str, str]) -> Count:
    """Return how many records a source's subtask has read."""
    return Count(
        worker=task.taskmanager,
        began=f"{task.attempt}@{task.start}",
        records=_records(task, metrics),
        ran=ran(task, metrics),
    )


def _records(task: Subtask, metrics: Mapping[str, str]) -> Reading[float]:
    name = f"{task.subtask}.{READ}"
    if task.running is None:
        return Unknown(f"subtask {task.subtask} of the source is {task.status}")
    if name not in metrics:
        return Unknown(f"Flink does not tell {name} of the source")
    own = ran(task, metrics)
    if own is not None and own > task.running + SLACK:
        return Unknown("Flink still tells the metrics of an earlier attempt")
    if own is not None and task.running - own > OLDEST:
        return Unknown(f"Flink's metrics are {task.running - own:.0f} s old")
    return number(metrics[name], name)


def oldest(vertices: Iterable[tuple[Vertex, Mapping[str, str]]]) -> float:
    """Return the age in seconds of the oldest metrics; those of an earlier attempt are older."""
    ages = [0.0]
    for vertex, metrics in vertices:
        for task in vertex.subtasks:
            own = ran(task, metrics)
            if task.running is not None and own is not None:
                age = task.running - own
                ages.append(age if age >= -SLACK else OLDEST)
    return max(ages)


def uptime(vertices: Iterable[Vertex]) -> Reading[float]:
    """Return the seconds since the last subtask began to run."""
    tasks = [task for vertex in vertices for task in vertex.subtasks]
    running = [task.running for task in tasks if task.running is not None]
    if not running or len(running) < len(tasks):
        return Unknown(f"{len(tasks) - len(running)} of {len(tasks)} subtasks do not run")
    return min(running)


def since(vertices: Iterable[Vertex], worker: str) -> datetime | None:
    """Return when a worker's present attempt at the job began."""
    starts = [
        task.start
        for vertex in vertices
        for task in vertex.subtasks
        if task.taskmanager == worker and task.start > 0
    ]
    if not starts:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=min(starts))


def latency(metrics: Iterable[Mapping[str, str]]) -> Reading[float]:
    """Return the highest event-time lag of the sources, in seconds.

    A source that has not seen an event yet says -1 or a huge number, and is left out.
    """
    lags = [
        number(value, name)
        for found in metrics
        for name, value in found.items()
        if name.endswith(f".{LATENCY}")
    ]
    known = [lag / 1000 for lag in lags if not isinstance(lag, Unknown)]
    if known:
        return max(known)
    return Unknown("no source of the job tells an event-time lag, and no other measure is declared")


def max_parallelism(job: Job) -> Reading[int]:
    """Return the fewest key groups of any vertex."""
    limits = [vertex.max_parallelism for vertex in job.vertices]
    known = [limit for limit in limits if limit is not None and limit > 0]
    return min(known) if known else Unknown("Flink does not tell the job's max parallelism")
