"""`daedalus serve` as a process on a real broker: read, steer, listen, and what is refused."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from daedalus_console.brokers import Address
from daedalus_console.live import reader
from daedalus_console.live.live import Live
from daedalus_shared.events import (
    Asked,
    Basis,
    Candidate,
    CapacityPoint,
    CapacityUpdate,
    ControlEvent,
    Decision,
    Declaration,
    Downtime,
    Forget,
    JobMetrics,
    Override,
    Promise,
    Sample,
    ScaleCommand,
    Workload,
)
from daedalus_shared.job_spec import read_spec
from daedalus_shared.topics import CATALOGUE
from harness.broker import Broker, running_broker
from harness.fixtures import need_tools

pytestmark = pytest.mark.kafka

PATIENCE = 180.0
"""Seconds to wait for what comes at once, unless the machine is busy with other tests."""

SPEC = """
job: {job}
engine: {{kind: flink, rest: http://jobmanager:8081}}
input: {{bootstrap: kafka:9092, topics: [ad-events], group: ysb}}
workers: {{kind: none}}
scale: {{min: 1, max: 8}}
policy: {{mode: act}}
"""

TOKENS = {
    "right": ("grace", "steer", ""),
    "look": ("alan", "read", ""),
    "ada": ("ada", "steer", ""),
}


class Served:
    """A console as a process, and a client that comes with a token."""

    def __init__(self, url: str, log: Path) -> None:
        self.url = url
        self.log = log
        self.client = httpx.Client(
            base_url=url, headers={"Authorization": "Bearer right"}, timeout=30
        )

    def json(self, path: str) -> Any:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def until(self, what: Callable[[], bool], timeout: float = PATIENCE) -> None:
        deadline = time.monotonic() + timeout
        while not what():
            assert time.monotonic() < deadline, self.log.read_text()[-2000:]
            time.sleep(0.1)

    def ready(self) -> bool:
        return self.client.get("/readyz").status_code == 200


@contextmanager
def served(bootstrap: str, folder: Path, **environment: str) -> Iterator[Served]:
    """Run a console until the block ends; it ends in order within seconds."""
    log, arguments = folder / "console.log", ("serve", "--port", "0", "--json")
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "daedalus_console", *arguments, "-b", bootstrap],
            stdout=subprocess.PIPE,
            stderr=errors,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
            text=True,
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, log.read_text()
        url = json.loads(line)["url"]
        assert url.startswith("http://127.0.0.1:")
        found = Served(url, log)
        with found.client:
            yield found
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    need_tools("java", "mvn")
    with running_broker(tmp_path_factory.mktemp("kafka")) as found:
        for topic in CATALOGUE:
            found.send_raw(topic.name, "<img src=x>", b"\xff<script>", {})
        found.flush()
        yield found


@pytest.fixture(scope="module")
def console(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("console")
    lines = [
        f"- {{name: {name}, role: {role}, sha256: {hashlib.sha256(token.encode()).hexdigest()}}}"
        for token, (name, role, _) in TOKENS.items()
    ]
    digest = hashlib.sha256(b"old").hexdigest()
    lines.append(f"- {{name: old, sha256: {digest}, role: steer, expires: 2026-01-01T00:00:00Z}}")
    tokens = folder / "tokens.yaml"
    tokens.write_text("\n".join(lines))
    settings_ = {"CONSOLE_TOKENS": str(tokens), "CONSOLE_WRITES_PER_MINUTE": "10000"}
    with served(broker.bootstrap, folder, **settings_) as found:
        found.until(found.ready)
        yield found


@pytest.fixture
def job(broker: Broker, console: Served, request: pytest.FixtureRequest) -> str:
    """A job of this test alone, declared, with a report and a decision."""
    name = f"j-{abs(hash(request.node.name)) % 10**8}"
    now = datetime.now(UTC)
    broker.send(
        Declaration(job=name, at=now, source="console/t", spec=read_spec(SPEC.format(job=name)))
    )
    broker.send(report(name, now))
    broker.send(decision(name, now))
    broker.flush()
    console.until(lambda: console.client.get(f"/api/jobs/{name}").status_code == 200)
    console.until(lambda: console.json(f"/api/jobs/{name}")["row"]["decision"] is not None)
    return name


def report(name: str, at: datetime, workload: float = 41_000.0) -> JobMetrics:
    sample = Sample(at=at, scale_out=4, workload=workload, lag=7.0)
    return JobMetrics(job=name, at=at, source="monitor/monitor", samples=(sample,))


def command(name: str, tick: datetime) -> ScaleCommand:
    return ScaleCommand(
        job=name,
        at=tick,
        tick=tick,
        source="planner/horizon",
        from_scale_out=4,
        to_scale_out=6,
        expires_at=tick + timedelta(minutes=2),
        decision="d",
        promise=Promise(capacity=78_000),
    )


def decision(name: str, tick: datetime) -> Decision:
    return Decision(
        job=name,
        at=tick,
        tick=tick,
        source="planner/horizon",
        planner="horizon",
        scale_out=4,
        chosen=6,
        reason="scale_up",
        sentence="Scale <b>from</b> 4 to 6 workers.",
        candidates=(Candidate(scale_out=6, verdict="chosen"),),
        command=command(name, tick).id,
    )


WISH = {"until": "30m", "why": "release"}


def control(broker: Broker, job: str) -> list[Override]:
    """Return what was asked of a job, as it lies on the topic."""
    return [each for each in control_of(broker, job) if isinstance(each, Override)]


def control_of(broker: Broker, job: str) -> list[ControlEvent]:
    """Return what people want of a job, as it lies on the topic."""
    tap = broker.tap(ControlEvent, strict=False)
    assert tap.read_all()
    tap.close()
    found = [each.event for each in tap.found]
    return [each for each in found if isinstance(each, ControlEvent) and each.job == job]


def test_a_job_is_read_with_its_decision(console: Served, job: str) -> None:
    row = console.json(f"/api/jobs/{job}")["row"]
    assert (row["scale_out"], row["wanted"], row["workload"], row["lag"]) == (4, 6, 41_000, 7)

    (told,) = console.json(f"/api/jobs/{job}/decisions?limit=1")["items"]
    story = console.json(f"/api/jobs/{job}/decisions/{told['id']}")
    assert story["decision"]["sentence"] == "Scale <b>from</b> 4 to 6 workers."
    assert story["complete"] is True
    assert job in [each["job"] for each in console.json("/api/jobs?limit=1000")["items"]]

    # What came before the first that is in memory is asked of the topics: nothing is there.
    older = console.client.get(
        f"/api/jobs/{job}/decisions", params={"before": told["tick"], "limit": 5}
    ).json()
    assert older == {"items": [], "next": None}


def test_rescales_beyond_memory_are_read_from_their_topics(
    broker: Broker, console: Served, job: str
) -> None:
    now = datetime.now(UTC)
    ticks = [now - timedelta(seconds=2 * ago) for ago in range(205, 0, -1)]
    for tick in ticks:
        broker.send(decision(job, tick))
        broker.send(command(job, tick))
    broker.flush()
    path = f"/api/jobs/{job}/rescales"
    console.until(
        lambda: (
            len(console.json(f"{path}?limit=1000")["items"]) >= 199
            and console.json(f"{path}?limit=1")["items"][0]["tick"] == _text(ticks[-1])
        )
    )

    found: list[Any] = []
    before: str | None = ""
    while before is not None:
        page = console.client.get(path, params={"before": before or _text(now)}).json()
        found += page["items"]
        before = page["next"]

    assert [each["tick"] for each in found] == [_text(tick) for tick in reversed(ticks)]
    assert {(each["reason"], each["before"], each["after"]) for each in found} == {
        ("scale_up", 4, 6)
    }


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def test_a_long_past_is_read_beside_what_is_new(
    broker: Broker, job: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MUCH", 0)
    monkeypatch.setattr(reader, "LATELY", timedelta(0))
    live = Live()
    feed = reader.Reader(live, Address(broker.bootstrap, ""), reader.sources(timedelta(1), 10_000))
    looked: list[bool] = []

    def become(other: Live) -> None:
        looked.append(live.knows(job) and live.standing().reading)
        Live.become(live, other)

    monkeypatch.setattr(live, "become", become)
    feed.start()
    try:
        deadline = time.monotonic() + 30
        while live.standing().reading:
            assert time.monotonic() < deadline, live.standing()
            time.sleep(0.1)
    finally:
        feed.stop()

    assert looked == [True]
    now = datetime.now(UTC)
    assert live.decisions(job, None, 1)[0].reason == "scale_up"
    assert live.row(job, now).workload == 41_000.0
    assert live.standing().unreadable == len(CATALOGUE) - 1


def test_garbage_is_counted_and_stops_nothing(console: Served) -> None:
    standing = console.json("/api/standing")

    assert standing["unreadable"] == len(CATALOGUE) - 1  # knowledge is the services' own
    assert standing["unreadable_last"].startswith("daedalus.")


def test_steering_is_written_with_its_author_and_taken_back(
    broker: Broker, console: Served, job: str
) -> None:
    paused = console.client.post(f"/api/jobs/{job}/pause", json=WISH | {"direction": "down"})
    assert paused.status_code == 201, paused.text
    pinned = console.client.put(f"/api/jobs/{job}/pin", json=WISH | {"workers": 5})
    assert pinned.status_code == 201, pinned.text
    (event,) = pinned.json()["events"]
    assert (event["author"], event["source"], event["why"]) == ("grace", "console/grace", "release")

    def in_force() -> set[str]:
        found = console.json(f"/api/jobs/{job}/overrides")["in_force"]
        return {each["kind"] for each in found}

    console.until(lambda: in_force() == {"pause", "pin"})
    assert console.json(f"/api/jobs/{job}")["row"]["state"] == "pinned"

    over = {"why": "released"}
    assert console.client.post(f"/api/jobs/{job}/resume", json={}).status_code == 422
    assert console.client.delete(f"/api/jobs/{job}/pin").status_code == 422
    assert console.client.post(f"/api/jobs/{job}/resume", json=over).status_code == 200
    assert console.client.delete(f"/api/jobs/{job}/pin", params=over).status_code == 200
    console.until(lambda: in_force() == set())
    written = control(broker, job)
    assert [each.kind.value for each in written] == ["pause", "pin", "pause", "pin"]
    assert {each.author for each in written} == {"grace"}
    assert [each.why for each in written] == ["release", "release", "released", "released"]
    assert "grace asks for pause (down)" in console.log.read_text()


@pytest.mark.parametrize("word", ["approve", "reject"])
def test_a_rescale_that_waits_gets_its_word(
    broker: Broker, console: Served, job: str, word: str
) -> None:
    path = f"/api/jobs/{job}/{word}"
    early = console.client.post(path, json={"why": "looks right"})
    assert early.status_code == 404
    assert f"nothing about {job} waits for a word" in early.json()["detail"]

    now = datetime.now(UTC)
    asked = Asked(decision="d" * 32, scale_out=6, until=now + timedelta(minutes=10))
    waits = decision(job, now).model_copy(update={"asked": asked, "command": None, "chosen": 4})
    broker.send(waits)
    broker.flush()
    console.until(lambda: console.json(f"/api/jobs/{job}")["row"]["asked"] is not None)

    assert console.client.post(path, json={"why": " "}).status_code == 422
    said = console.client.post(path, json={"why": "looks right"})

    assert said.status_code == 201, said.text
    event = said.json()["event"]
    assert (event["author"], event["answer"], event["why"]) == ("grace", word, "looks right")
    assert (event["from_scale_out"], event["scale_out"]) == (4, 6)
    assert event["decision"] == asked.decision
    console.until(lambda: console.json(f"/api/jobs/{job}")["row"]["asked"] is None)
    assert f"grace says {word} to 4 to 6 workers of {job}" in console.log.read_text()


def update(name: str, tick: datetime) -> CapacityUpdate:
    down = Downtime(mean=20.0, spread=0.0, seen=1)
    return CapacityUpdate(
        job=name,
        at=tick,
        tick=tick,
        source="analyzer/analyzer",
        loop=1,
        scale_out=4,
        capacity=78_000.0,
        table=(CapacityPoint(scale_out=4, capacity=78_000.0, basis=Basis.OBSERVED),),
        workload=Workload(mean=41e3, minimum=41e3, maximum=41e3, level=41e3, slope=0.0),
        downtime_up=down,
        downtime_down=down,
    )


def test_accounts_are_told_a_shadow_is_promoted_and_what_was_learned_forgotten(
    broker: Broker, console: Served, job: str
) -> None:
    now = datetime.now(UTC)
    for seconds in (60, 120):  # in effect after the grace, and known as ahead as a clock may be
        broker.send(update(job, now - timedelta(seconds=seconds)))
    shadow = {"planner": "mine", "shadow": True, "source": "planner/mine"}
    broker.send(decision(job, now).model_copy(update=shadow))
    broker.flush()

    cost = console.json(f"/api/jobs/{job}/cost?since=1h")
    standings = console.json(f"/api/jobs/{job}/standings")
    calibration = console.json(f"/api/jobs/{job}/calibration?periods=3")
    costs = console.json("/api/cost")

    assert (cost["job"], standings["job"]) == (job, job)
    assert {line["name"] for line in standings["planners"]} == {"horizon", "mine"}
    assert len(calibration["periods"]) == 3
    assert set(costs["total"]) >= {"worker_hours", "worker_hours_of_hpa"}
    assert console.client.get("/api/jobs/none/cost").status_code == 404

    path = f"/api/jobs/{job}/promote"
    unheard = console.client.post(path, json={"planner": "nobody", "why": "better"})
    assert unheard.status_code == 409
    assert "nothing was heard of planner 'nobody' within 10m" in unheard.json()["detail"]
    promoted = console.client.post(path, json={"planner": "mine", "why": "better"})
    assert promoted.status_code == 201, promoted.text
    assert promoted.json()["changes"] == [
        {"field": "policy.planner", "before": "horizon", "after": "mine"}
    ]
    again = console.client.post(path, json={"planner": "mine", "why": "better"})
    assert (again.status_code, again.json()["event"]) == (201, None)

    forgotten = console.client.post(
        f"/api/jobs/{job}/forget", json={"learned": True, "why": "rewritten"}
    )
    assert forgotten.status_code == 201, forgotten.text
    event = forgotten.json()["event"]
    assert (event["author"], event["stays_declared"], event["why"]) == ("grace", True, "rewritten")
    assert f"{job}: grace has what was learned forgotten: rewritten" in console.log.read_text()
    known = control_of(broker, job)
    kinds: list[type[ControlEvent]] = [Declaration, Declaration, Forget]
    assert [type(each) for each in known] == kinds
    declared = known[1]
    assert isinstance(declared, Declaration)
    assert (declared.author, declared.why, declared.spec.policy.planner) == (
        "grace",
        "better",
        "mine",
    )


@pytest.mark.parametrize(
    ("token", "status", "why"),
    [
        ("wrong", 401, "not known"),
        ("old", 401, "token of old expired at 2026-01-01"),
        ("look", 403, "alan may read and not steer"),
    ],
)
def test_who_may_not_steer_is_told_why(
    console: Served, broker: Broker, job: str, token: str, status: int, why: str
) -> None:
    answer = console.client.post(
        f"/api/jobs/{job}/pause", json=WISH, headers={"Authorization": f"Bearer {token}"}
    )

    assert answer.status_code == status
    assert why in answer.json()["detail"]
    assert control(broker, job) == []


def test_another_site_cannot_steer_with_a_browsers_cookie(console: Served, job: str) -> None:
    answer = httpx.post(
        f"{console.url}/api/jobs/{job}/pause",
        json=WISH,
        cookies={"daedalus": "right"},
        headers={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        timeout=30,
    )

    assert answer.status_code == 403
    assert console.json(f"/api/jobs/{job}/overrides")["in_force"] == []


def test_of_two_who_steer_at_once_both_are_on_record_and_the_last_counts(
    broker: Broker, console: Served, job: str
) -> None:
    def pin(token: str) -> int:
        return httpx.put(
            f"{console.url}/api/jobs/{job}/pin",
            json=WISH | {"workers": 3 if token == "ada" else 5},
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        ).status_code

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(pin, ["ada", "right"])) == [201, 201]

    written = sorted(control(broker, job), key=lambda event: event.at)
    assert {event.author for event in written} == {"ada", "grace"}
    assert written[0].at < written[1].at
    console.until(lambda: len(console.json(f"/api/jobs/{job}/overrides")["asked"]) == 2)
    (last,) = console.json(f"/api/jobs/{job}/overrides")["in_force"]
    assert (last["author"], last["scale_out"]) == (written[1].author, written[1].scale_out)


def test_who_names_what_they_saw_is_told_that_it_has_changed(console: Served, job: str) -> None:
    seen = console.client.get(f"/api/jobs/{job}/overrides").headers["etag"]

    def floor(workers: int) -> httpx.Response:
        return console.client.put(
            f"/api/jobs/{job}/floor",
            json=WISH | {"workers": workers},
            headers={"If-Match": seen},
        )

    first = floor(2)
    assert first.status_code == 201
    assert first.headers["etag"] != seen
    assert floor(3).status_code == 412


class Events:
    """A stream, read in a thread; each event with the time at which it came."""

    def __init__(self, console: Served, job: str, last: str | None = None) -> None:
        self.got: list[tuple[str, str, Any, float]] = []
        self._console = console
        headers = {"Authorization": "Bearer right"} | ({"Last-Event-ID": last} if last else {})
        self._url = f"{console.url}/api/events?job={job}"
        self._headers = headers
        self._ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        # The console may end before the test's last stream has.
        with (
            suppress(httpx.TransportError),
            httpx.stream("GET", self._url, headers=self._headers, timeout=60) as answer,
        ):
            fields: dict[str, str] = {}
            for line in answer.iter_lines():
                if self._ended:
                    return
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                    continue
                if "event" in fields:
                    data = json.loads(fields["data"])
                    self.got.append((fields["event"], fields.get("id", ""), data, time.time()))
                fields = {}

    def wait(self, wanted: Callable[[str, Any], bool], *, since: int = 0) -> float:
        """Return when the event that is wanted came, after so many others."""
        found: list[float] = []

        def there() -> bool:
            found[:] = [at for kind, _, data, at in self.got[since:] if wanted(kind, data)]
            return bool(found)

        self._console.until(there)
        return found[0]

    def end(self) -> None:
        self._ended = True  # at the next line, or when the console ends


def test_what_happens_is_on_the_stream_within_two_seconds(
    broker: Broker, console: Served, job: str
) -> None:
    events = Events(console, job)
    events.wait(lambda kind, _: kind == "standing")
    took: list[float] = []
    deadline = time.monotonic() + PATIENCE
    # Three in a row: a machine may stand still for a moment, a console that is slower never passes.
    while len(took) < 3 or max(took[-3:]) >= 2.0:
        assert time.monotonic() < deadline, took
        number = len(took) + 1
        sent = time.time()
        broker.send(report(job, datetime.now(UTC), workload=number * 1_000.0))
        broker.flush()
        came = events.wait(
            lambda kind, data: kind == "job" and data["workload"] == number * 1_000  # noqa: B023 -- called at once
        )
        took.append(came - sent)
    events.end()


def test_kafka_may_go_and_come_back(broker: Broker, console: Served, job: str) -> None:
    events = Events(console, job)
    events.wait(lambda kind, data: kind == "standing" and data["kafka"]["connected"])

    broker.server.kill()
    events.wait(lambda kind, data: kind == "standing" and not data["kafka"]["connected"])
    assert console.client.get("/readyz").status_code == 200
    # Who comes now is let in; what is known is shown on, and a write says why it cannot be.
    assert console.json(f"/api/jobs/{job}")["row"]["workload"] is not None
    refused = console.client.post(f"/api/jobs/{job}/pause", json=WISH)
    assert refused.status_code == 503
    assert "Kafka" in refused.json()["detail"]

    seen = len(events.got)
    broker.server.start()
    events.wait(lambda kind, data: kind == "standing" and data["kafka"]["connected"], since=seen)
    broker.settle()
    broker.send(report(job, datetime.now(UTC), workload=12_345.0))
    broker.flush()
    events.wait(lambda kind, data: kind == "job" and data["workload"] == 12_345)
    events.end()
    console.until(console.ready)
    assert console.client.post(f"/api/jobs/{job}/pause", json=WISH).status_code == 201


def test_it_refuses_to_be_reached_from_outside_without_a_way_to_sign_in(broker: Broker) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "daedalus_console", "serve", "--host", "0.0.0.0"],  # noqa: S104
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert run.returncode == 2
    assert "set CONSOLE_TOKENS or CONSOLE_PROXIES" in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1


CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance,negative_data_rejection,ignored_auth,unsupported_method"
)


def test_nothing_that_may_be_asked_breaks_the_api(
    broker: Broker, console: Served, job: str, tmp_path: Path
) -> None:
    config = tmp_path / "schemathesis.toml"
    # A job that is forgotten is none any more, for all that is asked after it.
    other = f"{job}-other"
    spec = read_spec(SPEC.format(job=other))
    broker.send(Declaration(job=other, at=datetime.now(UTC), source="console/t", spec=spec))
    broker.flush()
    # Names made up are none that exist; and a stream never ends.
    config.write_text(
        f'[parameters]\n"path.job" = "{job}"\n'
        '[[operations]]\ninclude-path = "/api/events"\nenabled = false\n'
        '[[operations]]\ninclude-path = "/api/jobs/{job}/forget"\n'
        f'[operations.parameters]\n"path.job" = "{other}"\n'
    )
    command = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(config)]
    command += ["run", f"{console.url}/api/openapi.json", "--header", "Authorization: Bearer right"]
    command += ["--phases", "coverage,fuzzing", "--max-examples", "3", "--seed", "7"]
    # Of what is the same code one will do.
    command += ["--exclude-path-regex", "/(ceiling|pin|standings)$|/\\{job\\}/cost$"]
    command += ["--checks", CHECKS, "--generation-database", "none", "--no-color"]
    command += ["--request-timeout", "60"]  # its own is shorter than a busy machine may stall
    run = subprocess.run(
        command, capture_output=True, text=True, timeout=1000, check=False, cwd=tmp_path
    )

    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
