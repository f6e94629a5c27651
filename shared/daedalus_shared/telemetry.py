"""What a service tells about itself: counters, JSON logs, and whether it is well."""

import json
import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from daedalus_shared import job_gauges
from daedalus_shared.events import Decision, Event, ScaleOutcome, event_type


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of a service, as `docs/metrics.md` tells of it."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str
    by: str
    """The service that exports it, or `all`."""


# A second series for each counter, which nobody asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the client has no type for it

CATALOGUE: list[Metric] = []
"""All metrics that are no job's; a service's are here once its module is imported."""


def counter(name: str, meaning: str, labels: Sequence[str] = (), *, by: str = "all") -> Counter:
    """Make a counter, and list it."""
    CATALOGUE.append(Metric(name, "counter", tuple(labels), meaning, by))
    return Counter(name, meaning, labels)


def gauge(name: str, meaning: str, *, by: str = "all") -> Gauge:
    """Make a gauge, and list it."""
    CATALOGUE.append(Metric(name, "gauge", (), meaning, by))
    return Gauge(name, meaning)


def histogram(
    name: str,
    meaning: str,
    labels: Sequence[str] = (),
    *,
    buckets: Sequence[float],
    by: str = "all",
) -> Histogram:
    """Make a histogram, and list it."""
    CATALOGUE.append(Metric(name, "histogram", tuple(labels), meaning, by))
    return Histogram(name, meaning, labels, buckets=buckets)


READY = gauge("daedalus_ready", "1 where /readyz says ready, else 0.")
HANDLED = counter("daedalus_events_handled_total", "Events folded into a state.", ["topic"])
SKIPPED = counter(
    "daedalus_events_skipped_total", "Events delivered again, and skipped.", ["topic"]
)
PUBLISHED = counter("daedalus_events_published_total", "Events written.", ["topic"])
DEAD_LETTERS = counter("daedalus_dead_letters_total", "Messages that could not be read.", ["topic"])
HANDLING = histogram(
    "daedalus_handling_seconds",
    "Seconds from an event's delivery until its results are with the broker.",
    ["type"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
DECISIONS = counter(
    "daedalus_decisions_total",
    "Decisions taken, by their reason.",
    ["planner", "reason"],
    by="planner",
)
OUTCOMES = counter(
    "daedalus_outcomes_total",
    "Commands that came to an end, by what became of them.",
    ["status"],
    by="executor",
)


class Jobs(Collector):
    """The gauges of the jobs that this process owns, exported at each scrape."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._newest = job_gauges.Newest()
        self._hidden = False

    def fold(self, event: Event) -> None:
        """Export what an event says of its job from now on."""
        self._newest.fold(event, self._clock())

    def forget(self, job: str) -> None:
        """Export nothing of a job that is no more."""
        self._newest.forget(job)

    def hide(self) -> None:
        """Export nothing while it is not known which jobs are ours."""
        self._hidden = True

    def show(self, ours: Callable[[str], bool]) -> None:
        """Export the jobs that are still ours; what was known of the others is dropped."""
        self._newest.keep(filter(ours, self._newest.jobs))
        self._hidden = False

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Name nothing ahead: the names are constants, and none is taken twice."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges that any job has now."""
        if self._hidden:
            return
        families: dict[str, GaugeMetricFamily] = {}
        for job, sample in self._newest.at(self._clock()):
            made = sample.gauge
            family = families.get(made.name)
            if family is None:
                labels = [job_gauges.JOB, *made.labels]
                family = families[made.name] = GaugeMetricFamily(
                    made.name, made.meaning, labels=labels
                )
            family.add_metric((job, *sample.labels), sample.value)
        yield from families.values()


JOBS = Jobs()
REGISTRY.register(JOBS)


def published(event: Event) -> None:
    """Count an event of this service's own that the broker has taken, and export what it says."""
    JOBS.fold(event)
    match event:
        case Decision():
            DECISIONS.labels(event.planner, event.reason).inc()
        case ScaleOutcome():
            OUTCOMES.labels(event.status).inc()


_event: ContextVar[Event | None] = ContextVar("event", default=None)

_QUIET = {"aiokafka": 5.0, "faust": 5.0, "mode": 5.0}
"""Loggers that repeat themselves when a broker is away → seconds between equal lines."""


@contextmanager
def handling(event: Event) -> Iterator[None]:
    """Time the handling of an event, and put its correlation id into all logs meanwhile."""
    token = _event.set(event)
    began = time.perf_counter()
    try:
        yield
    finally:
        HANDLING.labels(event_type(type(event))).observe(time.perf_counter() - began)
        _event.reset(token)


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """Return the record with the job and the correlation id of the event at hand."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
        }
        event = _event.get()
        if event is not None:
            line |= {"job": event.job, "correlationid": event.correlation}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class RateLimit(logging.Filter):
    """Drops a line that its logger said already within some seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is new enough."""
        every = _QUIET.get(record.name.partition(".")[0])
        if every is None:
            return True
        line = (record.name, str(record.msg))
        if record.created - self._said.get(line, 0.0) < every:
            return False
        self._said[line] = record.created
        return True


def log_json(service: str, level: str) -> None:
    """Send all logs to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(service))
    handler.addFilter(RateLimit())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def health_app(unready: Callable[[], str | None]) -> web.Application:
    """Return /healthz, /readyz and /metrics; `unready` says why the service is not ready."""

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        why = unready()
        return (
            web.Response(text="ready\n")
            if why is None
            else web.Response(text=why + "\n", status=503)
        )

    async def metrics(_: web.Request) -> web.Response:
        READY.set(unready() is None)
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes(
        [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)]
    )
    return app
