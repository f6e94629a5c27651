"""The web application without Kafka: what is answered, and what is turned away at the door."""

import asyncio
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request

from daedalus_console.brokers import Address
from daedalus_console.errors import UnreachableError
from daedalus_console.live.live import Live
from daedalus_console.records import Record
from daedalus_console.web import past as reads
from daedalus_console.web import steering, stream
from daedalus_console.web.access import Access
from daedalus_console.web.account_api import waited
from daedalus_console.web.api import Ports
from daedalus_console.web.app import Parts, build
from daedalus_console.web.guard import LARGEST
from daedalus_console.web.readings import LeftError
from daedalus_console.web.settings import Settings
from daedalus_console.web.stream import FullError, Streams
from daedalus_shared.events import Override
from daedalus_shared.topics import topic_of

NOWHERE = Address("127.0.0.1:1", "a test")


class App:
    """The application, asked by a client that names the address it was reached at."""

    def __init__(self, live: Live, now: datetime, **settings: Any) -> None:
        chosen = Settings(**settings)
        access = Access(chosen, "ada", lambda: now)
        self.app = build(Parts(chosen, live, access, NOWHERE, lambda: now), no_page)
        transport = httpx.ASGITransport(app=self.app)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8090")

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers=dashed(headers))

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return await self.client.post(path, json=body, headers=dashed(headers))


def no_page(_app: FastAPI, _ports: Ports, _access: Access) -> None:
    return


def dashed(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def told(answer: httpx.Response, status: int) -> str:
    """Return the sentence of a refusal, having seen that it is one by RFC 9457."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert found["status"] == status
    assert set(found) == {"type", "title", "status", "detail"}
    return str(found["detail"])


@pytest.fixture
def live(past: Any) -> Live:
    found = Live()
    for event in past.events:
        found.fold(Record(topic_of(type(event)), 0, 0, event.at, event.key, None, event))
    return found


@pytest.fixture
def app(live: Live, noon: datetime) -> App:
    return App(live, noon)


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "tokens.yaml"
    right, looker = (hashlib.sha256(text.encode()).hexdigest() for text in ("right", "look"))
    path.write_text(
        f"- {{name: grace, sha256: {right}, role: steer}}\n- {{name: alan, sha256: {looker}}}\n"
    )
    return path


async def test_jobs_are_paged_and_filtered(app: App, live: Live, past: Any) -> None:
    for name in ("a", "b", "zz"):
        spec = past.declaration.spec.model_copy(update={"job": name})
        event = past.declaration.model_copy(update={"job": name, "spec": spec})
        live.fold(Record("daedalus.control", 0, 0, event.at, event.key, None, event))

    first = (await app.get("/api/jobs?limit=2")).json()
    second = (await app.get(f"/api/jobs?limit=2&after={first['next']}")).json()

    assert [row["job"] for row in first["items"] + second["items"]] == ["a", "b", "ysb", "zz"]
    assert (first["total"], second["next"]) == (4, None)
    assert [row["job"] for row in (await app.get("/api/jobs?q=z")).json()["items"]] == ["zz"]
    silent = (await app.get("/api/jobs?state=silent")).json()
    assert [row["job"] for row in silent["items"]] == ["a", "b", "zz"]


async def test_one_job_is_shown_with_series_rescales_and_overrides(app: App) -> None:
    detail = (await app.get("/api/jobs/ysb")).json()
    series = (await app.get("/api/jobs/ysb/series")).json()
    rescales = (await app.get("/api/jobs/ysb/rescales")).json()
    overrides = await app.get("/api/jobs/ysb/overrides")

    assert detail["row"]["load"] == pytest.approx(43_000 / 52_300)
    assert detail["curve"]["points"][0]["basis"] == "observed"
    assert series["metrics"]["values"]["workload"] == [42_000]
    assert series["metrics"]["values"]["latency"] == [None]
    assert [(each["before"], each["after"]) for each in rescales["items"]] == [(4, 6)]
    assert overrides.json() == {"in_force": [], "asked": []}
    assert overrides.headers["etag"]


async def test_a_decision_in_memory_is_told_while_kafka_is_away(app: App, past: Any) -> None:
    page = (await app.get("/api/jobs/ysb/decisions?limit=1")).json()
    found = await app.get(f"/api/jobs/ysb/decisions/{page['items'][0]['id']}")

    assert found.json()["decision"]["candidates"][2]["why"] == "78k/s last for the whole horizon"
    assert found.json()["complete"] is False


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("/api/jobs/none", 404, "no job 'none' is known"),
        ("/api/jobs/none/decisions", 404, "no job 'none' is known"),
        ("/api/jobs/<b>", 422, "job: '<b>'"),
        ("/api/jobs/ysb/decisions/0", 404, "tick"),
        ("/api/jobs?limit=0", 422, "limit: '0'"),
        ("/api/jobs/ysb/series?since=soon", 422, "since: 'soon' is no time"),
        ("/api/nothing", 404, "there is no /api/nothing"),
    ],
)
async def test_a_wrong_question_is_answered_in_a_sentence(
    app: App, path: str, status: int, detail: str
) -> None:
    assert detail in told(await app.get(path), status)


async def test_everything_carries_the_headers_that_browsers_need(app: App) -> None:
    for path in ("/api/jobs", "/api/nothing", "/healthz"):
        headers = (await app.get(path)).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers


async def test_html_in_a_reason_is_data(app: App, live: Live, past: Any) -> None:
    reason = "<script>alert(1)</script>"
    event = past.decision.model_copy(
        update={"tick": past.decision.tick.replace(minute=1), "sentence": reason}
    )
    live.fold(Record("daedalus.decisions", 0, 0, event.tick, event.key, None, event))

    answer = await app.get("/api/jobs/ysb")

    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["row"]["decision"]["sentence"] == reason


WISH = {"until": "30m", "why": "release"}


async def test_nobody_steers_unless_it_is_allowed(app: App) -> None:
    answer = await app.post("/api/jobs/ysb/pause", WISH)

    assert "ada may read and not steer" in told(answer, 403)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Origin": "http://evil.example"}, id="origin"),
        pytest.param({"Origin": "null"}, id="sandboxed"),
        pytest.param({"Origin": "http://["}, id="no address"),
        pytest.param({"Origin": "http://127.0.0.1:9"}, id="another port"),
        pytest.param({"Sec_Fetch_Site": "cross-site"}, id="cross-site"),
        pytest.param({"Sec_Fetch_Site": "same-site"}, id="a neighbour"),
    ],
)
async def test_another_site_cannot_steer(
    live: Live, noon: datetime, headers: dict[str, str]
) -> None:
    app = App(live, noon, local="steer")

    assert "another site" in told(await app.post("/api/jobs/ysb/pause", WISH, **headers), 403)


async def test_a_foreign_name_of_this_address_is_none_of_ours(app: App) -> None:
    detail = told(await app.get("/api/jobs", Host="evil.example:8090"), 421)

    assert "CONSOLE_HOSTS" in detail
    assert (await app.get("/api/jobs", Host="localhost:1")).status_code == 200
    assert (await app.get("/api/jobs", Host="[::1]:1")).status_code == 200


async def test_what_watches_may_ask_by_address(live: Live, noon: datetime) -> None:
    """A kubelet and a Prometheus name the address of a pod; a browser led astray names a name."""
    app = App(live, noon, host="0.0.0.0", anybody_reads=True, hosts=("page",))  # noqa: S104

    for host in ("10.1.2.3:8080", "[fd00::1]:8080", "page:8080"):
        assert (await app.get("/healthz", Host=host)).status_code == 200
    for path in ("/healthz", "/metrics", "/api/jobs"):
        told(await app.get(path, Host="evil.example:8080"), 421)
    told(await app.get("/api/jobs", Host="10.1.2.3:8080"), 421)
    assert (await app.get("/api/jobs", Host="127.0.0.1:8090")).status_code == 200
    refused = await app.post("/api/jobs/ysb/pause", WISH)
    assert "anybody may read and not steer" in told(refused, 403)


async def test_ready_once_the_past_is_read_whatever_becomes_of_kafka(
    app: App, live: Live, noon: datetime
) -> None:
    assert (await app.get("/readyz")).text == "not asked yet\n"
    live.connected(noon)
    assert (await app.get("/readyz")).text == "still reads what lies on the topics\n"
    assert "\ndaedalus_ready 0.0" in (await app.get("/metrics")).text

    live.caught_up()
    live.away(noon, "Kafka does not answer")

    assert (await app.get("/readyz")).text == "ready\n"
    assert "\ndaedalus_ready 1.0" in (await app.get("/metrics")).text


async def test_answers_are_counted(app: App) -> None:
    async def counted(metric: str) -> float:
        lines = (await app.get("/metrics")).text.splitlines()
        return next((float(line.split()[-1]) for line in lines if line.startswith(metric)), 0.0)

    refused = 'daedalus_console_answers_total{status="404"}'
    before = await counted(refused)
    await app.get("/api/nothing")
    assert await counted(refused) == before + 1


async def test_a_body_is_bounded_whether_it_says_its_length_or_not(
    live: Live, noon: datetime
) -> None:
    app = App(live, noon, local="steer")

    long = {"until": "30m", "why": "x" * LARGEST}
    assert "larger" in told(await app.post("/api/jobs/ysb/pause", long), 413)
    endless_number = await app.post("/api/jobs/ysb/pause", WISH, Content_Length="9" * 5_000)
    assert "larger" in told(endless_number, 413)

    async def endless() -> Any:
        for _ in range(10):
            yield b" " * LARGEST

    answer = await app.client.post(
        "/api/jobs/ysb/pause", content=endless(), headers={"Content-Type": "application/json"}
    )
    assert 400 <= answer.status_code < 500
    assert "larger" in told(await app.client.post("/login", content=endless()), 413)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
@pytest.mark.parametrize(
    "path", ["decisions?before=", "rescales?before=", "decisions/0?tick=", "series?since="]
)
async def test_a_calendar_has_ends(noon: datetime, past: Any, path: str, at: str) -> None:
    live = Live()
    event = past.metrics
    live.fold(Record("daedalus.metrics", 0, 0, event.at, event.key, None, event))

    answer = await App(live, noon).get(f"/api/jobs/ysb/{path}{at}")

    assert answer.status_code == (200 if "series" in path else 503), answer.text


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"until": "30m"}, "why: Field required"),
        ({"until": "30m", "why": " "}, "why"),
        ({"until": "30m", "why": "a", "who": "b"}, "who"),
        ({"until": "30m", "why": "a", "direction": "left"}, "direction: 'left'"),
        ([], "dictionary"),
    ],
)
async def test_a_wrong_wish_names_the_field(
    live: Live, noon: datetime, body: Any, detail: str
) -> None:
    app = App(live, noon, local="steer")

    assert detail in told(await app.post("/api/jobs/ysb/pause", body), 422)


async def test_kafka_away_is_said_and_not_waited_for_long(live: Live, noon: datetime) -> None:
    app = App(live, noon, local="steer")

    assert "Kafka does not answer" in told(await app.post("/api/jobs/ysb/pause", WISH), 503)
    assert (await app.get("/readyz")).status_code == 503
    assert (await app.get("/healthz")).status_code == 200


async def test_one_person_asks_so_often_in_a_minute_and_no_more(live: Live, noon: datetime) -> None:
    app = App(live, noon, local="steer", writes_per_minute=1)

    await app.post("/api/jobs/ysb/pause", WISH)
    assert "ada asked 1 times" in told(await app.post("/api/jobs/ysb/pause", WISH), 429)


class SlowKafka:
    """Until `answers` is set it keeps a write waiting; then it gives it up."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.answers = threading.Event()

    def __call__(self, *_: object) -> Any:
        self.asked.set()
        self.answers.wait()
        raise UnreachableError("Kafka does not answer")


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowKafka]:
    found = SlowKafka()
    monkeypatch.setattr(steering, "control", found)
    yield found
    found.answers.set()  # else a test that fails leaves a thread behind


async def until(what: Callable[[], object]) -> None:
    """Wait until what a thread does has been done."""
    async with asyncio.timeout(60):
        while not what():  # noqa: ASYNC110 -- a thread sets it, not this loop
            await asyncio.sleep(0.005)


async def test_a_wish_that_ends_before_it_counts_is_refused(
    live: Live, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steering, "control", lambda *_: live.control("ysb"))
    app = App(live, noon, local="steer")

    answer = await app.post("/api/jobs/ysb/pause", {**WISH, "until": "25s"})

    assert "until must be later than 2026-01-01T12:00:30+00:00" in told(answer, 422)


async def test_slow_writes_keep_nobody_from_the_rest(
    live: Live, noon: datetime, kafka: SlowKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One writes, some wait for it a little, and more are refused at once: each holds a thread."""
    monkeypatch.setattr(steering, "WAIT", 0.1)
    app = App(live, noon, local="steer", writes_per_minute=3 * steering.WAITING)
    asked = 2 * steering.WAITING
    posts = [asyncio.ensure_future(app.post("/api/jobs/ysb/pause", WISH)) for _ in range(asked)]
    await until(lambda: sum(post.done() for post in posts) >= asked - 1)

    assert (await app.get("/healthz")).status_code == 200
    [pending] = [post for post in posts if not post.done()]  # the one that writes
    refused = [post.result() for post in posts if post.done()]
    assert all("ask again in some seconds" in told(each, 503) for each in refused)
    assert {each.headers["retry-after"] for each in refused} == {"5"}
    kafka.answers.set()
    assert "Kafka does not answer" in told(await pending, 503)
    assert "Kafka does not answer" in told(await app.post("/api/jobs/ysb/pause", WISH), 503)


async def test_writes_count_before_they_wait(live: Live, noon: datetime, kafka: SlowKafka) -> None:
    app = App(live, noon, local="steer", writes_per_minute=1)
    first = asyncio.ensure_future(app.post("/api/jobs/ysb/pause", WISH))
    await until(kafka.asked.is_set)

    assert "asked 1 times" in told(await app.post("/api/jobs/ysb/pause", WISH), 429)
    kafka.answers.set()
    await first


async def test_tokens_are_asked_for_and_roles_held(
    live: Live, noon: datetime, token_file: Path
) -> None:
    app = App(live, noon, tokens=token_file)

    refused = await app.get("/api/jobs")
    assert "no token" in told(refused, 401)
    assert refused.headers["www-authenticate"] == "Bearer"
    assert "not known" in told(await app.get("/api/jobs", Authorization="Bearer no"), 401)
    assert (await app.get("/api/jobs", Authorization="Bearer look")).status_code == 200
    answer = await app.post("/api/jobs/ysb/pause", WISH, Authorization="Bearer look")
    assert "alan may read and not steer" in told(answer, 403)
    assert (await app.get("/healthz")).status_code == 200


async def test_a_browser_signs_in_and_out(live: Live, noon: datetime, token_file: Path) -> None:
    app = App(live, noon, tokens=token_file)
    app.client.headers["Origin"] = "http://127.0.0.1:8090"

    page = await app.get("/")
    assert (page.status_code, page.headers["location"]) == (303, "/login")
    assert "Token" in (await app.get("/login")).text
    wrong = await app.client.post("/login", data={"token": "<b>wrong</b>"})
    assert wrong.status_code == 401
    assert "<b>" not in wrong.text

    right = await app.client.post("/login", data={"token": "look"})
    assert right.status_code == 303
    cookie = right.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert (await app.get("/api/jobs")).status_code == 200

    await app.client.post("/logout")
    assert (await app.get("/api/jobs")).status_code == 401


async def test_a_websocket_of_another_site_is_closed(app: App) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "websocket",
        "path": "/_nicegui_ws/socket.io/",
        "headers": [(b"host", b"127.0.0.1:8090"), (b"origin", b"http://evil.example")],
        "client": ("127.0.0.1", 1),
    }
    await app.app(scope, receive, send)

    assert [message["type"] for message in sent] == ["websocket.close"]


async def test_the_description_is_openapi_3_1_without_the_frameworks_errors(app: App) -> None:
    found = (await app.get("/api/openapi.json")).json()

    assert found["openapi"].startswith("3.1")
    assert "HTTPValidationError" not in json.dumps(found)
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    assert list(answer["content"]) == ["application/problem+json"], (path, method)


class Listener:
    """Reads a stream's events until it is told to stop."""

    def __init__(self, streams: Streams, last: str | None = None, job: str | None = None) -> None:
        self.events = streams.events(job, last, lambda: self.let_in)
        self.let_in = True

    async def next(self, kind: str) -> tuple[str, Any]:
        """Return id and data of the next event of a kind."""
        while True:
            text = await asyncio.wait_for(anext(self.events), 5)
            for block in text.strip().split("\n\n"):
                fields = dict(
                    line.split(": ", 1) for line in block.splitlines() if not line.startswith(":")
                )
                if fields.get("event") == kind:
                    return fields.get("id", ""), json.loads(fields["data"])

    async def close(self) -> None:
        await self.events.aclose()


def again(past: Any, seconds: int, job: str = "ysb") -> Record:
    at = past.metrics.at.replace(second=seconds)
    event = past.metrics.model_copy(update={"at": at, "job": job})
    return Record("daedalus.metrics", 0, 0, at, event.key, None, event)


async def test_a_stream_is_resumed_where_it_was_cut(live: Live, noon: datetime, past: Any) -> None:
    streams = Streams(live, lambda: noon, 2)
    first = Listener(streams)
    begun, standing = await first.next("standing")
    assert standing["jobs"] == 1

    live.take([again(past, 1)])
    seen, row = await first.next("job")
    assert row["job"] == "ysb"
    await first.close()
    live.take([again(past, 2)])

    resumed = Listener(streams, seen)
    _, row = await resumed.next("job")
    assert row["seen"].endswith("12:00:02Z")
    await resumed.close()

    nothing_missed = Listener(streams, begun)
    assert (await nothing_missed.next("job"))[1]["job"] == "ysb"
    await nothing_missed.close()

    of_another_process = Listener(streams, "0000-999")
    assert (await of_another_process.next("job"))[1]["job"] == "ysb"
    await of_another_process.close()


async def test_a_change_that_was_not_told_yet_is_told_when_the_stream_resumes(
    noon: datetime, past: Any
) -> None:
    live = Live()
    streams = Streams(live, lambda: noon, 2)
    listener = Listener(streams)
    await listener.next("standing")

    live.take([again(past, 1, "b")])
    # The next batch is read while this one is sent, and is not told yet.
    live.fold(again(past, 2, "a"))
    live.fold(again(past, 2, "b"))
    seen, row = await listener.next("job")
    assert (row["job"], row["seen"][-4:]) == ("b", ":02Z")
    await listener.close()

    resumed = Listener(streams, seen)
    assert (await resumed.next("job"))[1]["job"] == "a"
    await resumed.close()


async def test_a_stream_tells_what_time_alone_has_changed(
    noon: datetime, past: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "AGING", 0.01)
    monkeypatch.setattr(stream, "GATHER", 0.0)
    now, live = [noon], Live()
    pause = Override(
        job="ysb",
        at=noon,
        source="console/ada",
        kind="pause",
        until=noon + timedelta(seconds=40),
        author="ada",
    )
    heard = [past.declaration, past.metrics, pause]
    streams = Streams(live, lambda: now[0], 2)
    listener = Listener(streams)
    await listener.next("standing")
    live.take(
        [Record(topic_of(type(event)), 0, 0, noon, event.key, None, event) for event in heard]
    )

    told = []
    for second in (0, 40, 46):
        now[0] = noon + timedelta(seconds=second)
        seen, row = await listener.next("job")
        told.append((row["state"], row["health"], len(row["overrides"])))
    await listener.close()

    assert told == [
        ("paused", "ok", 1),
        ("steady", "ok", 0),
        ("late", "late", 0),
    ]
    now[0] = noon + timedelta(minutes=5)
    resumed = Listener(streams, seen)
    assert (await resumed.next("job"))[1]["state"] == "silent"
    await resumed.close()


async def test_no_more_listen_than_may(live: Live, noon: datetime) -> None:
    streams = Streams(live, lambda: noon, 1)
    first = Listener(streams)
    await first.next("standing")

    with pytest.raises(FullError, match="1 listen already"):
        await Listener(streams).next("standing")

    await first.close()
    after = Listener(streams)
    await after.next("standing")
    await after.close()


async def test_a_stream_ends_with_the_token(live: Live, noon: datetime, past: Any) -> None:
    streams = Streams(live, lambda: noon, 1)
    listener = Listener(streams)
    await listener.next("standing")

    listener.let_in = False
    live.take([again(past, 1)])
    with pytest.raises(StopAsyncIteration):
        await listener.next("job")

    await Listener(streams).next("standing")  # its place is free


async def test_kafka_away_and_back_is_on_the_stream(live: Live, noon: datetime) -> None:
    live.connected(noon)
    listener = Listener(Streams(live, lambda: noon, 1))
    assert (await listener.next("standing"))[1]["kafka"]["connected"] is True

    live.away(noon, "Kafka does not answer")
    away = (await listener.next("standing"))[1]["kafka"]
    live.connected(noon)
    back = (await listener.next("standing"))[1]["kafka"]
    await listener.close()

    assert (away["connected"], away["why"]) == (False, "Kafka does not answer")
    assert back["connected"] is True


async def test_what_is_not_in_memory_is_read_by_few_at_once(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = threading.Semaphore(0), threading.Event()

    def slow(*_: object) -> Any:
        begun.release()
        go.wait(10)
        raise UnreachableError("Kafka does not answer")

    monkeypatch.setattr(reads, "Kafka", slow)
    paths = [f"/api/jobs/ysb/{kind}?before=2025-01-01" for kind in ("decisions", "rescales")]
    reading = [asyncio.ensure_future(app.get(path)) for path in paths]
    for _ in paths:
        assert await asyncio.to_thread(begun.acquire, timeout=5)

    busy = await app.get("/api/jobs/ysb/decisions?before=2025-01-02")
    assert "as many as may (CONSOLE_READINGS)" in told(busy, 503)
    assert busy.headers["retry-after"] == "5"
    go.set()
    for each in reading:
        assert "Kafka does not answer" in told(await each, 503)


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("/api/jobs/ysb/cost?since=soon", 422, "since: 'soon' is no time"),
        ("/api/cost?since=2999-01-01T00:00:00Z", 422, "is not past"),
        ("/api/cost?hpa=0", 422, "hpa: '0'"),
        ("/api/jobs/ysb/calibration?periods=101", 422, "periods: '101'"),
        ("/api/jobs/ysb/standings?since=0001-01-01T00:00:00%2b00:00", 503, "Kafka does not answer"),
        ("/api/jobs/ysb/calibration", 503, "Kafka does not answer"),
    ],
)
async def test_an_account_that_cannot_be_told_says_why(
    app: App, path: str, status: int, detail: str
) -> None:
    assert detail in told(await app.get(path), status)


PROMOTED = {"planner": "mine", "why": "cheaper"}
FORGOTTEN = {"learned": True, "why": "rewritten"}


@pytest.mark.parametrize(
    ("path", "body", "detail"),
    [
        ("promote", {"why": "cheaper"}, "planner: name it, or a forecaster"),
        ("promote", {"planner": "mine"}, "why: Field required"),
        ("promote", PROMOTED | {"planner": " "}, "planner"),
        ("promote", PROMOTED | {"mode": "act"}, "mode"),
        ("forget", {"why": "rewritten"}, "learned: Field required"),
        ("forget", {"learned": True, "why": " "}, "why"),
    ],
)
async def test_a_wrong_wish_for_a_successor_or_oblivion_names_the_field(
    live: Live, noon: datetime, path: str, body: Any, detail: str
) -> None:
    app = App(live, noon, local="steer")

    assert detail in told(await app.post(f"/api/jobs/ysb/{path}", body), 422)


@pytest.mark.parametrize(("path", "body"), [("promote", PROMOTED), ("forget", FORGOTTEN)])
async def test_a_successor_and_oblivion_are_guarded_like_all_writes(
    live: Live, noon: datetime, path: str, body: Any
) -> None:
    looks, steers = App(live, noon), App(live, noon, local="steer", writes_per_minute=1)
    where = f"/api/jobs/ysb/{path}"

    assert "may read and not steer" in told(await looks.post(where, body), 403)
    foreign = {"Origin": "http://evil.example"}
    assert "another site" in told(await steers.post(where, body, **foreign), 403)
    assert "Kafka does not answer" in told(await steers.post(where, body), 503)
    assert "asked 1 times" in told(await steers.post(where, body), 429)


async def test_a_reading_ends_when_its_client_has_gone() -> None:
    left = asyncio.Event()

    async def account() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            left.set()
        return "never"

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    with pytest.raises(LeftError):
        await waited(Request({"type": "http", "headers": []}, receive), account())

    async with asyncio.timeout(5):
        await left.wait()
