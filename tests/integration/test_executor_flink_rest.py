"""The Flink client against a server that misbehaves as real ones do."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from daedalus_executor.adapters.clock import SystemClock
from daedalus_executor.adapters.flink_rest import FlinkRest, Job, JobGoneError
from daedalus_executor.ports import ExpiredError, TargetError
from daedalus_shared.credentials import read_credentials

VERTEX = {"id": "v", "parallelism": 2, "maxParallelism": 12, "tasks": {"RUNNING": 2}}
JOB = {"jid": "j1", "name": "ysb", "state": "RUNNING", "vertices": [VERTEX]}
JOBS = {"jobs": [{"jid": "j1", "name": "ysb", "state": "RUNNING"}]}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Clock(SystemClock):
    """Does not wait between attempts."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


class Flink:
    """A server whose answers are queued; the last one is repeated."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Handler]] = {}
        self.requests: list[tuple[str, str, Any]] = []
        self.url = ""

    def answer(self, path: str, *handlers: Handler) -> None:
        self.answers[path] = list(handlers)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        self.requests.append((request.method, request.path, body))
        handlers = self.answers.get(request.path)
        if not handlers:
            return web.json_response({"errors": ["Not found."]}, status=404)
        return await (handlers.pop(0) if len(handlers) > 1 else handlers[0])(request)


def says(value: Any, status: int = 200) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        return web.json_response(value, status=status)

    return handler


async def html(_: web.Request) -> web.Response:
    return web.Response(text="<html><h1>Bad gateway</h1></html>", content_type="text/html")


async def hangs_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def nothing(_: web.Request) -> web.Response:
    await asyncio.sleep(30)
    return web.Response()


@pytest.fixture
async def flink() -> AsyncIterator[Flink]:
    server = Flink()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    server.answer("/jobs/overview", says(JOBS))
    server.answer("/jobs/j1", says(JOB))
    server.answer("/jobs/j1/resource-requirements", says({}))
    yield server
    await runner.cleanup()


SECONDS = 10.0
"""For one request: a machine that stalls must not cost another, since they are counted."""


def client(flink: Flink, seconds: float = SECONDS) -> FlinkRest:
    return FlinkRest(flink.url, Clock(), read=seconds, write=seconds)


def patience(trouble: Handler) -> float:
    """Seconds for one request: few where no answer is the trouble."""
    return 0.3 if trouble is nothing else SECONDS


async def granted(*, finishing: bool = False) -> None:
    """Permit everything."""


async def test_finds_the_running_job_by_its_name(flink: Flink) -> None:
    ended = {"jid": "j0", "name": "ysb", "state": "CANCELED"}
    flink.answer("/jobs/overview", says({"jobs": [ended, *JOBS["jobs"]]}))

    job = await client(flink).find("ysb")

    assert (job.jid, job.scale_out, job.runs) == ("j1", 2, True)


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(says({"errors": ["boom"]}, 500), id="500"),
        pytest.param(says({"errors": ["starting"]}, 503), id="503"),
        pytest.param(html, id="html"),
        pytest.param(says({"jobs": "none"}), id="other JSON"),
        pytest.param(hangs_up, id="hangs up"),
        pytest.param(nothing, id="no answer"),
    ],
)
async def test_a_trouble_that_passes_is_outlasted(flink: Flink, trouble: Handler) -> None:
    flink.answer("/jobs/overview", trouble, trouble, says(JOBS))

    assert (await client(flink, patience(trouble)).find("ysb")).jid == "j1"


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        pytest.param(says({"errors": ["boom"]}, 500), r"/jobs/overview: 500 .*boom", id="500"),
        pytest.param(html, "something else than Flink's JSON", id="html"),
        pytest.param(hangs_up, "does not answer", id="hangs up"),
        pytest.param(nothing, "does not answer", id="no answer"),
    ],
)
async def test_a_trouble_that_stays_is_an_error_after_four_attempts(
    flink: Flink, trouble: Handler, why: str
) -> None:
    flink.answer("/jobs/overview", trouble)

    with pytest.raises(TargetError, match=why):
        await client(flink, patience(trouble)).find("ysb")

    assert len(flink.requests) == 4


async def test_nobody_listens() -> None:
    with pytest.raises(TargetError, match=r"127\.0\.0\.1:9 does not answer"):
        await FlinkRest("http://127.0.0.1:9", Clock(), read=SECONDS, write=SECONDS).find("ysb")


@pytest.mark.parametrize(
    ("jobs", "why"),
    [
        pytest.param([], "no job named 'ysb' runs at", id="no job"),
        pytest.param(
            [{"jid": "j0", "name": "ysb", "state": "FAILED"}],
            r"no job named 'ysb' runs at .* \(FAILED under id j0\)",
            id="failed",
        ),
        pytest.param([*JOBS["jobs"], *JOBS["jobs"]], "2 jobs named 'ysb'", id="two"),
    ],
)
async def test_a_job_that_cannot_be_told_is_an_error_at_once(
    flink: Flink, jobs: list[dict[str, str]], why: str
) -> None:
    flink.answer("/jobs/overview", says({"jobs": jobs}))

    with pytest.raises(TargetError, match=why):
        await client(flink).find("ysb")

    assert len(flink.requests) == 1


async def test_a_job_that_vanished_is_gone(flink: Flink) -> None:
    with pytest.raises(JobGoneError, match="404"):
        await client(flink).job("j7")


@pytest.mark.parametrize(
    ("state", "tasks", "runs"),
    [
        pytest.param("RUNNING", {"RUNNING": 2}, True, id="all run"),
        pytest.param("RUNNING", {"RUNNING": 1, "FINISHED": 1}, True, id="one is done"),
        pytest.param("RUNNING", {"RUNNING": 1, "INITIALIZING": 1}, False, id="one starts"),
        pytest.param("RESTARTING", {"RUNNING": 2}, False, id="restarting"),
        pytest.param("RUNNING", {}, False, id="unknown"),
    ],
)
async def test_tells_whether_all_of_a_job_runs(
    flink: Flink, state: str, tasks: dict[str, int], runs: bool
) -> None:
    flink.answer("/jobs/j1", says(JOB | {"state": state, "vertices": [VERTEX | {"tasks": tasks}]}))

    assert (await client(flink).job("j1")).runs is runs


async def test_requirements_are_put_again_only_by_a_new_permit(flink: Flink) -> None:
    path = "/jobs/j1/resource-requirements"
    flink.answer(path, says({}, 500), says({}, 500), says({}))
    asked: list[bool] = []

    async def permit(*, finishing: bool = False) -> None:
        asked.append(finishing)

    await client(flink).require(Job.model_validate(JOB), 3, permit)

    puts = [body for method, at, body in flink.requests if (method, at) == ("PUT", path)]
    assert puts == [{"v": {"parallelism": {"lowerBound": 1, "upperBound": 3}}}] * 3
    assert asked == [False] * 3


async def test_without_a_permit_no_request_is_sent(flink: Flink) -> None:
    async def void(*, finishing: bool = False) -> None:
        raise ExpiredError("void")

    with pytest.raises(ExpiredError):
        await client(flink).require(Job.model_validate(JOB), 3, void)

    assert flink.requests == []


async def test_a_request_that_became_overdue_is_not_sent_without_a_new_permit(flink: Flink) -> None:
    """As by a process that is stopped when it may send, and woken up after others took over."""
    readings = [0.0, 60.0, 60.0, 60.0]  # as it may send, before the first byte; and once more
    permits: list[bool] = []

    class Stopped(Clock):
        def monotonic(self) -> float:
            return readings.pop(0)

    async def permit(*, finishing: bool = False) -> None:
        permits.append(finishing)

    rest = FlinkRest(flink.url, Stopped(), read=SECONDS, write=SECONDS)
    await rest.require(Job.model_validate(JOB), 3, permit)

    assert len(permits) == 2
    assert [method for method, _, _ in flink.requests] == ["PUT"]
    assert readings == []


async def test_a_refusal_is_an_error_at_once_in_flinks_words(flink: Flink) -> None:
    refusal = {"errors": ["Cannot change the parallelism in reactive mode: " + json.dumps([1])]}
    flink.answer("/jobs/j1/resource-requirements", says(refusal, 400))

    with pytest.raises(TargetError, match=r"400 .*reactive mode"):
        await client(flink).require(Job.model_validate(JOB), 3, granted)

    assert len(flink.requests) == 1


async def test_a_redirect_is_not_followed(flink: Flink) -> None:
    """It could lead to a server that is not allowed."""

    async def elsewhere(request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect(f"{flink.url}/other")

    flink.answer("/jobs/j1/resource-requirements", elsewhere)

    with pytest.raises(TargetError, match="307"):
        await client(flink).require(Job.model_validate(JOB), 3, granted)

    assert [path for _, path, _ in flink.requests] == ["/jobs/j1/resource-requirements"]


async def test_credentials_are_sent_to_their_server_and_shown_nowhere(
    flink: Flink, tmp_path: Path
) -> None:
    async def checking(request: web.Request) -> web.StreamResponse:
        known = request.headers.get("Authorization") == "Basic bWU6aHVzaA=="
        return web.json_response(
            JOBS if known else {"errors": ["who?"]}, status=200 if known else 401
        )

    flink.answer("/jobs/overview", checking)
    file = tmp_path / "flink"
    file.write_text(f"at={flink.url}\nusername=me\npassword=hush\n")
    access = read_credentials(tmp_path, "EXECUTOR_CREDENTIALS").http(flink.url)
    rest = FlinkRest(flink.url, Clock(), read=SECONDS, write=SECONDS, access=access)
    assert (await rest.find("ysb")).jid == "j1"

    file.write_text(f"at={flink.url}\nusername=me\npassword=hush-wrong\n")
    wrong = read_credentials(tmp_path, "EXECUTOR_CREDENTIALS").http(flink.url)
    with pytest.raises(TargetError, match="401") as refusal:
        await FlinkRest(flink.url, Clock(), read=SECONDS, write=SECONDS, access=wrong).find("ysb")
    assert "hush" not in str(refusal.value)
