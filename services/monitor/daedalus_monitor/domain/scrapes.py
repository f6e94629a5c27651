"""What one worker of a Kafka Streams job says of itself at one instant."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from daedalus_monitor.domain.counters import Moment, total
from daedalus_monitor.domain.readings import Reading, Unknown, number

STARTED = "process_start_time_seconds"
CPU = "process_cpu_seconds_total"
QUOTA = "daedalus_cpu_quota_cores"
STATE = "kafka_streams_state"
PROCESSED = "kafka_streams_thread_process_total"
ASSIGNED = "kafka_streams_assigned_partitions"
CONSUMED = "kafka_streams_source_records_total"
LATENCIES = ("kafka_streams_e2e_latency_max_seconds", "kafka_streams_e2e_latency_avg_seconds")
"""The first that is told counts: a maximum is above the 95th percentile, a mean is often below."""

NAMES = (STARTED, CPU, QUOTA, STATE, PROCESSED, ASSIGNED, CONSUMED, *LATENCIES)
"""All that is read of a worker."""

Point: TypeAlias = tuple[str, Mapping[str, str], object]
"""Name, labels and value of one series."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrape:
    """What one worker said at one instant."""

    at: Moment
    """When it said so."""

    state: Reading[str]
    """Of the client: `RUNNING`, `REBALANCING`, …"""

    started: Reading[float]
    """When the process started, seconds since 1970."""

    cpu: Reading[float]
    """CPU seconds that it has used."""

    quota: Reading[float]
    """Cores that it may use."""

    processed: Reading[float]
    """Records that its threads processed, in all sub-topologies."""

    assigned: Mapping[str, Reading[float]]
    """Topic → its partitions that are assigned to the worker; topics without any are left out."""

    consumed: Mapping[str, Reading[float]]
    """Topic → records consumed."""

    latency: Reading[float]
    """Seconds from a record's time to the end of its way, the highest of all sinks."""


def scraped(at: Moment, points: Iterable[Point]) -> Scrape:
    """Return what the series of one worker say."""
    found: dict[str, list[tuple[Mapping[str, str], object]]] = {}
    for name, labels, value in points:
        found.setdefault(name, []).append((labels, value))
    threads = [number(value, PROCESSED) for _, value in found.get(PROCESSED, ())]
    assigned = _by_topic(found.get(ASSIGNED, ()), ASSIGNED)
    quota = _one(found, QUOTA)
    return Scrape(
        at=at,
        state=_state(found.get(STATE, ())),
        started=_one(found, STARTED),
        cpu=_one(found, CPU),
        quota=Unknown(f"{QUOTA} reads 0") if quota == 0 else quota,
        processed=total(threads) if threads else _untold(PROCESSED),
        assigned={topic: count for topic, count in assigned.items() if count != 0},
        consumed=_by_topic(found.get(CONSUMED, ()), CONSUMED),
        latency=_latency(found),
    )


def _untold(name: str) -> Unknown:
    return Unknown(f"the worker does not tell {name}")


def _one(found: Mapping[str, Sequence[tuple[object, object]]], name: str) -> Reading[float]:
    values = [value for _, value in found.get(name, ())]
    if len(values) > 1:
        return Unknown(f"the worker tells {name} {len(values)} times")
    return number(values[0], name) if values else _untold(name)


def _state(found: Iterable[tuple[Mapping[str, str], object]]) -> Reading[str]:
    """Return the one state whose series reads 1; the others may be told as 0."""
    states = [labels.get("state", "") for labels, value in found if number(value, STATE) == 1]
    if len(states) > 1:
        return Unknown(f"the worker is in {len(states)} states at once")
    return states[0] if states else _untold(STATE)


def _by_topic(
    found: Iterable[tuple[Mapping[str, str], object]], name: str
) -> dict[str, Reading[float]]:
    """Return the sum for each topic: a worker may tell it for each thread."""
    parts: dict[str, list[Reading[float]]] = {}
    for labels, value in found:
        parts.setdefault(labels.get("topic", ""), []).append(number(value, name))
    return {topic: total(values) for topic, values in parts.items()}


def _latency(found: Mapping[str, Sequence[tuple[object, object]]]) -> Reading[float]:
    """Return the highest; a sink that nothing has reached yet says NaN, and is left out."""
    for name in LATENCIES:
        readings = [number(value, name) for _, value in found.get(name, ())]
        known = [reading for reading in readings if not isinstance(reading, Unknown)]
        if known:
            return max(known)
    return Unknown("no worker tells an end-to-end latency, and no other measure is declared")


def with_quota(scrape: Scrape, cores: float | None) -> Scrape:
    """Return the scrape with the job file's quota where the worker tells none."""
    if cores is None or not isinstance(scrape.quota, Unknown):
        return scrape
    return replace(scrape, quota=cores)
