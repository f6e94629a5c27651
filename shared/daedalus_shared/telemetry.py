"""What a service tells about itself: counters, JSON logs, and whether it is well."""

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest

from daedalus_shared.events import Event, event_type

HANDLED = Counter("daedalus_events_handled_total", "Events folded into a state.", ["topic"])
SKIPPED = Counter(
    "daedalus_events_skipped_total", "Events delivered again, and skipped.", ["topic"]
)
PUBLISHED = Counter("daedalus_events_published_total", "Events written.", ["topic"])
DEAD_LETTERS = Counter("daedalus_dead_letters_total", "Messages that could not be read.", ["topic"])
HANDLING = Histogram(
    "daedalus_handling_seconds",
    "From an event's delivery until its results are with the broker.",
    ["type"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)

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
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes(
        [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)]
    )
    return app
