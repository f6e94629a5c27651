"""The command against a real broker: declare, read back, ask for something, and meet garbage."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import pytest
from confluent_kafka import Producer
from typer.testing import CliRunner

from daedalus_console.cli import build
from daedalus_console.runs.common import named
from daedalus_local.kafka import running_kafka
from daedalus_shared.events import (
    Candidate,
    Decision,
    Event,
    JobMetrics,
    Knowledge,
    Promise,
    Recovery,
    Sample,
    ScaleCommand,
    ScaleOutcome,
    Status,
    encode,
    headers,
)
from daedalus_shared.topics import partition_of, topic_of
from harness.fixtures import need_tools
from harness.recorded import assert_kept, recorded

pytestmark = pytest.mark.kafka

PARTITIONS = 4

PATIENCE = 180.0
"""Seconds to wait for what comes at once, unless the machine is busy with other tests."""

SAMPLES = Path(__file__).parent / "samples"
"""What people see, as it was kept."""

YSB = """
job: {job}
engine: {{kind: flink, rest: http://jobmanager:8081}}
input: {{bootstrap: kafka:9092, topics: [ad-events], group: ysb}}
workers: {{kind: none}}
scale: {{min: 1, max: {most}}}
policy: {{mode: act}}
"""


class Console:
    """The command in this process, and a producer that writes what the services would."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.producer = Producer({"bootstrap.servers": bootstrap})

    def __call__(self, *arguments: str, code: int = 0, columns: int = 300) -> str:
        found = CliRunner().invoke(
            build(), [*arguments, "--bootstrap", self.bootstrap], env={"COLUMNS": str(columns)}
        )
        assert found.exit_code == code, found.output
        return found.output

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))

    def lines(self, *arguments: str) -> list[Any]:
        return [json.loads(line) for line in self(*arguments, "--json").splitlines()]

    def send(self, *events: Event) -> None:
        for event in events:
            self.raw(topic_of(type(event)), event.key, encode(event), headers(event), flush=False)
        assert self.producer.flush(60) == 0

    def raw(
        self,
        topic: str,
        key: str | None,
        value: bytes | None,
        told: dict[str, bytes] | None = None,
        *,
        flush: bool = True,
    ) -> None:
        partition = partition_of(key or "", PARTITIONS)
        self.producer.produce(
            topic, key=key, value=value, partition=partition, headers=list((told or {}).items())
        )
        if flush:
            assert self.producer.flush(60) == 0

    @contextmanager
    def process(self, *arguments: str) -> "Iterator[Running]":
        """Run the command for the length of the block, then interrupt it as Ctrl-C would."""
        with subprocess.Popen(
            [sys.executable, "-m", "daedalus_console", *arguments, "--bootstrap", self.bootstrap],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        ) as process:
            running = Running(process)
            try:
                yield running
            finally:
                process.send_signal(signal.SIGINT)
                running.join()


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    need_tools("java", "mvn")
    with running_kafka(tmp_path_factory.mktemp("kafka")) as server:
        found = Console(server.bootstrap)
        assert "create the topics with" in found("jobs", code=4)
        found("topics", "create", "--partitions", str(PARTITIONS))
        yield found


def job_file(folder: Path, job: str, most: int = 8) -> str:
    path = folder / f"{job}.yaml"
    path.write_text(YSB.format(job=job, most=most))
    return str(path)


def rescale(job: str, at: datetime) -> tuple[Event, ...]:
    promise = Promise(capacity=78_000, downtime=30, recovery=80)
    command = ScaleCommand(
        job=job,
        at=at,
        tick=at,
        source="planner/rules",
        from_scale_out=4,
        to_scale_out=6,
        expires_at=at + timedelta(minutes=2),
        decision="d",
        promise=promise,
    )
    about: dict[str, Any] = {"job": job, "tick": at, "command": command.id, "promise": promise}
    return (
        JobMetrics(
            job=job,
            at=at,
            tick=at,
            source="monitor/monitor",
            samples=(Sample(at=at, scale_out=4, workload=41_000, lag=10),),
        ),
        Decision(
            **about,
            at=at,
            source="planner/rules",
            planner="rules",
            scale_out=4,
            chosen=6,
            reason="scale_up",
            sentence="More is expected.",
        ),
        command,
        ScaleOutcome(
            **about,
            at=at,
            source="executor/executor",
            from_scale_out=4,
            to_scale_out=6,
            scale_out=6,
            generation=1,
            status=Status.APPLIED,
            downtime=9.5,
        ),
        Recovery(
            **about,
            at=at,
            source="analyzer/analyzer",
            from_scale_out=4,
            to_scale_out=6,
            recovery=62,
        ),
    )


def test_topics_are_created_once_and_listed(console: Console) -> None:
    assert console.json("topics", "create", "--partitions", str(PARTITIONS)) == {"created": []}
    assert "other than 12 partitions" in console("topics", "create", code=1)

    listed = {topic["topic"]: topic for topic in console.json("topics", "list")}
    assert listed["daedalus.control"]["keeps"] == "the newest of each key"
    assert listed["daedalus.metrics"]["keeps"] == "7d"
    assert all(topic["compression"] == "zstd" for topic in listed.values())


@pytest.fixture(scope="module", name="run")
def _run(console: Console) -> Iterator[Console]:
    """A recorded run of `ysb` that has just happened, in Kafka; times are shown in UTC.

    Its tests come first: `jobs` lists what the others declare too.
    """
    zone = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    end = datetime.now(UTC) - timedelta(seconds=15)
    for event in recorded(Path(__file__).parent / "recorded" / "ysb.jsonl.gz", end):
        console.send(event)  # one by one: by the broker's clock they are told in this order
    yield console
    if zone is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = zone
    time.tzset()


@pytest.mark.parametrize("columns", [60, 90, 140])
def test_jobs_are_listed_as_it_was_kept(run: Console, columns: int) -> None:
    text = run("jobs", columns=columns)

    assert max(map(len, text.splitlines())) <= columns
    assert_kept(text, SAMPLES / f"jobs-{columns}.txt")


@pytest.mark.parametrize("columns", [60, 120])
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["explain", "ysb"], id="explain"),
        pytest.param(["explain", "ysb", "--last-rescale"], id="explain-last-rescale"),
        pytest.param(["history", "ysb"], id="history"),
        pytest.param(["history", "ysb", "--limit", "2"], id="history-limit"),
        pytest.param(
            ["tap", "scale-outcomes", "recoveries", "--job", "ysb", "--where", "to_scale_out>2"],
            id="tap-where",
        ),
        pytest.param(["tap", "control", "--job", "ysb"], id="tap-control"),
        pytest.param(["overrides", "ysb"], id="overrides"),
        pytest.param(["standings", "ysb"], id="standings"),
        pytest.param(["calibration", "ysb", "--periods", "1"], id="calibration"),
        pytest.param(["cost", "ysb"], id="cost"),
    ],
)
def test_what_people_see_of_a_run_is_as_it_was_kept(
    run: Console, request: pytest.FixtureRequest, arguments: list[str], columns: int
) -> None:
    text = run(*arguments, columns=columns)

    assert max(map(len, text.splitlines())) <= columns
    name = request.node.callspec.id.rpartition("-")[0] or request.node.name
    assert_kept(text, SAMPLES / f"{name}-{columns}.txt")


def test_a_decision_is_found_by_its_id(run: Console) -> None:
    (last,) = [
        record["event"] | {"id": record["id"]}
        for record in run.lines("tap", "decisions", "--job", "ysb", "--where", "chosen=3",
                                "--where", "scale_out=1", "--where", "command!=null")
    ]  # fmt: skip

    found = run.json("explain", "ysb", "--decision", last["id"][:8])

    assert found["decision"]["sentence"] == last["sentence"]
    assert found["rescale"]["recovery"]["command"] == last["command"]
    assert "no decision 00000000" in run("explain", "ysb", "--decision", "00000000", code=4)


def test_headers_are_shown_and_conditions_hold(run: Console) -> None:
    text = run("tap", "scale-commands", "--job", "ysb", "--headers")
    assert text.count("ce_type: daedalus.scale-commands.v1") == text.count("correlationid: ysb@")

    (override,) = run.lines("tap", "control", "--job", "ysb", "--where", "type=Override")
    assert override["event"]["why"] == "release until noon"
    assert "nothing on scale-outcomes where status=refused" in run(
        "tap", "scale-outcomes", "--job", "ysb", "--where", "status=refused"
    )
    assert "did you mean 'status'" in run("tap", "scale-outcomes", "--where", "sttus=x", code=2)


def test_an_export_holds_what_lies_on_the_topics(run: Console, tmp_path: Path) -> None:
    path = tmp_path / "ysb.jsonl"
    told = run.json("export", str(path), "--job", "ysb")
    rows = [json.loads(line) for line in path.read_text().splitlines()]

    assert told["records"] == len(rows) == sum(told["topics"].values())
    stamps = [row["timestamp"] for row in rows]
    assert stamps == sorted(stamps)
    assert {row["event"]["job"] for row in rows} == {"ysb"}
    late = tmp_path / "late.jsonl.gz"
    since = run.json("export", str(late), "--job", "ysb", "--since", stamps[-1])
    assert since["topics"]["control"] == told["topics"]["control"], "specs count for long"
    assert since["records"] < told["records"]
    only = run.json("export", str(tmp_path / "c.parquet"), "--topic", "control", "--job", "ysb")
    assert only["topics"] == {"control": told["topics"]["control"]}
    assert "no file is written" in run(
        "export", str(tmp_path / "none.jsonl"), "--job", "nobody", code=4
    )
    assert not (tmp_path / "none.jsonl").exists()


def test_a_job_is_declared_changed_and_left_alone(console: Console, tmp_path: Path) -> None:
    good = job_file(tmp_path, "declared")
    (tmp_path / "bad.yaml").write_text("job: bad")

    dry = console.json("apply", "-f", good, "--dry-run")
    assert [(found["result"], found["dry_run"]) for found in dry] == [("created", True)]

    output = console("apply", "-f", str(tmp_path), code=1)
    assert "created    declared" in output
    assert "bad.yaml: scale: is missing" in output

    assert "unchanged  declared" in console("apply", "-f", good)
    assert "scale.max 8 → 10" in console("apply", "-f", job_file(tmp_path, "declared", 10))

    written = console.lines("tap", "control", "--job", "declared", "--since", "start")
    assert [record["event"]["spec"]["scale"]["max"] for record in written] == [8, 10]
    assert {record["key"] for record in written} == {"declared/JobSpec"}
    assert {record["partition"] for record in written} == {partition_of("declared", PARTITIONS)}
    assert all(record["event"]["source"].startswith("console/") for record in written)

    assert "is forgotten" in console("forget", "declared")
    assert "declared" not in [job["job"] for job in console.json("jobs")]
    assert "no job 'declared'" in console("forget", "declared", code=4)


def test_a_job_is_asked_for_something_and_it_is_taken_back(
    console: Console, tmp_path: Path
) -> None:
    console("apply", "-f", job_file(tmp_path, "asked"))

    console("pause", "asked", "--down", "--until", "2h", "--why", "release")
    console("pin", "asked", "5", "--until", "1h", "--why", "sale")
    (job,) = [found for found in console.json("jobs") if found["job"] == "asked"]
    assert [(wish["kind"], wish["direction"], wish["why"]) for wish in job["overrides"]] == [
        ("pause", "down", "release"),
        ("pin", "both", "sale"),
    ]
    assert "pin 9 is above" in console("pin", "asked", "9", "--until", "1h", "--why", "x", code=1)

    assert "takes back a pause of scaling down" in console("resume", "asked", "--why", "released")
    assert "takes back a pin of 5: sold out" in console(
        "pin", "asked", "--clear", "--why", "sold out"
    )
    assert "nothing to take back" in console("resume", "asked", "--why", "x")
    (asked,) = console.json("overrides", "asked")
    assert {(ended["kind"], ended["why"]) for ended in asked["taken_back"]} == {
        ("pause", "released"),
        ("pin", "sold out"),
    }
    told = console("history", "asked")
    assert "takes back a pause of scaling down: released" in told
    (job,) = [found for found in console.json("jobs") if found["job"] == "asked"]
    assert job["overrides"] == []


def test_a_rescale_is_listed_and_explained(console: Console, tmp_path: Path) -> None:
    console("apply", "-f", job_file(tmp_path, "told"))
    at = datetime.now(UTC)
    console.send(*rescale("told", at))

    spec, found = console.json("history", "told")
    assert (spec["kind"], spec["text"].partition(" has it ")[2]) == (
        "spec",
        "declared: act, planner horizon, 1 to 8 workers",
    )
    assert (found["from"], found["to"], found["sentence"]) == (4, 6, "More is expected.")
    assert found["outcomes"][0]["status"] == "applied"
    assert found["recovery"]["recovery"] == 62

    story = console("explain", "told")
    assert "scale 4 → 6" in story
    assert "downtime 9.5s (promised 30s)" in story
    assert "caught up in 1m2s (promised 1m20s)" in story

    earlier = (at - timedelta(minutes=5)).isoformat()
    assert "no decision about told" in console("explain", "told", "--at", earlier, code=4)
    assert "no job 'nobody'" in console("history", "nobody", code=4)
    assert "did you mean 'told'" in console("history", "tolt", code=4)
    assert named(console.bootstrap, "to") == ["told"]

    (job,) = [found for found in console.json("jobs") if found["job"] == "told"]
    assert (job["scale_out"], job["health"]) == (4, "ok")
    assert job["decision"]["sentence"] == "More is expected."


def test_a_snapshot_of_more_than_a_megabyte_is_written_back(
    console: Console, tmp_path: Path
) -> None:
    known = Knowledge(
        job="grown", at=datetime.now(UTC), source="planner/rules", kind="PlannerState",
        instance="rules", version=1, epoch=1, revision=1, state="x" * 1_040_000,
    )  # fmt: skip
    file = tmp_path / "knowledge.jsonl"
    file.write_text(known.model_dump_json() + "\n")

    assert "wrote 1 snapshots of 1 jobs" in console("knowledge", "import", str(file))

    again = tmp_path / "again.jsonl"
    console("knowledge", "export", str(again), "--job", "grown")
    assert Knowledge.model_validate_json(again.read_text()).state == known.state


def decided(job: str, tick: datetime, present: int, needed: int, ceiling: int) -> Decision:
    """What a planner says at a tick to a job that needs so many and may have `ceiling`."""
    return Decision(
        job=job,
        at=tick,
        tick=tick,
        source="planner/horizon",
        planner="horizon",
        scale_out=present,
        chosen=min(needed, ceiling),
        reason="scale_up",
        sentence="More is expected.",
        limits=("ceiling",) if needed > ceiling else (),
        candidates=(Candidate(scale_out=needed, verdict="cheapest"),),
    )


def test_jobs_share_workers_and_one_gets_what_the_other_gives_up(
    console: Console, tmp_path: Path
) -> None:
    for job in ("shares-a", "shares-b"):
        path = Path(job_file(tmp_path, job))
        path.write_text(path.read_text().replace("mode: act", "mode: act, forecast_grace: 1"))
        console("apply", "-f", str(path))
    group = tmp_path / "batch.yaml"
    group.write_text("{group: batch, workers: 8, jobs: {shares-a: 2, shares-b: 1}}")

    def ceilings() -> dict[str, int]:
        jobs = {job["job"]: job["overrides"] for job in console.json("jobs")}
        return {
            job: wish["scale_out"]
            for job in ("shares-a", "shares-b")
            for wish in jobs[job]
            if wish["kind"] == "ceiling" and wish["direction"] == "up"
        }

    console("quota", "-f", str(group), "--once")
    given = ceilings()
    assert given == {"shares-a": 7, "shares-b": 1}, "what is free goes to the higher priority"

    # The lower one needs five, and may have them once the higher is seen to keep to its three.
    seen = [given]
    with console.process("quota", "-f", str(group)):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            tick = datetime.now(UTC)
            console.send(
                decided("shares-a", tick, 2, 2, seen[-1]["shares-a"]),
                decided("shares-b", tick, seen[-1]["shares-b"], 5, seen[-1]["shares-b"]),
            )
            seen.append(ceilings())
            if seen[-1]["shares-b"] == 5:
                break
    assert seen[-1] == {"shares-a": 3, "shares-b": 5}
    assert all(sum(each.values()) <= 8 for each in seen)

    other = tmp_path / "night.yaml"
    other.write_text("{group: night, workers: 8, jobs: {shares-a: 1}}")
    assert "shares-a already has 3 by quota batch" in console("quota", "-f", str(other), code=1)

    console("quota", "-f", str(group), "--clear")
    assert ceilings() == {}


def test_garbage_on_the_topics_is_shown_and_never_in_the_way(
    console: Console, tmp_path: Path
) -> None:
    console("apply", "-f", job_file(tmp_path, "soiled"))
    console.send(*rescale("soiled", datetime.now(UTC)))
    for topic in ("control", "metrics", "decisions", "scale-outcomes"):
        name = f"daedalus.{topic}"
        console.raw(name, "soiled", b"\xff\x1b[2J")
        console.raw(name, "soiled/JobSpec", b"{}", {"ce_type": b"daedalus.control.JobSpec.v1"})
        console.raw(name, "soiled", b"{}", {"ce_type": b"daedalus.metrics.v9"})
        console.raw(name, None, b"")
        console.raw(name, "soiled/Override/pin-both", None)

    written = console.lines("tap", "control", "--since", "start", "--job", "soiled")
    assert [record.get("type") for record in written].count("Declaration") == 1
    assert sum("error" in record for record in written) == 3
    assert sum("tombstone" in record for record in written) == 1

    text = console("tap", "control", "decisions", "--job", "soiled")
    assert "no event: no ce_type header" in text
    assert "\x1b" not in text

    (job,) = [found for found in CliJson.of(console("jobs", "--json")) if found["job"] == "soiled"]
    assert job["scale_out"] == 4
    assert "More is expected." in console("history", "soiled")
    assert "scale 4 → 6" in console("explain", "soiled")
    assert "unchanged" in console("apply", "-f", job_file(tmp_path, "soiled"))


class CliJson:
    """The JSON in an output that warnings on standard error are mixed into."""

    @staticmethod
    def of(output: str) -> Any:
        return json.loads(output[output.index("[\n") : output.rindex("]") + 1])


def test_many_records_come_in_the_order_of_time(console: Console) -> None:
    start = datetime.now(UTC) - timedelta(hours=1)
    console.send(
        *(
            JobMetrics(
                job=f"many-{number % 20}",
                at=start + timedelta(seconds=number / 10),
                source="monitor/monitor",
                samples=(),
            )
            for number in range(10_000)
        )
    )

    found = console.lines("tap", "metrics", "--since", "start")
    mine = [record for record in found if (record["key"] or "").startswith("many-")]

    assert len(mine) == 10_000
    stamps = [record["timestamp"] for record in found]
    assert stamps == sorted(stamps)


def test_a_stream_follows_and_ends_at_ctrl_c(console: Console) -> None:
    with console.process("tap", "metrics", "--follow", "--json", "--job", "live") as tap:
        for number in range(50):
            console.send(
                JobMetrics(job="live", at=datetime.now(UTC), source=f"m/{number}", samples=())
            )
            if tap.wait(lambda line: '"live"' in line, 0.2):
                break
        assert tap.wait(lambda line: '"live"' in line)
    assert tap.code == 0
    assert tap.errors == []


def test_watch_writes_lines_where_there_is_no_terminal(console: Console) -> None:
    with console.process("watch", "lines") as watch:
        console.send(*rescale("lines", datetime.now(UTC)))
        assert watch.wait(lambda line: "◆ lines  More is expected." in line)
        assert watch.wait(lambda line: "4 → 6 applied" in line)
        assert watch.wait(lambda line: "4 → 6 caught up in 1m2s" in line)
    assert watch.code == 0


def test_a_watched_folder_is_applied_whenever_it_changes(console: Console, tmp_path: Path) -> None:
    job_file(tmp_path, "watched")
    with console.process("apply", "--watch", str(tmp_path)) as apply:
        assert apply.wait(lambda line: line.startswith("created    watched"))
        job_file(tmp_path, "watched", 9)
        assert apply.wait(lambda line: "scale.max 8 → 9" in line)
        (tmp_path / "wrong.yaml").write_text("job: {")
        assert apply.wait(lambda line: "refused" in line and "wrong.yaml" in line)
    assert apply.code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["jobs"], id="jobs"),
        pytest.param(["tap", "decisions"], id="tap"),
        pytest.param(["watch"], id="watch"),
        pytest.param(["history", "ysb"], id="history"),
        pytest.param(["explain", "ysb"], id="explain"),
        pytest.param(["export", "ysb.jsonl", "--job", "ysb"], id="export"),
        pytest.param(["pause", "ysb", "--until", "1h", "--why", "x"], id="pause"),
        pytest.param(["topics", "create"], id="topics create"),
    ],
)
def test_an_unreachable_broker_is_one_line_and_its_own_exit_code(arguments: list[str]) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, not listening: connections are refused
        found = subprocess.run(
            [sys.executable, "-m", "daedalus_console", *arguments],
            env={**os.environ, "DAEDALUS_BOOTSTRAP": f"127.0.0.1:{nobody.getsockname()[1]}"},
            capture_output=True,
            text=True,
            check=False,
        )

    assert found.returncode == 3
    assert found.stdout == ""
    assert len(found.stderr.splitlines()) == 1
    assert found.stderr.startswith("daedalus: Kafka does not answer at 127.0.0.1:")


class Running:
    """A process and the lines that it has written so far."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._found: list[str] = []
        self.errors: list[str] = []
        self._more = threading.Condition()
        self._readers = [
            threading.Thread(target=self._read, args=read, daemon=True)
            for read in ((process.stdout, self._found), (process.stderr, self.errors))
        ]
        for reader in self._readers:
            reader.start()

    @property
    def code(self) -> int | None:
        """Its exit code, once it has ended."""
        return self._process.returncode

    def join(self) -> None:
        """Return when all that it wrote is read: its streams may be closed only then."""
        for reader in self._readers:
            reader.join()

    def wait(self, wanted: Callable[[str], bool], timeout: float = PATIENCE) -> bool:
        """Return whether such a line is written within `timeout` seconds."""
        with self._more:
            return self._more.wait_for(lambda: any(map(wanted, self._found)), timeout)

    def _read(self, stream: IO[str], lines: list[str]) -> None:
        for line in stream:
            with self._more:
                lines.append(line)
                self._more.notify_all()
