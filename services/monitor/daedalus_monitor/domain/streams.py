"""A Kafka Streams job from its workers' scrapes: the present ones, and those before.

Throughput is what was consumed of the input topics, not the threads' `process-total`: that counts a
record in each sub-topology that it passes, and one that is repartitioned twice. What a thread has
fetched it soon processes, as its buffers are small.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from daedalus_monitor.domain.counters import FIRST, Count, Moment, rate, total
from daedalus_monitor.domain.looks import EngineLook, WorkerLook
from daedalus_monitor.domain.readings import Reading, Unknown, share
from daedalus_monitor.domain.scrapes import CONSUMED, Scrape

ALIVE = {"CREATED", "REBALANCING", "RUNNING"}
LEAVING = {"PENDING_SHUTDOWN", "NOT_RUNNING"}

NO_LIMIT = Unknown("Kafka Streams has no limit of its own but its number of tasks")
NO_INTERVAL = Unknown("Kafka Streams' workers do not tell their commit interval")


def cpu(before: Scrape | None, now: Scrape, passed: Reading[float]) -> Reading[float]:
    """Return the share of its quota that a worker used between two scrapes."""
    if isinstance(now.quota, Unknown):
        return now.quota
    if before is not None and before.quota != now.quota:
        return Unknown("the worker's CPU quota has changed since the last look")
    used = rate(_count(before, before.cpu) if before else None, _count(now, now.cpu), passed)
    return used if isinstance(used, Unknown) else share(used / now.quota, "CPU")


def throughput(
    before: Scrape | None, now: Scrape, passed: Reading[float], topics: Iterable[str]
) -> Reading[float]:
    """Return the records/s of the input topics that a worker consumed between two scrapes.

    A worker that says that it has no partition of them consumes none: it warms up, or is one too
    many. That is known from its first scrape on.
    """
    topics = tuple(topics)
    count = consumed(now, topics)
    if before is None and not isinstance(count, Unknown):
        idle = count == 0 or not any(_told(now.assigned, topic) for topic in topics)
        return 0.0 if idle else FIRST
    earlier = _count(before, consumed(before, topics)) if before else None
    return rate(earlier, _count(now, count), passed)


def consumed(scrape: Scrape, topics: Iterable[str]) -> Reading[float]:
    """Return the records of the input topics that a worker has consumed since it started."""
    return total(_consumed(scrape, topic) for topic in topics)


def _consumed(scrape: Scrape, topic: str) -> Reading[float]:
    told = _told(scrape.consumed, topic)
    if told is not None:
        return told
    # Kafka's client makes the counter with the first record: without one it may be 0 or not told.
    if isinstance(scrape.processed, Unknown):
        return scrape.processed
    others = bool(scrape.assigned or scrape.consumed)
    if scrape.processed == 0 or (others and _told(scrape.assigned, topic) is None):
        return 0.0
    return Unknown(f"the worker does not tell {CONSUMED} of {topic}")


def _told(of: Mapping[str, Reading[float]], topic: str) -> Reading[float] | None:
    """Return what is told of a topic; Kafka's client writes its dots as underscores."""
    return of.get(topic, of.get(topic.replace(".", "_")))


def _count(scrape: Scrape, records: Reading[float]) -> Count:
    return Count(worker="", began=_began(scrape), records=records)


def _began(scrape: Scrape) -> str:
    return "" if isinstance(scrape.started, Unknown) else str(scrape.started)


@dataclass(frozen=True, slots=True)
class Run:
    """Since when the same workers run, as far as it was looked at."""

    workers: frozenset[tuple[str, str]]
    """Each with its start."""

    since: float
    """Steady seconds at the first look at which they all ran."""


def run(before: Run | None, now: Moment, workers: Mapping[str, Scrape]) -> Run | None:
    """Return the run that goes on or begins; None while not all workers run.

    A monitor that was restarted counts anew, so that it is never longer than the truth.
    """
    if any(scrape.state != "RUNNING" for scrape in workers.values()):
        return None
    present = frozenset((name, _began(scrape)) for name, scrape in workers.items())
    if before is not None and before.workers == present:
        return before
    return Run(present, now.steady)


def uptime(going: Run | None, now: Moment, workers: Mapping[str, Scrape]) -> Reading[float]:
    """Return the seconds since all workers run, or which of them do not."""
    if going is not None:
        return now.steady - going.since
    idle = sorted(name for name, scrape in workers.items() if scrape.state != "RUNNING")
    state = workers[idle[0]].state
    return Unknown(f"{len(idle)} of {len(workers)} workers do not run: {idle[0]} is {state}")


def alive(workers: Mapping[str, Scrape]) -> Reading[dict[str, Scrape]]:
    """Return the workers that are not about to leave, or who of them is in no state to work."""
    found = {}
    for name, scrape in workers.items():
        if isinstance(scrape.state, Unknown):
            return Unknown(f"{name}: {scrape.state.why}")
        if scrape.state in ALIVE:
            found[name] = scrape
        elif scrape.state not in LEAVING:
            return Unknown(f"{name} is in state {scrape.state}")
    return found or Unknown(f"all {len(workers)} workers are shutting down")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two scrapes of one worker, and the time between them."""

    before: Scrape | None
    now: Scrape
    passed: Reading[float]


def engine_look(pairs: Mapping[str, Pair], up: Reading[float], topics: Iterable[str]) -> EngineLook:
    """Return the look at a job whose living workers are all in `pairs`."""
    topics = tuple(topics)
    latencies = [pair.now.latency for pair in pairs.values()]
    known = [latency for latency in latencies if not isinstance(latency, Unknown)]
    return EngineLook(
        scale_out=len(pairs),
        uptime=up,
        latency=max(known) if known else latencies[0],
        workers=tuple(
            WorkerLook(
                name,
                cpu(pair.before, pair.now, pair.passed),
                throughput(pair.before, pair.now, pair.passed, topics),
                since(pair.now),
            )
            for name, pair in sorted(pairs.items())
        ),
        max_parallelism=NO_LIMIT,
        checkpoint_interval=NO_INTERVAL,
    )


def since(scrape: Scrape) -> datetime | None:
    """Return when a worker's process started."""
    if isinstance(scrape.started, Unknown):
        return None
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=scrape.started)
    except OverflowError:
        return None
