"""The shipped compose project on a real Docker engine, from `up` to `down`.

Run by `make compose-test`, with the images built before. The tests are steps of one story.
"""

import hashlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from daedalus_local.tape import Tape
from daedalus_shared.events import Decision, Event, Forecast, ScaleOutcome, Status
from harness.compose import HERE, ROOT, Project, health, need_engine, until

OURS = ("monitor", "analyzer", "forecaster", "planner", "executor", "console", "wordcount", "load")
IMAGES = (*(f"daedalus/{name}" for name in OURS), "apache/kafka:4.3.1", "prom/prometheus:v3.5.0")

ONCE = {"topics", "job-topics", "declare"}
"""Services that do one thing and end."""

BOOTSTRAP = f"localhost:{os.environ.get('KAFKA_PORT', '9092')}"
"""Where Kafka is from outside of the project: the published port."""

PAGE = f"http://127.0.0.1:{os.environ.get('PAGE_PORT', '8090')}"
"""Where the web page is published."""

PROMETHEUS = f"http://127.0.0.1:{os.environ.get('PROMETHEUS_PORT', '9090')}"

WISH = {"until": "5m", "why": "a test"}

pytestmark = pytest.mark.timeout(600)


class Running:
    """The project, up, and what has been on its topics."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._tape = Tape(BOOTSTRAP, (Decision, ScaleOutcome, Forecast))
        self.events: list[Event] = []

    def seen(self, what: str, holds: Callable[[Event], bool], timeout: float) -> Event:
        """Wait for an event."""

        def found() -> bool:
            self.events += self._tape.read(0.2)
            return any(map(holds, self.events))

        until(what, found, timeout)
        return next(event for event in self.events if holds(event))

    def close(self) -> None:
        self._tape.close()


@pytest.fixture(scope="module")
def here() -> Iterator[Running]:
    need_engine(IMAGES)
    project = Project("daedalus-test", [HERE / "compose.yaml", HERE / "compose.ci.yaml"])
    assert project.left() == [], "left from a former run: docker compose -p daedalus-test down -v"
    try:
        project.compose("up", "-d", "--no-build", "--wait", "--quiet-pull", timeout=900.0)
        running = Running(project)
        yield running
        running.close()
    finally:
        if project.left():
            print(project.compose("logs", "--tail", "20"))
            project.compose("down", "-v", "--timeout", "5")


def test_all_come_up_healthy(here: Running) -> None:
    deadline = time.monotonic() + 180.0
    while True:
        containers = here.project.containers()
        stood = {
            name.removeprefix("daedalus-test-"): health(each) for name, each in containers.items()
        }
        others = {name: word for name, word in stood.items() if name[:-2] not in ONCE}
        load = others.pop("load-1")
        # The executor may be adding a worker already.
        if set(others.values()) == {"healthy"} or time.monotonic() > deadline:
            break
        time.sleep(0.5)

    assert {name: word for name, word in stood.items() if name[:-2] in ONCE} == {
        f"{name}-1": "exited 0" for name in ONCE
    }
    assert load == "running"
    assert set(others.values()) == {"healthy"}, stood


def test_none_may_do_more_than_it_must(here: Running) -> None:
    for name, each in here.project.containers().items():
        host, config = each["HostConfig"], each["Config"]
        assert host["ReadonlyRootfs"], name
        assert host["CapDrop"] == ["ALL"], name
        assert "no-new-privileges:true" in host["SecurityOpt"], name
        assert host["Memory"], name
        assert host["NanoCpus"], name
        assert config["User"] not in {"", "0", "root"}, name
        published = [port for ports in host["PortBindings"].values() for port in ports]
        assert {port["HostIp"] for port in published} <= {"127.0.0.1"}, name
        sockets = [mount for mount in each["Mounts"] if mount["Destination"].endswith(".sock")]
        assert bool(sockets) == ("-executor-" in name), name
        assert not any(mount["RW"] for mount in sockets), name


def test_the_page_is_there_for_this_machine_to_read(here: Running) -> None:
    with httpx.Client(base_url=PAGE, timeout=30.0) as browser:
        shown = browser.get("/jobs/wordcount")
        assert shown.status_code == 200
        assert "Daedalus" in shown.text
        assert [job["job"] for job in browser.get("/api/jobs").json()["items"]] == ["wordcount"]

        # Nobody steers, and no name that was led to this address is answered.
        refused = browser.post("/api/jobs/wordcount/pause", json=WISH)
        assert (refused.status_code, "anybody may read" in refused.text) == (403, True)
        assert browser.get("/api/jobs", headers={"Host": "evil.example"}).status_code == 421

    def scraped() -> bool:
        query = {"query": 'up{service="page"}'}
        try:
            answer = httpx.get(f"{PROMETHEUS}/api/v1/query", params=query, timeout=30.0)
            answer.raise_for_status()
        except httpx.HTTPError:
            return False
        return [each["value"][1] for each in answer.json()["data"]["result"]] == ["1"]

    until("Prometheus sees the page", scraped, 120.0)


def test_the_executor_adds_workers_as_compose_would(here: Running) -> None:
    outcome = here.seen(
        "a scale-up applied",
        lambda event: (
            isinstance(event, ScaleOutcome)
            and event.status is Status.APPLIED
            and event.to_scale_out > (event.from_scale_out or event.to_scale_out)
        ),
        480.0,
    )
    assert isinstance(outcome, ScaleOutcome)
    first = here.project.containers("wordcount")["daedalus-test-wordcount-1"]
    # No more changes while we look.
    here.project.compose(
        "run", "--rm", "console", "pause", "wordcount", "--until", "5m", "--why", "t"
    )

    def healthy() -> set[str]:
        found = here.project.containers("wordcount").values()
        return {each["Id"] for each in found} if {*map(health, found)} == {"healthy"} else set()

    def settled() -> bool:
        before = healthy()
        if len(before) < 2:
            return False
        time.sleep(10)  # a pause does not stop the rescale that is under way
        return healthy() == before

    until("all workers healthy", settled, 240.0)
    workers = here.project.containers("wordcount")

    assert set(workers) == {f"daedalus-test-wordcount-{n + 1}" for n in range(len(workers))}
    for number, (_, each) in enumerate(sorted(workers.items()), 1):
        marks = dict(each["Config"]["Labels"])
        assert marks.pop("com.docker.compose.container-number") == str(number)
        marks.pop("daedalus.executor", None)
        expected = dict(first["Config"]["Labels"])
        del expected["com.docker.compose.container-number"]
        assert marks == expected
        assert each["HostConfig"] == first["HostConfig"]

    # To compose they are its own: it has nothing to recreate.
    before = {name: each["Id"] for name, each in workers.items()}
    here.project.compose(
        "up", "-d", "--no-build", "--scale", f"wordcount={len(workers)}", "wordcount"
    )
    after = {name: each["Id"] for name, each in here.project.containers("wordcount").items()}
    assert after == before


def test_a_killed_service_comes_back(here: Running) -> None:
    [planner] = here.project.containers("planner").values()

    os.kill(planner["State"]["Pid"], signal.SIGKILL)

    def back() -> bool:
        [now] = here.project.containers("planner").values()
        return bool(now["RestartCount"] > planner["RestartCount"] and health(now) == "healthy")

    until("the planner is back", back, 300.0)


def test_the_forecaster_is_replaced_by_somebody_elses(here: Running) -> None:
    example = ROOT / "examples" / "forecaster.py"
    assert example.exists()
    override = HERE / "compose.forecaster.yaml"
    replaced = Project(here.project.name, [*here.project.files, override])

    replaced.compose("up", "-d", "--no-build", "--no-deps", "forecaster")

    def is_theirs(event: Event) -> bool:
        return isinstance(event, Forecast) and event.model == "last"

    here.seen("a forecast of the example", is_theirs, 300.0)

    def rests_on_theirs(event: Event) -> bool:
        theirs = {each.id for each in here.events if is_theirs(each)}
        return isinstance(event, Decision) and bool(theirs & set(event.inputs))

    here.seen("a decision on its forecasts", rests_on_theirs, 300.0)


def test_with_a_token_people_steer_there(here: Running, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.yaml"
    digest = hashlib.sha256(b"right").hexdigest()
    tokens.write_text(f"- {{name: ada, role: steer, sha256: {digest}}}\n")
    files = [*here.project.files, HERE / "compose.tokens.yaml"]
    guarded = Project(here.project.name, files, {"TOKENS": str(tokens)})

    guarded.compose("up", "-d", "--no-build", "--no-deps", "--wait", "page")

    with httpx.Client(base_url=PAGE, timeout=30.0) as browser:
        assert browser.get("/api/jobs").status_code == 401
        browser.headers["Authorization"] = "Bearer right"
        written = browser.post("/api/jobs/wordcount/pause", json=WISH)
        assert written.status_code == 201, written.text
        assert [each["author"] for each in written.json()["events"]] == ["ada"]


def test_down_leaves_nothing(here: Running) -> None:
    here.project.compose("down", "-v", "--timeout", "10")

    assert here.project.left() == []
