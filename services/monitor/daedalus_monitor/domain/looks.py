"""One look at a job from one or several sources, and the sample that it makes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from daedalus_monitor.domain.readings import Reading, Unknown, either, within
from daedalus_shared.durations import LONGEST
from daedalus_shared.events import Sample, Worker
from daedalus_shared.events.base import LARGEST, MOST_WORKERS

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WorkerLook:
    """What a source says of one worker."""

    id: str
    """The engine's name of it."""

    cpu: Reading[float]
    """Share of what it may use."""

    throughput: Reading[float]
    """Records/s of the input topics."""

    since: datetime | None = None
    """When its present attempt at the job began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineLook:
    """What a source says of a job and its workers."""

    scale_out: Reading[int]
    """Parallelism in use: the widest operator's, which is what a rescale sets."""

    uptime: Reading[float]
    """Seconds since all subtasks run."""

    latency: Reading[float]
    """Seconds, 95th percentile or the nearest that the source has."""

    workers: Reading[tuple[WorkerLook, ...]]
    """The workers that run a part of the job."""

    max_parallelism: Reading[int]
    """The engine's limit to the scale-out."""

    checkpoint_interval: Reading[float]
    """Seconds."""

    @classmethod
    def nothing(cls, why: str) -> "EngineLook":
        """All unknown for the same reason."""
        reason = Unknown(why)
        return cls(
            scale_out=reason,
            uptime=reason,
            latency=reason,
            workers=reason,
            max_parallelism=reason,
            checkpoint_interval=reason,
        )

    @property
    def complete(self) -> bool:
        """Whether no other source could add anything."""
        return not any(True for _ in _reasons(self))

    @property
    def knows_facts(self) -> bool:
        """Whether all is known that seldom changes."""
        return not isinstance(self.max_parallelism, Unknown) and not isinstance(
            self.checkpoint_interval, Unknown
        )

    def with_facts(self, known: "EngineLook") -> "EngineLook":
        """Return the look with what seldom changes taken from an earlier one, where unknown."""
        return replace(
            self,
            max_parallelism=either(self.max_parallelism, known.max_parallelism),
            checkpoint_interval=either(self.checkpoint_interval, known.checkpoint_interval),
        )


def credible(look: EngineLook) -> EngineLook:
    """Return a look without the figures that no event may tell."""
    workers = look.workers
    if not isinstance(workers, Unknown):
        workers = tuple(
            replace(worker, throughput=within(worker.throughput, LARGEST, "throughput"))
            for worker in workers
        )
    return replace(
        look,
        scale_out=within(look.scale_out, MOST_WORKERS, "the scale-out"),
        uptime=within(look.uptime, LONGEST, "uptime"),
        latency=within(look.latency, LONGEST, "latency"),
        workers=workers,
        checkpoint_interval=within(look.checkpoint_interval, LONGEST, "the checkpoint interval"),
    )


def merged(first: EngineLook, second: EngineLook) -> EngineLook:
    """Return the first look, filled in by the second where it is unknown."""
    return EngineLook(
        scale_out=either(first.scale_out, second.scale_out),
        uptime=either(first.uptime, second.uptime),
        latency=either(first.latency, second.latency),
        workers=_merged_workers(first.workers, second.workers),
        max_parallelism=either(first.max_parallelism, second.max_parallelism),
        checkpoint_interval=either(first.checkpoint_interval, second.checkpoint_interval),
    )


def plain(name: str) -> str:
    """Return a name as Flink's Prometheus reporter writes it into labels.

    >>> plain("tm-1.local"), plain("Source: ads[1]")
    ('tm_1_local', 'Source:_ads_1_')
    """
    return re.sub(r"[^a-zA-Z0-9:_]", "_", name)


def _merged_workers(
    first: Reading[tuple[WorkerLook, ...]], second: Reading[tuple[WorkerLook, ...]]
) -> Reading[tuple[WorkerLook, ...]]:
    if isinstance(first, Unknown) or isinstance(second, Unknown):
        return either(first, second)
    others = {plain(worker.id): worker for worker in second}
    found = []
    for worker in first:
        other = others.get(plain(worker.id))
        if other is not None:
            worker = replace(  # noqa: PLW2901 -- the same worker with more known
                worker,
                cpu=either(worker.cpu, other.cpu),
                throughput=either(worker.throughput, other.throughput),
                since=worker.since or other.since,
            )
        found.append(worker)
    return tuple(found)


def sample(at: datetime, look: EngineLook, workload: Reading[float], lag: Reading[float]) -> Sample:
    """Return a credible look as an event's part: what is unknown is null, its reason aside."""
    workload, lag = within(workload, LARGEST, "workload"), within(lag, LARGEST, "lag")
    unknown = dict(_reasons(look))
    unknown |= {
        name: reading.why
        for name, reading in (("workload", workload), ("lag", lag))
        if isinstance(reading, Unknown)
    }
    workers = () if isinstance(look.workers, Unknown) else look.workers
    return Sample(
        at=at,
        scale_out=_value(look.scale_out),
        workload=_value(workload),
        lag=_value(lag),
        latency=_value(look.latency),
        uptime=_value(look.uptime),
        workers=tuple(
            Worker(
                id=worker.id,
                cpu=_value(worker.cpu),
                throughput=_value(worker.throughput),
                since=worker.since,
            )
            for worker in sorted(workers, key=lambda worker: worker.id)
        ),
        unknown=unknown,
    )


def _value(reading: Reading[T]) -> T | None:
    return None if isinstance(reading, Unknown) else reading


def _reasons(look: EngineLook) -> Iterator[tuple[str, str]]:
    signals: dict[str, Reading[object]] = {
        "scale_out": look.scale_out,
        "uptime": look.uptime,
        "latency": look.latency,
        "workers": look.workers,
        "max_parallelism": look.max_parallelism,
        "checkpoint_interval": look.checkpoint_interval,
    }
    workers = () if isinstance(look.workers, Unknown) else look.workers
    for worker in workers:
        signals[f"worker.{worker.id}.cpu"] = worker.cpu
        signals[f"worker.{worker.id}.throughput"] = worker.throughput
    for name, reading in signals.items():
        if isinstance(reading, Unknown):
            yield name, reading.why
