"""Flink and Prometheus that answer 500, HTML, nothing, or not at all: each is one clear line."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from daedalus_local.ports import free_port
from daedalus_monitor.adapters.flink import FlinkSource
from daedalus_monitor.adapters.flink_rest import FlinkRest
from daedalus_monitor.adapters.http import LIMIT, Http
from daedalus_monitor.adapters.prometheus import Prometheus, PrometheusSource
from daedalus_monitor.domain.counters import Moment
from daedalus_monitor.domain.offsets import Offsets
from daedalus_monitor.domain.readings import Unknown
from daedalus_monitor.inquiry import Inquiry
from daedalus_monitor.ports import EngineSource, SourceError, Sources
from daedalus_shared.credentials import read_credentials

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]

NOW = Moment(datetime(2026, 1, 1, 12, tzinfo=UTC), 0.0)
GOOD = b'{"jobs": [{"jid": "a", "name": "ysb", "state": "RUNNING"}]}'


def said(body: bytes, status: int = 200, kind: str = "application/json") -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, status=status, content_type=kind)

    return answer


async def broken_off(request: web.Request) -> web.StreamResponse:
    """Announce more than is sent, and hang up."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(GOOD)
    assert request.transport is not None
    request.transport.close()
    return response


async def hung_up(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    block = b" " * 1024 * 1024
    for _ in range(LIMIT // len(block) + 8):
        await response.write(block)
    return response


async def silent(request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(60)
    return web.Response()


class Server:
    """Answers every request alike."""

    def __init__(self) -> None:
        self.answer: Answer = said(GOOD)
        self.url = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        return await self.answer(request)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    found = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.handle)
    async with TestServer(app) as started:
        found.url = str(started.make_url("/"))
        yield found


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as opened:
        yield opened


def flink(session: ClientSession, url: str) -> EngineSource:
    return FlinkSource(FlinkRest(Http(session, url)), "ysb", sample=5.0)


def prometheus(session: ClientSession, url: str) -> EngineSource:
    return PrometheusSource(Prometheus(Http(session, url)), "ysb", sample=5.0)


FAULTS = [
    pytest.param(said(b"oops", 500), "answered 500", id="500"),
    pytest.param(said(b"{}", 404), "answered 404", id="404"),
    pytest.param(
        said(b'{"errors": ["Not ready yet.\\n\\tat org.apache.flink"]}', 503),
        "answered 503: Not ready yet.",
        id="Flink's own words",
    ),
    pytest.param(
        said(b'{"status": "error", "error": "query timed out"}', 503),
        "answered 503: query timed out",
        id="Prometheus' own words",
    ),
    pytest.param(
        said(b"<!DOCTYPE html><html>", kind="text/html"), "HTML instead of JSON", id="HTML"
    ),
    pytest.param(said(b""), "answered nothing", id="nothing"),
    pytest.param(said(GOOD[:30]), "that is no JSON", id="truncated JSON"),
    pytest.param(said(b"null"), "JSON of another kind", id="null"),
    pytest.param(said(b'{"status": "success"}'), "JSON of another kind", id="another shape"),
    pytest.param(said(b"\xff\xfe\x00"), "that is no JSON", id="no text"),
    pytest.param(said(b"[" * 100_000), "that is no JSON", id="brackets without end"),
    pytest.param(broken_off, "broke off its answer", id="broken off"),
    pytest.param(hung_up, "cannot be reached", id="hung up"),
    pytest.param(endless, f"more than {LIMIT} bytes", id="endless"),
]


@pytest.mark.parametrize(("answer", "why"), FAULTS)
@pytest.mark.parametrize("source", [flink, prometheus])
async def test_a_fault_is_one_line_with_the_address(
    server: Server,
    session: ClientSession,
    source: Callable[[ClientSession, str], EngineSource],
    answer: Answer,
    why: str,
) -> None:
    server.answer = answer

    with pytest.raises(SourceError) as found:
        await source(session, server.url).look(NOW)

    message = str(found.value)
    assert why in message
    assert server.url.rstrip("/") in message
    assert "\n" not in message
    assert len(message) < 300


async def test_nobody_listens(session: ClientSession) -> None:
    with pytest.raises(SourceError, match="cannot be reached"):
        await flink(session, f"http://127.0.0.1:{free_port()}").look(NOW)


async def test_a_name_that_nobody_knows(session: ClientSession) -> None:
    with pytest.raises(SourceError, match="cannot be reached"):
        await flink(session, "http://jobmanager.invalid:8081").look(NOW)


class NoOffsets:
    async def look(self) -> Offsets:
        return Offsets.nothing("not asked")


async def test_a_silent_server_is_left_in_time_and_the_other_source_is_asked(
    server: Server, session: ClientSession
) -> None:
    server.answer = silent
    dead = f"http://127.0.0.1:{free_port()}"
    inquiry = Inquiry(Sources((flink(session, server.url), prometheus(session, dead)), NoOffsets()))
    began = time.monotonic()

    look, _ = await inquiry.look(NOW, budget=4)

    assert time.monotonic() - began < 16
    assert isinstance(look.scale_out, Unknown)
    assert look.scale_out.why.startswith("no answer within 2 s; ")
    assert "cannot be reached" in look.scale_out.why


async def test_a_server_that_recovers_is_read_again(server: Server, session: ClientSession) -> None:
    source = flink(session, server.url)
    server.answer = said(b"oops", 500)
    with pytest.raises(SourceError):
        await source.look(NOW)

    server.answer = said(b'{"jobs": []}')
    with pytest.raises(SourceError, match="Flink knows no job named ysb"):
        await source.look(NOW)


async def test_credentials_go_to_their_server_alone_and_a_refusal_says_where_they_are(
    server: Server, session: ClientSession, tmp_path: Path
) -> None:
    sent: list[tuple[str, str | None]] = []

    async def checking(request: web.Request) -> web.StreamResponse:
        sent.append((request.path, request.headers.get("Authorization")))
        if request.path.endswith("moved/jobs/overview"):
            raise web.HTTPFound("/elsewhere")
        known = request.headers.get("Authorization") == "Bearer hush"
        return web.Response(
            body=GOOD if known else b"{}",
            status=200 if known else 401,
            content_type="application/json",
        )

    server.answer = checking
    file = tmp_path / "flink"
    file.write_text(f"at={server.url}\nbearer=hush\n")
    credentials = read_credentials(tmp_path, "MONITOR_CREDENTIALS")

    def client(url: str) -> FlinkRest:
        return FlinkRest(Http(session, url, access=credentials.http(url)))

    assert [job.name for job in await client(server.url).jobs()] == ["ysb"]
    with pytest.raises(SourceError, match="answered 302"):
        await client(f"{server.url}moved").jobs()
    assert ("/elsewhere", "Bearer hush") not in sent, "a redirect is not followed with them"

    elsewhere = server.url.replace("127.0.0.1", "localhost")
    with pytest.raises(SourceError, match=r"401.*is in the folder MONITOR_CREDENTIALS") as refusal:
        await client(elsewhere).jobs()
    assert sent[-1] == ("/jobs/overview", None), "another address gets none"
    assert "hush" not in str(refusal.value)
