"""The web application: guard, API, health, sign-in, and the page."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from daedalus_console.brokers import Address
from daedalus_console.errors import ChangedError, ConsoleError
from daedalus_console.live.live import Live
from daedalus_console.records import printable
from daedalus_console.web import api, problems, signing
from daedalus_console.web.access import Access
from daedalus_console.web.accounts import Accounts
from daedalus_console.web.api import Ports
from daedalus_console.web.guard import Guard, is_api
from daedalus_console.web.past import Past
from daedalus_console.web.readings import BusyError, Readings
from daedalus_console.web.settings import Settings
from daedalus_console.web.steering import Steering, TooManyError
from daedalus_console.web.stream import FullError, Streams
from daedalus_shared.telemetry import READY

log = logging.getLogger(__name__)

DESCRIPTION = """What Daedalus knows of the jobs, live, and what people ask of them.

Reads need the role `read`, writes the role `steer`. Errors are `application/problem+json`
(RFC 9457) with one sentence that names the field and the mend. Two who ask for the same at a time
are both on record, and the last counts; who names the `ETag` of the overrides in `If-Match` is
refused with 412 instead.
"""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application is made of."""

    settings: Settings
    live: Live
    access: Access
    address: Address
    clock: Callable[[], datetime]


def build(parts: Parts, page: Callable[[FastAPI, Ports, Access], None]) -> ASGIApp:
    """Return the application; `page` adds what is shown to people."""
    settings, live, clock = parts.settings, parts.live, parts.clock
    readings = Readings(clock, settings.readings, settings.most_read)
    looks = Readings(clock, settings.readings, settings.most_read, kept=False)
    ports = Ports(
        live=live,
        steering=Steering(parts.address, clock, settings.writes_per_minute),
        streams=Streams(live, clock, settings.listeners),
        accounts=Accounts(parts.address, clock, readings, settings.speed),
        past=Past(parts.address, looks),
        access=parts.access,
        clock=clock,
    )
    answers = FastAPI(
        title="Daedalus",
        version="1",
        description=DESCRIPTION,
        openapi_url="/api/openapi.json",
        docs_url=None,  # it would come from another host
        redoc_url=None,
    )
    _errors(answers)
    answers.include_router(api.router(ports))
    _health(answers, live)
    _documented(answers)
    shows = FastAPI(openapi_url=None)
    signing.add(shows, parts.access)
    page(shows, ports, parts.access)
    return Guard(_Split(answers, shows), settings, parts.access)


class _Split:
    """Two applications, since the page takes every path that it is given."""

    def __init__(self, answers: ASGIApp, shows: ASGIApp) -> None:
        self._answers = answers
        self._shows = shows

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one of them answer; begin and end are the page's alone."""
        programs = scope["type"] == "http" and is_api(scope["path"])
        await (self._answers if programs else self._shows)(scope, receive, send)


def _health(app: FastAPI, live: Live) -> None:
    # Asynchronous, since the threads of the others may all wait for Kafka.
    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> PlainTextResponse:
        why = _unready(live)
        return PlainTextResponse(f"{why}\n", 503) if why else PlainTextResponse("ready\n")

    @app.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        READY.set(not _unready(live))
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


def _unready(live: Live) -> str:
    """Return why there is nothing to show yet; empty when there is.

    Kafka's absence later is no reason: who would not be let in could not be told of it.
    """
    standing = live.standing()
    if not standing.reading:
        return ""
    return standing.kafka.why or "still reads what lies on the topics"


def _errors(app: FastAPI) -> None:
    @app.exception_handler(ConsoleError)
    def ours(_: Request, error: ConsoleError) -> Response:
        match error:
            case TooManyError():
                return problems.problem(
                    HTTPStatus.TOO_MANY_REQUESTS, str(error), {"Retry-After": "60"}
                )
            case ChangedError():
                return problems.problem(HTTPStatus.PRECONDITION_FAILED, str(error))
            case BusyError():
                return problems.problem(
                    HTTPStatus.SERVICE_UNAVAILABLE, str(error), {"Retry-After": "5"}
                )
            case FullError():
                return problems.problem(
                    HTTPStatus.SERVICE_UNAVAILABLE, str(error), {"Retry-After": "60"}
                )
        return problems.of(error)

    @app.exception_handler(RequestValidationError)
    def invalid(_: Request, error: RequestValidationError) -> Response:
        return problems.problem(HTTPStatus.UNPROCESSABLE_ENTITY, sentence(error.errors()))

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> Response:
        detail = {404: f"there is no {request.url.path}; /api/openapi.json lists what there is"}
        told = detail.get(error.status_code, str(error.detail))
        headers = dict(error.headers or {})
        return problems.problem(HTTPStatus(error.status_code), told, headers)


def sentence(errors: Any) -> str:
    """Return what is wrong with a request: field, value, and what would be right."""
    told = []
    for error in list(errors)[:3]:
        where = [str(part) for part in error["loc"]]
        field = ".".join(where[1:] or where)
        what = str(error["msg"]).removeprefix("Value error, ")
        value = error.get("input")
        shown = isinstance(value, str | int | float | bool)
        told.append(
            f"{field}: {printable(str(value))[:80]!r}: {what}" if shown else f"{field}: {what}"
        )
    return "; ".join(told)


def _documented(app: FastAPI) -> None:
    """Describe errors as they are: `Problem`, in place of what the framework would answer."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = made()
            schemas = schema["components"]["schemas"]
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            schemas["Problem"] = problems.Problem.model_json_schema()
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend it
